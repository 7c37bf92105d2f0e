import type { ConnectionOptions } from 'mysql2';
import { GlobalTxError } from '../../../protocol/errors.js';
import type { SqlExecutor } from '../executor.js';
import { prepareCompensationSession } from '../undo/session.js';
import { openRawSession, type RawSession } from './raw-connection.js';

export { rawExecutor } from './raw-executor.js';

/** Where phase two gets its sessions, prepared by `prepareCompensationSession` and outside of any transaction. */
export interface SessionSource {
  /** Runs `fn` with a session of its own. A session in which `fn` failed is not used again. */
  withSession<Result>(fn: (executor: SqlExecutor) => Promise<Result>): Promise<Result>;
}

export interface SessionSourceOptions {
  /** Connections open at most. @default 4 */
  readonly limit?: number;
  /** An idle connection is closed after this time, in milliseconds. @default 60,000 */
  readonly idleMs?: number;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: GlobalTxError) => void;
}

/** A few private connections, opened when they are needed; idle ones do not keep the process alive. */
export class PrivateSessions implements SessionSource {
  readonly #options: ConnectionOptions;
  readonly #limit: number;
  readonly #idleMs: number;
  readonly #idle = new Map<RawSession, NodeJS.Timeout>();
  readonly #waiters: Waiter[] = [];
  #taken = 0;
  #closed = false;

  constructor(options: ConnectionOptions, { limit = 4, idleMs = 60_000 }: SessionSourceOptions) {
    this.#options = options;
    this.#limit = limit;
    this.#idleMs = idleMs;
  }

  async withSession<Result>(fn: (executor: SqlExecutor) => Promise<Result>): Promise<Result> {
    await this.#takePlace();
    let session: RawSession | undefined;
    try {
      session = this.#takeIdle() ?? (await this.#open());
      const result = await fn(session.executor);
      this.#keep(session);
      return result;
    } catch (error) {
      session?.destroy();
      throw error;
    } finally {
      this.#givePlace();
    }
  }

  /** Closes idle sessions now and the others once they are given back. Nothing can be run any more. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#closedError());
    for (const session of Array.from(this.#idle.keys())) this.#drop(session);
  }

  #closedError(): GlobalTxError {
    return new GlobalTxError('CLIENT_CLOSED', 'The sessions for phase two are closed.');
  }

  async #takePlace(): Promise<void> {
    if (this.#closed) throw this.#closedError();
    if (this.#taken < this.#limit) {
      this.#taken += 1;
      return;
    }
    // The place of the session that is given back passes on to the first waiter.
    await new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  #givePlace(): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#taken -= 1;
    else waiter.resolve();
  }

  /** The one used last: the others may then grow old and be closed. */
  #takeIdle(): RawSession | undefined {
    for (const session of Array.from(this.#idle.keys()).reverse()) {
      clearTimeout(this.#idle.get(session));
      this.#idle.delete(session);
      if (!session.broken) {
        session.idle(false);
        return session;
      }
      session.destroy();
    }
    return undefined;
  }

  async #open(): Promise<RawSession> {
    const session = await openRawSession(this.#options);
    try {
      await prepareCompensationSession(session.executor);
    } catch (error) {
      session.destroy();
      throw error;
    }
    return session;
  }

  #keep(session: RawSession): void {
    session.idle(true);
    this.#idle.set(session, setTimeout(() => this.#drop(session), this.#idleMs).unref());
    if (this.#closed || session.broken) this.#drop(session);
  }

  #drop(session: RawSession): void {
    clearTimeout(this.#idle.get(session));
    this.#idle.delete(session);
    if (session.broken) session.destroy();
    else session.end();
  }
}

/**
 * Private sessions for phase two and for making the undo log.
 * @param options where the server is, as for mysql2's createConnection
 */
export function createSessionSource(
  options: ConnectionOptions,
  limits: SessionSourceOptions = {},
): PrivateSessions {
  return new PrivateSessions(options, limits);
}
