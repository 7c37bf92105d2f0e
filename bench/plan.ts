import { type Mode, WORKLOADS, type Workload } from './workloads/index.js';

/** innodb_flush_log_at_trx_commit: 1 at each commit, 2 each second. */
export type Flush = 'commit' | 'second';

/** What one row is measured under, its modes taking turns. */
export interface Case {
  readonly workload: Workload;
  readonly inFlight: number;
  /** What the network adds to each round trip, to the databases and to the coordinator alike, in milliseconds. */
  readonly networkMs: number;
  readonly flush: Flush;
}

export interface Plan {
  readonly cases: readonly Case[];
  readonly rounds: number;
  readonly roundMs: number;
  /** Before the rounds of each row. */
  readonly warmUpMs: number;
  /** Before that, where a process plays a mode for the first time: until V8 has compiled what is hot. */
  readonly compileMs: number;
}

interface Conditions {
  /** Those of the workload, unless fewer are compared. */
  readonly modes?: readonly Mode[];
  readonly inFlight: readonly number[];
  readonly networkMs: readonly number[];
  readonly flush: readonly Flush[];
}

const CONCURRENCY = [1, 8, 32, 128];

/** The two that every other one is made of are measured under everything; the others where they say something new. */
function fullConditions({ name }: Workload): readonly Conditions[] {
  if (name.startsWith('one UPDATE')) {
    return [
      { inFlight: CONCURRENCY, networkMs: [0, 1, 5], flush: ['commit'] },
      { inFlight: CONCURRENCY, networkMs: [0], flush: ['second'] },
    ];
  }
  if (name.startsWith('hot')) return [{ inFlight: [8, 32, 128], networkMs: [0], flush: ['commit'] }];
  return [{ inFlight: [8], networkMs: [0, 1], flush: ['commit'] }];
}

/** The rows of the targets. */
function quickConditions({ name }: Workload): readonly Conditions[] {
  switch (name) {
    case 'one UPDATE, one database':
    case 'order':
      return [{ inFlight: [8], networkMs: [0], flush: ['commit'] }];
    case 'one UPDATE each in two databases':
      return [{ inFlight: [8], networkMs: [0, 1], flush: ['commit'] }];
    case 'hot, one row':
      return [{ modes: ['xa', 'at'], inFlight: [8, 32, 128], networkMs: [0], flush: ['commit'] }];
    default:
      return [];
  }
}

/** @param only which workloads, by their names */
export function plan(quick: boolean, only: RegExp): Plan {
  const conditions = quick ? quickConditions : fullConditions;
  const cases = WORKLOADS.filter(({ name }) => only.test(name)).flatMap((workload) =>
    conditions(workload).flatMap(({ modes = workload.modes, inFlight, networkMs, flush }) =>
      flush.flatMap((how) =>
        networkMs.flatMap((ms) =>
          inFlight.map((count) => ({
            workload: { ...workload, modes },
            inFlight: count,
            networkMs: ms,
            flush: how,
          })),
        ),
      ),
    ),
  );
  return quick
    ? { cases, rounds: 5, roundMs: 200, warmUpMs: 100, compileMs: 2_500 }
    : { cases, rounds: 5, roundMs: 500, warmUpMs: 300, compileMs: 10_000 };
}
