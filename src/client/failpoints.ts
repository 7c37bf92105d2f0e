/** The places in a client where a run can be made to fail; each has a `before` and an `after`. */
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

export type ClientFailpoint = (typeof CLIENT_FAILPOINTS)[number];
type Side = 'before' | 'after';

interface Action {
  readonly what: 'crash' | 'error' | 'delay';
  readonly delayMs: number;
  readonly acts: (reached: number) => boolean;
  reached: number;
}

const SYNTAX = /^(before|after)-([a-z-]+)=(crash|error|delay:(\d+))(?:([@%])([1-9]\d*))?$/;

const actions = parse(process.env.GLOBALTX_CLIENT_FAILPOINTS ?? '');

/**
 * Fails on demand, for tests, as the coordinator's failpoints do:
 * `GLOBALTX_CLIENT_FAILPOINTS="after-local-commit=crash@3,before-undo-log-written=delay:500%40"`. `crash` ends the
 * process as kill -9 does, `delay:MS` stops all of it for so long, `error` throws; `@N` acts the Nth time only,
 * `%N` every Nth time. One comparison when the variable is not set.
 */
export function reach(side: Side, name: ClientFailpoint): void {
  if (actions === undefined) return;
  const action = actions.get(`${side}-${name}`);
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
      throw new Error(`The failpoint ${side}-${name} was reached.`);
  }
}

function parse(text: string): ReadonlyMap<string, Action> | undefined {
  if (text === '') return undefined;
  return new Map(text.split(',').map((entry) => parseEntry(entry.trim())));
}

function parseEntry(entry: string): [string, Action] {
  const [, side, name, what, delayMs, how, number] = SYNTAX.exec(entry) ?? [];
  if (what === undefined || !(CLIENT_FAILPOINTS as readonly (string | undefined)[]).includes(name)) {
    throw new Error(
      `GLOBALTX_CLIENT_FAILPOINTS: '${entry}' is no failpoint. Write before-NAME or after-NAME, then =crash, ` +
        `=error or =delay:MS, then @N or %N; the names are ${CLIENT_FAILPOINTS.join(', ')}.`,
    );
  }
  const nth = Number(number);
  const acts = (reached: number) =>
    how === undefined || (how === '@' ? reached === nth : reached % nth === 0);
  const kind = what === 'crash' || what === 'error' ? what : 'delay';
  return [`${side}-${name}`, { what: kind, delayMs: Number(delayMs ?? 0), acts, reached: 0 }];
}

/** The whole process, as a long garbage collection or SIGSTOP does. */
function stopFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
