import type { ClientDuplexStream } from '@grpc/grpc-js';
import { credentials } from '@grpc/grpc-js';
import { Coordinator, MAX_MESSAGE_BYTES, PROTOCOL_VERSION } from '../../src/protocol/contract.js';
import type {
  ClientBody,
  ClientFrame,
  ClientMessage,
  PhaseTwo,
  ServerFrame,
  ServerMessage,
} from '../../src/protocol/frames.js';
import { newXid } from '../../src/protocol/xid.js';

type Stream = ClientDuplexStream<ClientMessage, ServerMessage>;

/** What a client tells of its transactions. */
export interface LoadEvents {
  /** The commit is durable; the time is that from the begin, in milliseconds. */
  committed(latencyMs: number): void;
  /** Phase two is acknowledged: the transaction is over. */
  finished(): void;
}

/** The resource of all branches. */
export const RESOURCE = 'bench';

const HOUR_MS = 3_600_000;

/**
 * One stream that does what a service's client does for each transaction, and no more: register with one lock, begin
 * riding along; report and commit together; acknowledge phase two. Frames of one turn of the event loop share a message.
 */
export class LoadClient {
  readonly #stream: Stream;
  readonly #close: () => void;
  readonly #events: LoadEvents;
  readonly #name: string;
  readonly #answers = new Map<number, (frame: ServerFrame) => void>();
  #lastId = 0;
  #waiting: ClientFrame[] = [];

  private constructor(address: string, name: string, events: LoadEvents) {
    const client = new Coordinator(address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#name = name;
    this.#events = events;
    this.#stream = (client as unknown as { Connect(): Stream }).Connect();
    this.#close = () => {
      this.#stream.cancel();
      client.close();
    };
    this.#stream.on('data', ({ frames }: ServerMessage) => {
      for (const frame of frames) this.#take(frame);
    });
    // Cancelled by `close`; whatever else ends it leaves the round without its transactions, which shows.
    this.#stream.on('error', () => undefined);
  }

  static async connect(address: string, name: string, events: LoadEvents): Promise<LoadClient> {
    const client = new LoadClient(address, name, events);
    const hello = { protocol: PROTOCOL_VERSION, clientId: name, application: 'bench', library: 'bench' };
    await client.#request({ body: 'hello', hello });
    const enlistResource = { resourceId: RESOURCE, kind: 'AT', serverId: 'bench', label: 'bench' };
    await client.#request({ body: 'enlistResource', enlistResource });
    return client;
  }

  /** Starts one transaction. */
  start(): void {
    const begun = performance.now();
    const xid = newXid();
    this.#ask(this.#registration(xid, [`PRIMARY/${xid}`]), (registered) => {
      if (registered.body !== 'branchRegistered') throw unexpected(registered);
      const { branchId } = registered.branchRegistered;
      this.#send(0, {
        body: 'reportBranch',
        reportBranch: { xid, branchId, outcome: 'PHASE_ONE_DONE' },
      });
      this.#ask({ body: 'commit', commit: { xid } }, (answer) => {
        if (answer.body !== 'transaction' || !answer.transaction.status.startsWith('COMMITT')) {
          throw unexpected(answer);
        }
        this.#events.committed(performance.now() - begun);
      });
    });
  }

  /** Takes locks that stay, in a transaction that is not ended. */
  async hold(keys: readonly string[]): Promise<void> {
    const answer = await this.#request(this.#registration(newXid(), keys));
    if (answer.body !== 'branchRegistered') throw unexpected(answer);
  }

  close(): void {
    this.#close();
  }

  #registration(xid: string, keys: readonly string[]): ClientBody {
    return {
      body: 'registerBranch',
      registerBranch: {
        xid,
        begin: { xid, name: 'bench', timeoutMs: HOUR_MS },
        requestId: `${this.#name}-${this.#lastId}`,
        resourceId: RESOURCE,
        kind: 'AT',
        locks: [{ resourceId: RESOURCE, table: 'account', mode: 'EXCLUSIVE', keys }],
        lockWaitMs: 5_000,
        branchId: '',
        locksOnly: false,
      },
    };
  }

  #request(body: ClientBody): Promise<ServerFrame> {
    return new Promise((resolve) => this.#ask(body, resolve));
  }

  #ask(body: ClientBody, answered: (frame: ServerFrame) => void): void {
    this.#lastId += 1;
    this.#answers.set(this.#lastId, answered);
    this.#send(this.#lastId, body);
  }

  #send(id: number, body: ClientBody): void {
    if (this.#waiting.length === 0) setImmediate(() => this.#flush());
    this.#waiting.push({ id, ...body });
  }

  #flush(): void {
    const frames = this.#waiting;
    this.#waiting = [];
    this.#stream.write({ frames });
  }

  #take(frame: ServerFrame): void {
    if (frame.body === 'phaseTwo') {
      this.#acknowledge(frame.phaseTwo);
      return;
    }
    const answered = this.#answers.get(frame.id);
    this.#answers.delete(frame.id);
    answered?.(frame);
  }

  #acknowledge({ xid, branchId, decision, attempt }: PhaseTwo): void {
    const told = { outcome: 'PHASE_TWO_DONE', code: '', detail: '' } as const;
    this.#send(0, {
      body: 'phaseTwoResult',
      phaseTwoResult: { xid, branchId, decision, attempt, ...told },
    });
    this.#events.finished();
  }
}

function unexpected(frame: ServerFrame): Error {
  return new Error(`the coordinator answered ${JSON.stringify(frame)}`);
}
