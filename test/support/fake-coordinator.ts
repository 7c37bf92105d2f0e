import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { CoordinatorService, MAX_MESSAGE_BYTES } from '../../src/protocol/contract.js';
import type {
  ClientBody,
  ClientFrame,
  ClientMessage,
  ServerBody,
  ServerFrame,
  ServerMessage,
  Transaction,
  TransactionStatus,
} from '../../src/protocol/frames.js';

type Stream = ServerDuplexStream<ClientMessage, ServerMessage>;

/** What the script says to one frame: an answer, or 'silence', or 'end' of the stream. */
export type Reply = ServerBody | 'silence' | 'end';

/** Says what to answer; undefined leaves it to the fake's own good-natured answers. */
export type Script = (frame: ClientFrame, stream: number) => Reply | undefined | Promise<Reply | undefined>;

/** A frame as it came, with the number of its stream, from 1. */
export type Received = ClientFrame & { readonly stream: number };

/** The answer to commit, rollback and getTransaction. */
export function transactionReply(
  xid: string,
  status: TransactionStatus,
  facts: Partial<Transaction> = {},
): ServerBody {
  return { body: 'transaction', transaction: { xid, status, reason: '', unfinishedBranches: 0, ...facts } };
}

export function failureReply(code: string, message: string): ServerBody {
  return { body: 'failure', failure: { code, message, xid: '', details: {} } };
}

/** A gRPC server on loopback that answers by a script, and remembers what it was sent. */
export class FakeCoordinator {
  readonly received: Received[] = [];
  /** How many frames came in each message. */
  readonly messages: number[] = [];
  script: Script = () => undefined;
  /** 0: nothing is said about it. */
  maxFrameBytes = 0;
  coordinatorId = 'fake';
  readonly #streams = new Map<number, Stream>();
  #server: Server | undefined;
  #port = 0;
  #lastStream = 0;
  #lastBranch = 0;
  #watchers = new Set<() => void>();

  static async start(script: Script = () => undefined): Promise<FakeCoordinator> {
    const fake = new FakeCoordinator();
    fake.script = script;
    await fake.listen();
    return fake;
  }

  get port(): number {
    return this.#port;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** Listens again, where it did before. */
  async listen(): Promise<void> {
    const server = new Server({
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    });
    server.addService(CoordinatorService, { Connect: (stream: Stream) => this.#accept(stream) });
    this.#port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${this.#port}`, ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    this.#server = server;
  }

  /** Every connection is gone at once, and nobody listens. */
  async stop(): Promise<void> {
    this.#server?.forceShutdown();
    this.#server = undefined;
    this.#streams.clear();
  }

  /** Ends the streams that stand; the port stays open. */
  endStreams(): void {
    for (const stream of this.#streams.values()) stream.end();
    this.#streams.clear();
  }

  /** Sends to the newest stream, in one message. */
  push(...bodies: readonly ServerBody[]): void {
    const stream = this.#streams.get(this.#lastStream);
    if (stream === undefined) throw new Error('no stream stands to push to');
    stream.write({ frames: bodies.map((body) => ({ ...body, id: 0 })) });
  }

  /** The frames of one kind, oldest first. */
  all<Name extends ClientBody['body']>(name: Name): Extract<Received, { body: Name }>[] {
    return this.received.filter((frame): frame is Extract<Received, { body: Name }> => frame.body === name);
  }

  /** Resolves once `count` frames of one kind have come. */
  async arrived<Name extends ClientBody['body']>(
    name: Name,
    count = 1,
  ): Promise<Extract<Received, { body: Name }>[]> {
    await this.until(() => this.all(name).length >= count);
    return this.all(name);
  }

  /** Resolves once `condition` holds; looked at whenever a frame has come or a stream has begun or ended. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          this.#watchers.delete(watcher);
          resolve();
        };
        this.#watchers.add(watcher);
      });
    }
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  #accept(stream: Stream): void {
    const number = ++this.#lastStream;
    this.#streams.set(number, stream);
    stream.on('data', (message: ClientMessage) => {
      this.messages.push(message.frames.length);
      for (const frame of message.frames) void this.#receive(stream, number, frame);
    });
    const gone = (): void => {
      this.#streams.delete(number);
      this.#changed();
    };
    stream.on('end', () => {
      stream.end();
      gone();
    });
    stream.on('cancelled', gone);
    stream.on('error', gone);
    this.#changed();
  }

  async #receive(stream: Stream, number: number, frame: ClientFrame): Promise<void> {
    this.received.push({ ...frame, stream: number });
    this.#changed();
    const reply = (await this.script(frame, number)) ?? this.#goodNatured(frame);
    if (reply === 'end') stream.end();
    else if (reply !== 'silence') stream.write({ frames: [{ ...reply, id: frame.id } as ServerFrame] });
    this.#changed();
  }

  #goodNatured(frame: ClientFrame): Reply {
    switch (frame.body) {
      case 'hello':
        return {
          body: 'welcome',
          welcome: { protocol: 1, coordinatorId: this.coordinatorId, maxFrameBytes: this.maxFrameBytes },
        };
      case 'begin':
      case 'enlistResource':
        return { body: 'done', done: {} };
      case 'registerBranch': {
        const branchId = frame.registerBranch.branchId || String(++this.#lastBranch);
        return { body: 'branchRegistered', branchRegistered: { branchId } };
      }
      case 'commit':
        return transactionReply(frame.commit.xid, 'COMMITTED');
      case 'rollback':
        return transactionReply(frame.rollback.xid, 'ROLLED_BACK');
      case 'getTransaction':
        return transactionReply(frame.getTransaction.xid, 'NOT_FOUND');
      case 'withdrawResource':
      case 'reportBranch':
      case 'phaseTwoResult':
        return 'silence';
    }
  }
}
