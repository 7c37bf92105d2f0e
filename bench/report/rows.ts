import type { Bed } from '../bed/bed.js';
import type { Measured, Round } from '../measure.js';
import type { Flush } from '../plan.js';
import type { Mode } from '../workloads/index.js';

/** One row of the results; figures are medians over the rounds. */
export interface ResultRow {
  readonly workload: string;
  readonly mode: Mode;
  /** 'mariadb 10.11.19'. */
  readonly server: string;
  readonly inFlight: number;
  readonly networkMs: number;
  readonly flush: Flush;
  readonly txPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Transactions a second over those of plain (of xa) in the same rounds; null where there is none. */
  readonly vsPlain: number | null;
  readonly vsXa: number | null;
  /** The smallest and the largest of those ratios to plain among the rounds. */
  readonly vsPlainSpread: readonly [number, number] | null;
  /** Smallest and largest transactions a second among the rounds. */
  readonly spread: readonly [number, number];
  /** Transactions that ended in an error, over all: deadlocks, lock conflicts. */
  readonly failedShare: number;
  readonly statementsPerTx: number;
  /** Counted on the application's connections with one transaction in flight; null over a network. */
  readonly packetsPerTx: number | null;
  readonly bytesPerTx: number;
  readonly clientCpuUs: number;
  readonly coordinatorCpuUs: number;
  readonly databaseCpuUs: number;
}

/** A figure that is no row of transactions: of the coordinator alone, of the analysis of statements. */
export interface Figure {
  readonly workload: 'coordinator' | 'analysis';
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function ratios(done: readonly Round[], others: readonly Round[] | undefined): readonly number[] | null {
  if (others === undefined) return null;
  return done.map((each, at) => each.txPerSecond / others[at]!.txPerSecond);
}

function extent(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

export function rowsOf(bed: Bed, { case: measured, rounds, packetsPerTx }: Measured): readonly ResultRow[] {
  const { workload, inFlight, networkMs, flush } = measured;
  const { kind, version } = bed.servers[0];
  return Array.from(rounds, ([mode, done]): ResultRow => {
    const middle = (name: keyof Round) => median(done.map((each) => each[name]));
    const vsPlain = ratios(done, rounds.get('plain'));
    const vsXa = ratios(done, rounds.get('xa'));
    const sum = (name: 'failed' | 'transactions') => done.reduce((total, each) => total + each[name], 0);
    return {
      workload: workload.name,
      mode,
      server: `${kind} ${version}`,
      inFlight,
      networkMs,
      flush,
      txPerSecond: middle('txPerSecond'),
      p50Ms: middle('p50Ms'),
      p99Ms: middle('p99Ms'),
      vsPlain: vsPlain && median(vsPlain),
      vsXa: vsXa && median(vsXa),
      vsPlainSpread: vsPlain && extent(vsPlain),
      spread: extent(done.map((each) => each.txPerSecond)),
      failedShare: sum('failed') / (sum('failed') + sum('transactions')),
      statementsPerTx: middle('statementsPerTx'),
      packetsPerTx: packetsPerTx.get(mode) ?? null,
      bytesPerTx: middle('bytesPerTx'),
      clientCpuUs: middle('clientCpuUs'),
      coordinatorCpuUs: middle('coordinatorCpuUs'),
      databaseCpuUs: middle('databaseCpuUs'),
    };
  });
}
