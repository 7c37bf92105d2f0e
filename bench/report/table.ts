import type { Figure, ResultRow } from './rows.js';

interface Column {
  readonly title: string;
  readonly text: (row: ResultRow) => string;
  readonly left?: true;
}

function ratio(value: number | null): string {
  return value === null ? '-' : value.toFixed(2);
}

/** Ratios first, absolute figures after. */
const COLUMNS: readonly Column[] = [
  { title: 'workload', text: (row) => row.workload, left: true },
  { title: 'in flight', text: (row) => String(row.inFlight) },
  { title: 'network ms', text: (row) => String(row.networkMs) },
  { title: 'flush', text: (row) => row.flush },
  { title: 'mode', text: (row) => row.mode, left: true },
  { title: '/ plain', text: (row) => ratio(row.vsPlain) },
  {
    title: 'spread',
    text: ({ vsPlainSpread }) => (vsPlainSpread === null ? '-' : vsPlainSpread.map(ratio).join('..')),
  },
  { title: '/ xa', text: (row) => ratio(row.vsXa) },
  { title: 'packets', text: ({ packetsPerTx }) => (packetsPerTx === null ? '-' : packetsPerTx.toFixed(1)) },
  { title: 'statements', text: (row) => row.statementsPerTx.toFixed(1) },
  { title: 'bytes', text: (row) => row.bytesPerTx.toFixed(0) },
  { title: 'failed %', text: (row) => (row.failedShare * 100).toFixed(1) },
  { title: 'tx/s', text: (row) => row.txPerSecond.toFixed(0) },
  { title: 'p50 ms', text: (row) => row.p50Ms.toFixed(2) },
  { title: 'p99 ms', text: (row) => row.p99Ms.toFixed(2) },
  { title: 'CPU us: client', text: (row) => row.clientCpuUs.toFixed(0) },
  { title: 'coordinator', text: (row) => row.coordinatorCpuUs.toFixed(0) },
  { title: 'database', text: (row) => row.databaseCpuUs.toFixed(0) },
];

function aligned(lines: readonly (readonly string[])[], left: (column: number) => boolean): string {
  const widths = lines[0]!.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, at) => (left(at) ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function table(rows: readonly ResultRow[]): string {
  const lines = [
    COLUMNS.map(({ title }) => title),
    ...rows.map((row) => COLUMNS.map(({ text }) => text(row))),
  ];
  return aligned(lines, (at) => COLUMNS[at]!.left === true);
}

export function figureTable(figures: readonly Figure[]): string {
  const lines = figures.map(({ workload, what, value, unit }) => [
    workload,
    what,
    value >= 100 ? value.toFixed(0) : value.toPrecision(3),
    unit,
  ]);
  return aligned([['', 'what', 'measured', 'unit'], ...lines], (at) => at !== 2);
}
