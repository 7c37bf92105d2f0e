import type { Report } from './run.js';

export interface KindCount {
  succeeded: number;
  failed: number;
  refused: number;
}

/** What has come of all runs so far. Plain data, so that workers can send it. */
export interface Total {
  runs: number;
  statements: number;
  refused: number;
  mismatches: number;
  readonly constructs: Record<string, number>;
  /** The first seed in which each of them was met. */
  readonly seeds: Record<string, number>;
  readonly kinds: Record<string, KindCount>;
}

export function noRuns(): Total {
  return { runs: 0, statements: 0, refused: 0, mismatches: 0, constructs: {}, seeds: {}, kinds: {} };
}

/** Of a run that could not be played: nothing was shown by it, so it counts with what did not hold. */
export function unplayed(): Total {
  return { ...noRuns(), runs: 1, mismatches: 1 };
}

export function totalOf(seed: number, { statements, refused, kinds, mismatch }: Report): Total {
  const constructs = Object.fromEntries(refused);
  const count = Object.values(constructs).reduce((sum, number) => sum + number, 0);
  return {
    runs: 1,
    statements,
    refused: count,
    mismatches: mismatch === undefined ? 0 : 1,
    constructs,
    seeds: Object.fromEntries(Array.from(refused.keys(), (name) => [name, seed])),
    kinds: Object.fromEntries(kinds),
  };
}

export function add(total: Total, more: Total): void {
  total.runs += more.runs;
  total.statements += more.statements;
  total.refused += more.refused;
  total.mismatches += more.mismatches;
  for (const [name, count] of Object.entries(more.constructs)) {
    total.constructs[name] = (total.constructs[name] ?? 0) + count;
    total.seeds[name] ??= more.seeds[name] ?? 0;
  }
  for (const [name, { succeeded, failed, refused }] of Object.entries(more.kinds)) {
    const entry = total.kinds[name] ?? { succeeded: 0, failed: 0, refused: 0 };
    total.kinds[name] = entry;
    entry.succeeded += succeeded;
    entry.failed += failed;
    entry.refused += refused;
  }
}

/** The tables that `--verbose` shows. */
export function details({ kinds, constructs, seeds }: Total): string {
  const kindLines = Object.entries(kinds)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, { succeeded, failed, refused }]) =>
        `${name.padEnd(26)} ${[succeeded, failed, refused].map((count) => String(count).padStart(9)).join(' ')}`,
    );
  const refusedLines = Object.entries(constructs)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 40)
    .map(([name, count]) => `${String(count).padStart(9)} ${name}  (seed ${seeds[name]})`);
  const head = `${'kind'.padEnd(26)} succeeded    failed   refused`;
  return [head, ...kindLines, '', '  refused construct', ...refusedLines].join('\n');
}
