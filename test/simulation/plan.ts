import { type CoreConfig, DEFAULT_CONFIG } from '../../src/server/core/index.js';
import { Dice } from './dice.js';

export interface Options {
  readonly processes: number;
  readonly resources: number;
  readonly rows: number;
  readonly transactions: number;
  /** Milliseconds of simulated time with faults; then they stop. */
  readonly faultsMs: number;
  readonly lost: number;
  readonly twice: number;
  readonly late: number;
  readonly retryAnswers: number;
  readonly writeMs: number;
  readonly core: CoreConfig;
}

/** One local transaction of a global one. */
export interface Step {
  /** The process that runs it. */
  readonly process: number;
  readonly resource: number;
  readonly changes: readonly { readonly row: number; readonly delta: number }[];
  /** Rows of a parent table that are locked SHARED; also of another resource than the branch's. */
  readonly parents: readonly { readonly resource: number; readonly row: number }[];
  /** Reads the rows with a lock of their own before changing them. */
  readonly forUpdate: boolean;
  readonly addsLocks: boolean;
  readonly lockWaitMs: number;
  readonly tries: number;
  readonly thinkMs: number;
  /** Between registration and local commit. */
  readonly dawdleMs: number;
  readonly localCommit: 'done' | 'fails' | 'unknown, done' | 'unknown, failed';
}

export interface PlannedTransaction {
  readonly index: number;
  readonly at: number;
  readonly process: number;
  readonly timeoutMs: number;
  readonly steps: readonly Step[];
  readonly sideBySide: boolean;
  /** The launcher commits even though a step has failed: the application has swallowed the error. */
  readonly stubborn: boolean;
  readonly end: 'commit' | 'rollback' | 'walk away';
}

export type PlannedFault =
  /** At the so-manieth write of the store; that part of what is unflushed survives. */
  | {
      readonly kind: 'coordinator crash';
      readonly write: number;
      readonly survives: number;
      readonly downMs: number;
    }
  | { readonly kind: 'coordinator pause'; readonly at: number; readonly ms: number }
  | { readonly kind: 'clock step'; readonly at: number; readonly ms: number }
  | { readonly kind: 'stream break'; readonly at: number; readonly process: number }
  | { readonly kind: 'process crash'; readonly at: number; readonly process: number; readonly downMs: number }
  | { readonly kind: 'process pause'; readonly at: number; readonly process: number; readonly ms: number }
  /** In a row that a branch has changed, if there is one. */
  | { readonly kind: 'outside write'; readonly at: number; readonly resource: number; readonly row: number };

/** Everything that a run is made from. Shrinking takes transactions and faults out of it. */
export interface Plan {
  readonly seed: number;
  readonly options: Options;
  readonly transactions: readonly PlannedTransaction[];
  readonly faults: readonly PlannedFault[];
}

function makeOptions(seed: number): Options {
  const dice = new Dice(seed).stream('options');
  const calm = dice.chance(0.1);
  const rate = (most: number) => (calm || dice.chance(0.4) ? 0 : (dice.between(1, 100) / 100) * most);
  return {
    processes: dice.between(1, 4),
    resources: dice.between(1, 3),
    rows: dice.pick([2, 5, 12, 40]),
    transactions: dice.between(3, 40),
    faultsMs: calm ? 0 : dice.between(5_000, 30_000),
    lost: rate(0.15),
    twice: rate(0.15),
    late: rate(0.2),
    retryAnswers: rate(0.3),
    writeMs: dice.pick([0, 1, 20, 200]),
    core: {
      ...DEFAULT_CONFIG,
      coordinatorId: 'simulated',
      phaseTwoTimeoutMs: dice.pick([1_000, 5_000]),
      retry: { firstMs: 100, factor: 2, ceilingMs: dice.pick([500, 5_000]), jitter: 0.2 },
      rememberEndedMs: 3_600_000,
      commitPatienceMs: dice.pick([500, 5_000]),
      writeLaterMs: dice.pick([1, 200, 5_000]),
      branchIdBlock: dice.pick([1, 3, 1_000]),
      maxPushes: dice.pick([1, 2, 1_000]),
      seed: dice.under(2 ** 31),
    },
  };
}

