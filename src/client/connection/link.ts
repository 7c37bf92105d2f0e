import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import {
  Coordinator as CoordinatorClient,
  MAX_MESSAGE_BYTES,
  PROTOCOL_VERSION,
} from '../../protocol/contract.js';
import type {
  ClientBody,
  ClientFrame,
  ClientMessage,
  Failure,
  Hello,
  ServerFrame,
  ServerMessage,
  Welcome,
} from '../../protocol/frames.js';
import { intoMessages } from './frame-size.js';
import { watchedCredentials } from './idle-socket.js';

/** From the first packet to the coordinator's welcome; then the next address is tried. */
const OPEN_TIMEOUT_MS = 5_000;
/** Frames that wait together travel in messages of about this size, so that no one message holds up the rest. */
const MESSAGE_BYTES = 1024 * 1024;

const CHANNEL_OPTIONS = {
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  // A half-open connection is noticed after at most six seconds.
  'grpc.keepalive_time_ms': 2_000,
  'grpc.keepalive_timeout_ms': 4_000,
  // A link is one attempt: reconnecting, and its back-off, is ours (client-connection.ts).
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  // The coordinator is reached like a database: directly, whatever proxy the environment names for the web.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_channelz': 0,
};

interface ConnectMethod {
  Connect(): ClientDuplexStream<ClientMessage, ServerMessage>;
}

export interface LinkEvents {
  opened(welcome: Welcome): void;
  received(frames: readonly ServerFrame[]): void;
  /** Once, at the end, whatever ended it. `failure` is what the coordinator said about it, if it did. */
  closed(reason: string, failure: Failure | undefined): void;
}

/** One stream to one address, from the attempt to reach it to its end. It is never opened again. */
export class Link {
  readonly address: string;
  readonly #events: LinkEvents;
  readonly #client: InstanceType<typeof CoordinatorClient>;
  readonly #stream: ClientDuplexStream<ClientMessage, ServerMessage>;
  readonly #unref: () => void;
  readonly #openTimer: NodeJS.Timeout;
  #waiting: ClientFrame[] = [];
  #flushing: NodeJS.Immediate | undefined;
  #open = false;
  #closed = false;
  #failure: Failure | undefined;

  constructor(address: string, hello: Omit<Hello, 'protocol'>, events: LinkEvents) {
    this.address = address;
    this.#events = events;
    const watched = watchedCredentials();
    this.#unref = () => watched.unref();
    this.#client = new CoordinatorClient(address, watched.credentials, CHANNEL_OPTIONS);
    this.#stream = (this.#client as unknown as ConnectMethod).Connect();
    this.#stream.on('data', (message: ServerMessage) => this.#receive(message));
    this.#stream.on('error', (error: ServiceError) => this.#end(error.details || error.message));
    this.#stream.on('end', () => this.#end('the coordinator ended the stream'));
    this.#openTimer = setTimeout(
      () => this.#end(`no welcome within ${OPEN_TIMEOUT_MS} ms`),
      OPEN_TIMEOUT_MS,
    ).unref();
    this.send({ body: 'hello', hello: { ...hello, protocol: PROTOCOL_VERSION } }, 1);
  }

  /** Queues a frame; frames of one turn of the event loop travel together. */
  send(body: ClientBody, id: number): void {
    this.#waiting.push({ ...body, id });
    this.#flushing ??= setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.#flushing !== undefined) clearImmediate(this.#flushing);
    this.#flushing = undefined;
    if (this.#closed) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const frames of intoMessages(waiting, MESSAGE_BYTES)) this.#stream.write({ frames });
  }

  /** Sends what is waiting, tells the coordinator that nothing more will come, and is closed after that. */
  finish(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#end('the client was closed');
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      if (this.#closed || !this.#open) return done();
      this.flush();
      this.#stream.once('end', done).once('error', done);
      this.#stream.end();
    });
  }

  drop(reason: string): void {
    this.#end(reason);
  }

  #receive(message: ServerMessage): void {
    if (this.#closed) return;
    const [first, ...rest] = message.frames;
    if (this.#open) {
      this.#events.received(message.frames);
    } else if (first?.body === 'welcome') {
      this.#open = true;
      clearTimeout(this.#openTimer);
      this.#unref();
      this.#events.opened(first.welcome);
      if (rest.length > 0) this.#events.received(rest);
    } else if (first?.body === 'failure') {
      this.#failure = first.failure;
      this.#end(`${first.failure.code}: ${first.failure.message}`);
    } else {
      this.#end('the first frame of the coordinator was not a welcome');
    }
  }

  /** What the coordinator said before it ended the stream: kept for those who ask why there is no answer. */
  noteFailure(failure: Failure): void {
    this.#failure = failure;
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#openTimer);
    if (this.#flushing !== undefined) clearImmediate(this.#flushing);
    this.#stream.cancel();
    this.#client.close();
    this.#events.closed(reason, this.#failure);
  }
}
