import { Server, ServerCredentials, status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { AdminService, CoordinatorService, MAX_MESSAGE_BYTES } from '../../protocol/contract.js';
import { GlobalTxError } from '../../protocol/errors.js';
import type { ClientBody } from '../../protocol/frames.js';
import type { SessionId } from '../core/events.js';
import type { Message } from '../engine.js';
import { type ClientStream, Session, type SessionLimits, type SessionOwner } from './session.js';

export interface EndpointLimits extends SessionLimits {
  /** Clients with a stream at one time; the next is refused with RESOURCE_EXHAUSTED. */
  readonly maxStreams: number;
  /** A connection that is silent for so long is pinged, in milliseconds. */
  readonly keepaliveTimeMs: number;
  /** It is closed when it does not answer a ping within so long, in milliseconds. */
  readonly keepaliveTimeoutMs: number;
}

/** What the endpoint needs of the rest of the coordinator. */
export interface EndpointHost {
  received(session: SessionId, id: number, body: ClientBody): void;
  /** To come back by `deliver` behind the answers to everything before. */
  deliverInTurn(message: Message): void;
  disconnected(session: SessionId): void;
  readonly full: boolean;
  whenRelieved(callback: () => void): void;
  /** A client came. */
  connected(session: SessionId, peer: string): void;
  /** A client's stream is ended because of what it did. */
  refused(session: SessionId, code: string, message: string): void;
}

/** The names that the health service knows: the whole server, and the one service. */
const HEALTH_NAMES = ['', 'globaltx.v1.Coordinator'] as const;
/** One client needs one stream, and a few more while it reconnects. */
const STREAMS_PER_CONNECTION = 100;
/** How long the last bytes may take from here to the clients' machines when the coordinator ends. */
const LAST_BYTES_MS = 250;

/** The gRPC side: one port, one stream a client, the standard health service. */
export class Endpoint {
  readonly #host: EndpointHost;
  readonly #limits: EndpointLimits;
  readonly #server: Server;
  readonly #health = new HealthImplementation(
    Object.fromEntries(HEALTH_NAMES.map((name) => [name, 'NOT_SERVING'])),
  );
  readonly #sessions = new Map<SessionId, Session>();
  readonly #owner: SessionOwner;
  #lastSession = 0;
  #waitsForRelief = false;
  #whenEmpty: (() => void) | undefined;

  /** @param admin the calls of the Admin service */
  constructor(host: EndpointHost, limits: EndpointLimits, admin: UntypedServiceImplementation) {
    this.#host = host;
    this.#limits = limits;
    this.#owner = this.#makeOwner();
    this.#server = new Server({
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION,
      'grpc.keepalive_time_ms': limits.keepaliveTimeMs,
      'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
      'grpc-node.max_session_memory': 64,
    });
    this.#health.addToServer(this.#server);
    this.#server.addService(CoordinatorService, { connect: (call: ClientStream) => this.#accept(call) });
    this.#server.addService(AdminService, admin);
  }

  get streams(): number {
    return this.#sessions.size;
  }

  /**
   * Starts to listen and to serve; resolves with the port.
   * @throws GlobalTxError INVALID_OPTION when the address cannot be listened on.
   */
  listen(address: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
        if (error !== null) {
          reject(
            new GlobalTxError(
              'INVALID_OPTION',
              `It is not possible to listen on ${address}: ${error.message}`,
              {
                cause: error,
              },
            ),
          );
          return;
        }
        this.#setHealth('SERVING');
        resolve(port);
      });
    });
  }

  deliver(message: Message): void {
    const session = this.#sessions.get(message.session);
    // A session that is gone by now asks again on its next stream.
    if (session === undefined) return;
    if (message.type === 'send') session.send(message.id, message.body);
    else session.end(message.code, message.message);
  }

  /**
   * Takes no new client, and ends the present streams; what was sent before still arrives, as far as clients
   * read it within `graceMs`.
   */
  async close(graceMs: number): Promise<void> {
    for (const session of this.#sessions.values()) session.goAway();
    let timer = setTimeout(() => this.#server.forceShutdown(), graceMs);
    this.#whenEmpty = () => {
      // What is left are streams of the health service, which end only with their connection.
      clearTimeout(timer);
      timer = setTimeout(() => this.#server.forceShutdown(), Math.min(graceMs, LAST_BYTES_MS));
    };
    if (this.#sessions.size === 0) this.#whenEmpty();
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    clearTimeout(timer);
  }

  stopServing(): void {
    this.#setHealth('NOT_SERVING');
  }

  /** Ends everything at once, without a word to anybody. */
  abort(): void {
    this.#server.forceShutdown();
  }

  #setHealth(serving: 'SERVING' | 'NOT_SERVING'): void {
    for (const name of HEALTH_NAMES) this.#health.setStatus(name, serving);
  }

  #accept(call: ClientStream): void {
    if (this.#sessions.size >= this.#limits.maxStreams) {
      const details = `RESOURCE_EXHAUSTED: The coordinator has its limit of ${this.#limits.maxStreams} clients (max-streams).`;
      call.emit('error', Object.assign(new Error(details), { code: status.RESOURCE_EXHAUSTED, details }));
      return;
    }
    this.#lastSession += 1;
    const session = new Session(this.#lastSession, call, this.#owner, this.#limits);
    this.#sessions.set(session.id, session);
    this.#host.connected(session.id, session.peer);
  }

  #makeOwner(): SessionOwner {
    const host = this.#host;
    return {
      received: (session, id, body) => host.received(session, id, body),
      broke: (session, code, message) => host.deliverInTurn({ type: 'end', session, code, message }),
      refused: (session, code, message) => host.refused(session, code, message),
      ended: (session) => {
        this.#sessions.delete(session);
        host.disconnected(session);
        if (this.#sessions.size === 0) this.#whenEmpty?.();
      },
      pauseWhenFull: () => host.full && this.#awaitRelief(),
    };
  }

  #awaitRelief(): true {
    if (!this.#waitsForRelief) {
      this.#waitsForRelief = true;
      this.#host.whenRelieved(() => {
        this.#waitsForRelief = false;
        for (const session of this.#sessions.values()) session.resume();
      });
    }
    return true;
  }
}