function makeStep(dice: Dice, options: Options, launcher: number): Step {
  const rows = dice.some(
    Array.from({ length: options.rows }, (_, row) => row),
    dice.pick([1, 1, 2, 3]),
  );
  if (dice.chance(0.5)) rows.sort((a, b) => a - b);
  return {
    process: dice.chance(0.5) ? launcher : dice.under(options.processes),
    resource: dice.under(options.resources),
    changes: rows.map((row) => ({ row, delta: dice.between(-50, 50) })),
    parents: dice.chance(0.4)
      ? [{ resource: dice.under(options.resources), row: dice.under(options.rows) }]
      : [],
    forUpdate: dice.chance(0.2),
    addsLocks: dice.chance(0.15),
    lockWaitMs: dice.pick([0, 300, 10_000, 10_000, 10_000]),
    tries: dice.between(1, 3),
    thinkMs: dice.pick([0, 1, 5, 100]),
    dawdleMs: dice.chance(0.05) ? dice.between(100, 15_000) : dice.under(3),
    localCommit: dice.chance(0.85)
      ? 'done'
      : dice.pick(['fails', 'unknown, done', 'unknown, failed'] as const),
  };
}

/** What is taken in one place is given in another: the sum of a transaction's changes is 0. */
function balanced(steps: readonly Step[]): Step[] {
  const sum = steps.flatMap(({ changes }) => changes).reduce((total, { delta }) => total + delta, 0);
  return steps.map((step, index) =>
    index > 0
      ? step
      : {
          ...step,
          changes: step.changes.map((change, at) =>
            at > 0 ? change : { ...change, delta: change.delta - sum },
          ),
        },
  );
}

function makeTransaction(seed: number, options: Options, index: number): PlannedTransaction {
  const dice = new Dice(seed).stream(`transaction ${index}`);
  const process = dice.under(options.processes);
  const steps = Array.from({ length: dice.between(1, 4) }, () => makeStep(dice, options, process));
  return {
    index,
    at: dice.under(options.transactions * dice.pick([30, 300, 1_500])),
    process,
    timeoutMs: dice.pick([1_000, 10_000, 60_000, 60_000, 60_000]),
    steps: balanced(steps),
    sideBySide: dice.chance(0.3),
    stubborn: dice.chance(0.2),
    end: dice.chance(0.85) ? 'commit' : dice.pick(['rollback', 'walk away'] as const),
  };
}

function makeFaults(seed: number, options: Options): PlannedFault[] {
  const faults: PlannedFault[] = [];
  if (options.faultsMs === 0) return faults;
  const dice = new Dice(seed).stream('faults');
  const at = () => dice.under(options.faultsMs);
  const times = (most: number) => (dice.chance(0.4) ? 0 : dice.between(1, most));
  for (let count = times(6); count > 0; count--) {
    faults.push({
      kind: 'coordinator crash',
      write: dice.between(1, options.transactions * 8),
      survives: dice.under(101) / 100,
      downMs: dice.pick([1, 500, 8_000]),
    });
  }
  for (let count = times(2); count > 0; count--) {
    faults.push({ kind: 'coordinator pause', at: at(), ms: dice.between(10, 5_000) });
  }
  for (let count = times(3); count > 0; count--) {
    faults.push({ kind: 'clock step', at: at(), ms: dice.between(-60_000, 20_000) });
  }
  for (let count = times(6); count > 0; count--) {
    faults.push({ kind: 'stream break', at: at(), process: dice.under(options.processes) });
  }
  for (let count = times(3); count > 0; count--) {
    const downMs = dice.between(1, 10_000);
    faults.push({ kind: 'process crash', at: at(), process: dice.under(options.processes), downMs });
  }
  for (let count = times(3); count > 0; count--) {
    const ms = dice.between(10, 15_000);
    faults.push({ kind: 'process pause', at: at(), process: dice.under(options.processes), ms });
  }
  for (let count = dice.chance(0.3) ? dice.between(1, 8) : 0; count > 0; count--) {
    const resource = dice.under(options.resources);
    faults.push({ kind: 'outside write', at: at(), resource, row: dice.under(options.rows) });
  }
  return faults;
}

export function makePlan(seed: number): Plan {
  const options = makeOptions(seed);
  return {
    seed,
    options,
    transactions: Array.from({ length: options.transactions }, (_, index) =>
      makeTransaction(seed, options, index),
    ),
    faults: makeFaults(seed, options),
  };
}
