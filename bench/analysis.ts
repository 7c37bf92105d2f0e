import type { SqlDialect } from '../src/client/at/executor.js';
import { analyze, analyzeUncached } from '../src/client/at/sql/index.js';
import type { Figure } from './report/rows.js';
import { median } from './report/rows.js';

const DIALECT: SqlDialect = { server: 'mysql', noBackslashEscapes: false, ansiQuotes: false };

const TEXTS: Readonly<Record<string, string>> = {
  'UPDATE by key': 'UPDATE account SET balance = balance + ? WHERE id = ?',
  'INSERT of ten columns':
    'INSERT INTO orders (a, b, c, d, e, f, g, h, i, j) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NOW())',
  'joined UPDATE':
    "UPDATE orders o JOIN customers c ON c.id = o.customer_id SET o.state = 'late', c.warnings = c.warnings + 1 WHERE o.due < ? AND c.region IN (?, ?, ?)",
};

const ROUNDS = 9;
const ROUND_MS = 40;
/** Between two looks at the clock. */
const BATCH = 50;

/** Microseconds that a call takes: the median over rounds. */
function microseconds(call: () => unknown): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const started = performance.now();
    let calls = 0;
    let now = started;
    while (now - started < ROUND_MS) {
      for (let at = 0; at < BATCH; at++) call();
      calls += BATCH;
      now = performance.now();
    }
    return ((now - started) * 1_000) / calls;
  });
  return median(rounds);
}

/** How long it takes to read a statement: from the cache, and from nothing. */
export function analysisFigures(): readonly Figure[] {
  return Object.entries(TEXTS).flatMap(([name, text]): Figure[] => [
    {
      workload: 'analysis',
      what: `${name}, from the cache`,
      value: microseconds(() => analyze(text, DIALECT)),
      unit: 'us',
    },
    {
      workload: 'analysis',
      what: `${name}, read anew`,
      value: microseconds(() => analyzeUncached(text, DIALECT)),
      unit: 'us',
    },
  ]);
}
