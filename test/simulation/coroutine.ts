/** Something to wait for: it is started, and resumes whoever waits with its result. */
export type Waiting = (resume: (value: unknown) => void) => void;

export type Routine<Result> = Generator<Waiting, Result, unknown>;

/** Waits inside a routine. */
export function* until<Result>(start: (resume: (value: Result) => void) => void): Routine<Result> {
  return (yield start as Waiting) as Result;
}

/**
 * Runs a routine. `gate` passes every resumption on, at once or later or never: the process that the routine
 * belongs to may be paused or dead.
 */
export function start<Result>(
  routine: Routine<Result>,
  gate: (resume: () => void) => void,
  done: (result: Result) => void,
): void {
  const advance = (value: unknown) => {
    const { value: waiting, done: isDone } = routine.next(value);
    if (isDone) done(waiting);
    else {
      let resumed = false;
      waiting((result) => {
        if (resumed) return;
        resumed = true;
        gate(() => advance(result));
      });
    }
  };
  advance(undefined);
}
