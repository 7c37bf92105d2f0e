import type { Round } from './measure.js';
import type { Mode } from './workloads.js';

/** One row of the results; figures are medians over the rounds. */
export interface ResultRow extends Round {
  readonly workload: string;
  readonly mode: Mode;
  /** 'mariadb 10.11.19'. */
  readonly server: string;
  readonly inFlight: number;
  readonly networkMs: number;
  readonly flush: 'commit';
  /** Transactions a second over those of plain (of xa) in the same rounds; null where there is none. */
  readonly vsPlain: number | null;
  readonly vsXa: number | null;
  /** Smallest and largest transactions a second among the rounds. */
  readonly spread: readonly [number, number];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function ratio(value: number | null): string {
  return value === null ? '-' : value.toFixed(2);
}

/** The rows as a table: ratios first, absolute figures after. */
export function table(rows: readonly ResultRow[]): string {
  const head = [
    'workload',
    'in flight',
    'mode',
    '/ plain',
    '/ xa',
    'statements',
    'tx/s',
    'p50 ms',
    'p99 ms',
    'CPU us: client',
    'coordinator',
    'database',
  ];
  const lines = rows.map((row) => [
    row.workload,
    String(row.inFlight),
    row.mode,
    ratio(row.vsPlain),
    ratio(row.vsXa),
    row.statementsPerTx.toFixed(1),
    row.txPerSecond.toFixed(0),
    row.p50Ms.toFixed(2),
    row.p99Ms.toFixed(2),
    row.clientCpuUs.toFixed(0),
    row.coordinatorCpuUs.toFixed(0),
    row.databaseCpuUs.toFixed(0),
  ]);
  const widths = head.map((title, at) => Math.max(title.length, ...lines.map((line) => line[at]!.length)));
  const format = (line: readonly string[]) =>
    line
      .map((cell, at) => (at === 0 || at === 2 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
      .join('  ');
  return [head, ...lines].map(format).join('\n');
}
