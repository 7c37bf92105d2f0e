import { GlobalTxError } from '../protocol/errors.js';
import type { CoreEvent, Effect } from './core/events.js';
import type { StoreChange, StoreRecord } from './store/store.js';

/** The places where a run can be made to fail; each has a `before-` and an `after-`. */
export const FAILPOINTS = [
  /** The write that makes a transaction's begin durable. */
  'begin-stored',
  /** The write that makes a branch and its locks durable. */
  'branch-stored',
  /** The answer that gives a branch its id, and so its locks. */
  'lock-granted',
  /** The write that makes a decision durable. */
  'decision-stored',
  /** The push of phase two to a client. */
  'phase-two-sent',
  /** A client's word that phase two of a branch is done, as the core takes it in. */
  'phase-two-done',
  /** The write that frees locks: the decision to commit, or the end of a branch. */
  'lock-released',
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];
type Side = 'before' | 'after';

interface Action {
  readonly what: 'crash' | 'error' | 'delay';
  readonly delayMs: number;
  /** Acts only when it is reached for the nth time; 0: every time. */
  readonly nth: number;
  reached: number;
}

const SYNTAX = /^(before|after)-([a-z-]+)=(crash|error|delay:(\d+))(?:@(\d+))?$/;

/**
 * Failures on demand, for tests: `GLOBALTX_FAILPOINTS="before-decision-stored=crash@3,after-lock-granted=delay:50"`.
 * `crash` ends the process as kill -9 does, `delay:MS` stops all of it for so long, `error` ends it as a
 * failed store does. The engine holds none of these objects when the variable is not set.
 */
export class Failpoints {
  readonly #actions: ReadonlyMap<string, Action>;

  private constructor(actions: ReadonlyMap<string, Action>) {
    this.#actions = actions;
  }

  /** @throws GlobalTxError INVALID_OPTION */
  static parse(text: string): Failpoints | undefined {
    const actions = new Map<string, Action>();
    for (const entry of text.split(',').map((part) => part.trim())) {
      if (entry !== '') actions.set(...parseEntry(entry));
    }
    return actions.size === 0 ? undefined : new Failpoints(actions);
  }

  event(side: Side, event: CoreEvent): void {
    if (event.type !== 'frame' || event.body.body !== 'phaseTwoResult') return;
    if (event.body.phaseTwoResult.outcome === 'PHASE_TWO_DONE') this.#reach(side, 'phase-two-done');
  }

  write(side: Side, changes: readonly StoreChange[]): void {
    for (const change of changes) {
      if (change.op === 'put') for (const name of storedBy(change.record)) this.#reach(side, name);
      else if (change.key.type === 'branch') this.#reach(side, 'lock-released');
    }
  }

  message(side: Side, message: Effect): void {
    if (message.type !== 'send') return;
    if (message.body.body === 'branchRegistered') this.#reach(side, 'lock-granted');
    if (message.body.body === 'phaseTwo') this.#reach(side, 'phase-two-sent');
  }

  #reach(side: Side, name: Failpoint): void {
    const action = this.#actions.get(`${side}-${name}`);
    if (action === undefined) return;
    action.reached += 1;
    if (action.nth !== 0 && action.reached !== action.nth) return;
    switch (action.what) {
      case 'crash':
        process.kill(process.pid, 'SIGKILL');
        // The signal may reach another thread first; nothing may run on meanwhile.
        stopFor(60_000);
        return;
      case 'delay':
        stopFor(action.delayMs);
        return;
      case 'error':
        throw new GlobalTxError('STORE_FAILED', `The failpoint ${side}-${name} was reached.`);
    }
  }
}

function storedBy(record: StoreRecord): readonly Failpoint[] {
  if (record.type === 'branch') return record.attention === null ? ['branch-stored'] : [];
  if (record.type === 'fact') return [];
  switch (record.status) {
    case 'ACTIVE':
      return ['begin-stored'];
    case 'COMMITTING':
      return ['decision-stored', 'lock-released'];
    case 'ROLLING_BACK':
      return ['decision-stored'];
    case 'COMMITTED':
    case 'ROLLED_BACK':
      // Decided and ended in one step when there was nothing left to do.
      return record.decidedAt === record.endedAt ? ['decision-stored', 'lock-released'] : [];
  }
}

function parseEntry(entry: string): [string, Action] {
  const [, side, name, what, delayMs, nth] = SYNTAX.exec(entry) ?? [];
  if (
    side === undefined ||
    what === undefined ||
    !(FAILPOINTS as readonly (string | undefined)[]).includes(name)
  ) {
    throw new GlobalTxError(
      'INVALID_OPTION',
      `'${entry}' is no failpoint. Write before-NAME or after-NAME, then =crash, =error or =delay:MS, then @N ` +
        `for the Nth time only; the names are ${FAILPOINTS.join(', ')}.`,
    );
  }
  const kind = what === 'crash' || what === 'error' ? what : 'delay';
  return [
    `${side}-${name}`,
    { what: kind, delayMs: Number(delayMs ?? 0), nth: Number(nth ?? 0), reached: 0 },
  ];
}

/** The whole process, not only one caller: a pause as a long garbage collection makes it. */
function stopFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
