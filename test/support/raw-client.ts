import { randomUUID } from 'node:crypto';
import { type ClientDuplexStream, credentials, Metadata, type StatusObject } from '@grpc/grpc-js';
import { Coordinator, MAX_MESSAGE_BYTES } from '../../src/protocol/contract.js';
import type {
  ClientBody,
  ClientFrame,
  ClientMessage,
  Decision,
  PhaseTwo,
  PhaseTwoOutcome,
  RegisterBranch,
  ServerBody,
  ServerFrame,
  ServerMessage,
} from '../../src/protocol/frames.js';
import { newXid } from '../../src/protocol/xid.js';
import { REFERENCE } from './reference-codec.js';

type Stream = ClientDuplexStream<ClientMessage | Buffer, ServerMessage>;

export interface RawClientOptions {
  readonly clientId?: string;
  readonly application?: string;
  /** Whether hello is sent and welcome awaited. @default true */
  readonly hello?: boolean;
  /** How phase two is answered; undefined: not at all. @default PHASE_TWO_DONE at once */
  readonly phaseTwo?: ((push: PhaseTwo) => PhaseTwoOutcome | undefined) | undefined;
}

/** The contract and nothing more: one stream, frames out, frames in. For tests of the coordinator. */
export class RawClient {
  readonly clientId: string;
  /** All frames that have come. */
  readonly received: ServerFrame[] = [];
  readonly pushes: PhaseTwo[] = [];
  /** How the stream ended. */
  readonly ended: Promise<StatusObject>;
  readonly #client: InstanceType<typeof Coordinator>;
  readonly #stream: Stream;
  readonly #answers = new Map<number, (frame: ServerFrame) => void>();
  readonly #phaseTwo: (push: PhaseTwo) => PhaseTwoOutcome | undefined;
  #lastId = 0;
  #out: ClientFrame[] = [];

  private constructor(address: string, options: RawClientOptions) {
    this.clientId = options.clientId ?? randomUUID();
    this.#phaseTwo = 'phaseTwo' in options ? (options.phaseTwo ?? (() => undefined)) : () => 'PHASE_TWO_DONE';
    this.#client = new Coordinator(address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
      'grpc.use_local_subchannel_pool': 1,
    });
    const method = Coordinator.service.Connect!;
    this.#stream = this.#client.makeBidiStreamRequest(
      method.path,
      (message: ClientMessage | Buffer) =>
        Buffer.isBuffer(message) ? message : REFERENCE.requestSerialize(message),
      (bytes: Buffer) => method.responseDeserialize(bytes) as ServerMessage,
      new Metadata(),
    );
    this.ended = new Promise((resolve) => this.#stream.on('status', resolve));
    // The status says the same.
    this.#stream.on('error', () => undefined);
    this.#stream.on('data', (message: ServerMessage) => {
      for (const frame of message.frames) this.#take(frame);
    });
  }

  static async connect(address: string, options: RawClientOptions = {}): Promise<RawClient> {
    const client = new RawClient(address, options);
    if (options.hello !== false) {
      const hello = {
        protocol: 1,
        clientId: client.clientId,
        application: options.application ?? 'test',
        library: 'raw',
      };
      const answer = await client.request({ body: 'hello', hello });
      if (answer.body !== 'welcome') throw new Error(`no welcome but ${JSON.stringify(answer)}`);
    }
    return client;
  }

  /** Sends the frame and resolves with its answer; rejects when the stream ends before. */
  request(body: ClientBody): Promise<ServerFrame> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<ServerFrame>((resolve, reject) => {
      this.#answers.set(id, resolve);
      void this.ended.then((status) =>
        reject(new Error(`the stream ended: ${status.code} ${status.details}`)),
      );
    });
    this.send({ id, ...body });
    return answer;
  }

  /** Frames of one turn of the event loop share a message. */
  send(frame: ClientFrame): void {
    if (this.#out.length === 0) setImmediate(() => this.#stream.write({ frames: this.#out.splice(0) }));
    this.#out.push(frame);
  }

  /** A message as these very bytes. */
  sendBytes(bytes: Buffer): void {
    this.#stream.write(bytes);
  }

  async enlist(resourceId: string, serverId = 'server-1'): Promise<ServerFrame> {
    return this.request({
      body: 'enlistResource',
      enlistResource: { resourceId, kind: 'AT', serverId, label: 'a test' },
    });
  }

  async begin(xid: string = newXid(), timeoutMs = 60_000): Promise<string> {
    const answer = await this.request({ body: 'begin', begin: { xid, name: 'test', timeoutMs } });
    if (answer.body !== 'done') throw new Error(`not begun but ${JSON.stringify(answer)}`);
    return xid;
  }

  register(
    xid: string,
    resourceId: string,
    keys: readonly string[],
    more: Partial<RegisterBranch> = {},
  ): Promise<ServerFrame> {
    return this.request({
      body: 'registerBranch',
      registerBranch: {
        xid,
        begin: null,
        requestId: randomUUID(),
        resourceId,
        kind: 'AT',
        locks: keys.length === 0 ? [] : [{ resourceId, table: 't', mode: 'EXCLUSIVE', keys }],
        lockWaitMs: 0,
        branchId: '',
        locksOnly: false,
        ...more,
      },
    });
  }

  /** As `register`, for when it must be granted; resolves with the branch id. */
  async branch(...request: Parameters<RawClient['register']>): Promise<string> {
    const answer = await this.register(...request);
    if (answer.body !== 'branchRegistered') throw new Error(`not registered but ${JSON.stringify(answer)}`);
    return answer.branchRegistered.branchId;
  }

  reportDone(xid: string, branchId: string): void {
    this.send({ id: 0, body: 'reportBranch', reportBranch: { xid, branchId, outcome: 'PHASE_ONE_DONE' } });
  }

  commit(xid: string): Promise<ServerFrame> {
    return this.request({ body: 'commit', commit: { xid } });
  }

  rollback(xid: string, waitMs = 5_000): Promise<ServerFrame> {
    return this.request({ body: 'rollback', rollback: { xid, reason: 'test', waitMs } });
  }

  async status(xid: string): Promise<string> {
    const answer = await this.request({ body: 'getTransaction', getTransaction: { xid } });
    if (answer.body !== 'transaction') throw new Error(`no status but ${JSON.stringify(answer)}`);
    return answer.transaction.status;
  }

  answerPhaseTwo(push: PhaseTwo, outcome: PhaseTwoOutcome): void {
    const { xid, branchId, decision, attempt } = push;
    this.send({
      id: 0,
      body: 'phaseTwoResult',
      phaseTwoResult: { xid, branchId, decision, outcome, code: '', detail: '', attempt },
    });
  }

  pushesOf(xid: string): { branchId: string; decision: Decision }[] {
    return this.pushes
      .filter((push) => push.xid === xid)
      .map(({ branchId, decision }) => ({ branchId, decision }));
  }

  /** Stops reading, as a client whose event loop hangs does. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }

  #take(frame: ServerFrame): void {
    this.received.push(frame);
    if (frame.body === 'phaseTwo') {
      this.pushes.push(frame.phaseTwo);
      const outcome = this.#phaseTwo(frame.phaseTwo);
      if (outcome !== undefined) this.answerPhaseTwo(frame.phaseTwo, outcome);
      return;
    }
    this.#answers.get(frame.id)?.(frame);
    this.#answers.delete(frame.id);
  }
}

/** The failure's code, or what came instead of a failure. */
export function codeOf(frame: ServerFrame | ServerBody): string {
  return frame.body === 'failure' ? frame.failure.code : frame.body;
}
