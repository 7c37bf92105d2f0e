import type { ErrorCode } from '../../protocol/error-codes.js';
import type { ServerBody } from '../../protocol/frames.js';
import type { StoreChange } from '../store/store.js';
import type { Effect } from './events.js';
import type { Session } from './model.js';
import type { CoordinatorState } from './state.js';

/** The limits of requests, by the names that operators know them by. */
const LIMITS = {
  maxSessions: 'max-streams',
  maxTransactions: 'max-transactions',
  maxBranches: 'max-branches',
  maxRegistrations: 'max-registrations',
  maxLocks: 'max-locks',
  maxWaiting: 'max-waiting',
  maxResources: 'max-resources',
} as const;

export type Limit = keyof typeof LIMITS;

/** Collects the effects of one step, in order. */
export class Output {
  readonly effects: Effect[] = [];
  readonly #state: CoordinatorState;

  constructor(state: CoordinatorState) {
    this.#state = state;
  }

  /** A change that must be durable before this step's messages leave. */
  store(change: StoreChange): void {
    this.writeNow();
    this.effects.push({ type: 'store', change });
  }

  /**
   * A change that may be lost in a crash, because what it says can be found out again. It keeps its place in
   * the order of changes: whatever is stored after it, is stored with it.
   */
  storeLater(change: StoreChange): void {
    const state = this.#state;
    state.later.push(change);
    state.laterTimer ??= state.timers.set(state.clock.time + state.config.writeLaterMs, {
      kind: 'writeLater',
    });
  }

  writeNow(): void {
    const state = this.#state;
    if (state.later.length === 0) return;
    for (const change of state.later) this.effects.push({ type: 'store', change });
    state.later = [];
    state.timers.cancel(state.laterTimer);
    state.laterTimer = undefined;
  }

  /** Sends to a session, unless it is gone. */
  send(session: Session, id: number, body: ServerBody): void {
    if (session.over) return;
    this.effects.push({ type: 'send', session: session.id, id, body });
  }

  done(session: Session, id: number): void {
    this.send(session, id, { body: 'done', done: {} });
  }

  fail(
    session: Session,
    id: number,
    code: ErrorCode,
    message: string,
    xid = '',
    details: Readonly<Record<string, string>> = {},
  ): void {
    this.send(session, id, { body: 'failure', failure: { code, message, xid, details } });
  }

  exhausted(session: Session, id: number, limit: Limit, xid = ''): void {
    const value = this.#state.config[limit];
    const flag = LIMITS[limit];
    this.fail(
      session,
      id,
      'RESOURCE_EXHAUSTED',
      `the coordinator's limit ${flag} (${value}) is reached; try again later, or have it started with a larger --${flag}`,
      xid,
      { limit: flag, value: String(value) },
    );
  }

  end(session: Session, code: ErrorCode, message: string): void {
    this.effects.push({ type: 'end', session: session.id, code, message });
  }
}
