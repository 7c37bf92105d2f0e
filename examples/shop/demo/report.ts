import type { Told } from './customers.js';
import type { Totals, UndoLogRows } from './verification.js';

/** What a run came to. */
export interface Findings {
  readonly before: Totals;
  readonly after: Totals;
  readonly told: readonly Told[];
  readonly committed: number;
  readonly rolledBack: number;
  /** Sentences about what does not add up. */
  readonly wrong: readonly string[];
  readonly undoLog: UndoLogRows;
  readonly locksHeld: number;
  readonly stockDeaths: number;
}

/** What codes mean here, for a person. */
const EXPLANATIONS: Readonly<Record<string, string>> = {
  LOCK_CONFLICT: 'LOCK_CONFLICT: waited for another order, which was then rolled back',
  PHASE_ONE_UNFINISHED: 'PHASE_ONE_UNFINISHED: a service died before it had told of its local commit',
  'service away': 'a service was away, or died in the middle',
};

function money(cents: number): string {
  return (cents / 100).toLocaleString('en', { minimumFractionDigits: 2 });
}

function count(n: number): string {
  return n.toLocaleString('en');
}

function row(name: string, before: string, after: string, remark = ''): string {
  return `  ${name.padEnd(34)}${before.padStart(12)}${after.padStart(12)}   ${remark}`.trimEnd();
}

function sums(name: string, before: number, after: number, show: (n: number) => string): string {
  return row(
    name,
    show(before),
    show(after),
    before === after ? 'the same' : `WRONG by ${show(after - before)}`,
  );
}

function reasons(told: readonly Told[]): string[] {
  const counts = new Map<string, number>();
  for (const { result, reason } of told) {
    if (result === 'committed') continue;
    const why = EXPLANATIONS[reason] ?? reason;
    const key = result === 'unknown' ? `outcome unknown to the caller: ${why}` : why;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([reason, n]) => `    ${String(n).padStart(5)}  ${reason}`);
}

/** The table for a person. */
export function report(findings: Findings): string {
  const { before, after, told, committed, rolledBack, wrong, undoLog, locksHeld } = findings;
  return [
    '',
    row('', 'before', 'after'),
    row('orders', count(before.orders), count(after.orders)),
    row('money in the accounts', money(before.money), money(after.money)),
    row('value of the orders', money(before.ordered), money(after.ordered)),
    sums('both together', before.money + before.ordered, after.money + after.ordered, money),
    row('pieces in stock', count(before.pieces), count(after.pieces)),
    row('pieces ordered', count(before.piecesOrdered), count(after.piecesOrdered)),
    sums('both together', before.pieces + before.piecesOrdered, after.pieces + after.piecesOrdered, count),
    '',
    `  ${told.length} orders were placed: ${committed} committed, ${rolledBack} rolled back, because of`,
    ...reasons(told),
    `  the stock service died ${findings.stockDeaths} times between its local commit and its answer`,
    `  undo log rows left: ${undoLog.pending} (and ${undoLog.defence} defence records, kept for a day by design)`,
    `  global locks held: ${locksHeld}`,
    '',
    ...wrong.map((sentence) => `  WRONG: ${sentence}`),
    wrong.length === 0 && undoLog.pending === 0 && locksHeld === 0
      ? 'Nothing lost, nothing left.'
      : 'SOMETHING IS WRONG: see above.',
    '',
  ].join('\n');
}
