import { GlobalTxError } from './errors.js';

/** The places where a coordinator can be made to fail, as `GLOBALTX_FAILPOINTS` names them. */
export const SERVER_FAILPOINTS = [
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

/** The places where a client can be made to fail, as `GLOBALTX_CLIENT_FAILPOINTS` names them. */
export const CLIENT_FAILPOINTS = [
  /** The query that reads a before image. */
  'before-image',
  /** The INSERT of the undo record, inside the local transaction. */
  'undo-log-written',
  /** The local COMMIT. */
  'local-commit',
  /** The DELETE of undo records, after a commit or inside a compensation. */
  'undo-log-deleted',
] as const;

export type ServerFailpoint = (typeof SERVER_FAILPOINTS)[number];
export type ClientFailpoint = (typeof CLIENT_FAILPOINTS)[number];

/** Of the place that is named. */
export type Side = 'before' | 'after';

interface Action {
  readonly what: 'crash' | 'error' | 'delay';
  readonly delayMs: number;
  readonly acts: (reached: number) => boolean;
  reached: number;
}

const SYNTAX = /^(before|after)-([a-z-]+)=(crash|error|delay:(\d+))(?:([@%])([1-9]\d*))?$/;

/**
 * Failures on demand, for tests: `before-decision-stored=crash@3,after-lock-granted=delay:50%40`. `crash` ends the
 * process as kill -9 does, `delay:MS` stops all of it for so long, `error` throws; `@N` acts the Nth time only,
 * `%N` every Nth time. There is no such object when the variable is not set: a place then costs one comparison.
 */
export class Failpoints<Name extends string> {
  readonly #actions: ReadonlyMap<string, Action>;

  private constructor(actions: ReadonlyMap<string, Action>) {
    this.#actions = actions;
  }

  /**
   * @param variable the environment variable that holds them
   * @returns undefined when there are none
   * @throws GlobalTxError INVALID_OPTION
   */
  static fromEnvironment<Name extends string>(
    variable: string,
    names: readonly Name[],
  ): Failpoints<Name> | undefined {
    const text = process.env[variable] ?? '';
    const entries = text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
    if (entries.length === 0) return undefined;
    return new Failpoints(new Map(entries.map((entry) => parseEntry(variable, names, entry))));
  }

  /** @throws what `failure` makes, when the place is to end in an error */
  reach(side: Side, name: Name, failure: (message: string) => Error): void {
    const action = this.#actions.get(`${side}-${name}`);
    if (action === undefined) return;
    action.reached += 1;
    if (!action.acts(action.reached)) return;
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
        throw failure(`The failpoint ${side}-${name} was reached.`);
    }
  }
}

function parseEntry(variable: string, names: readonly string[], entry: string): [string, Action] {
  const [, side, name, what, delayMs, how, number] = SYNTAX.exec(entry) ?? [];
  if (side === undefined || name === undefined || what === undefined || !names.includes(name)) {
    throw new GlobalTxError(
      'INVALID_OPTION',
      `${variable}: '${entry}' is no failpoint. Write before-NAME or after-NAME, then =crash, =error or =delay:MS, ` +
        `then @N for the Nth time only or %N for every Nth time; the names are ${names.join(', ')}.`,
    );
  }
  const nth = Number(number);
  const acts = (reached: number) =>
    how === undefined || (how === '@' ? reached === nth : reached % nth === 0);
  const kind = what === 'crash' || what === 'error' ? what : 'delay';
  return [`${side}-${name}`, { what: kind, delayMs: Number(delayMs ?? 0), acts, reached: 0 }];
}

/** The whole process, not only one caller: a pause as a long garbage collection or SIGSTOP makes it. */
function stopFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
