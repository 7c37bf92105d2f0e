import type { Unit, Workload } from './workload.js';

const ROWS = 1_000;
const SKEW = 0.99;
const UPDATE = 'UPDATE hot SET balance = balance + 1 WHERE id = ?';

const TABLE = [
  'CREATE TABLE hot (id INT PRIMARY KEY, balance INT NOT NULL)',
  `INSERT INTO hot VALUES ${Array.from({ length: ROWS }, (_, index) => `(${index}, 1000)`).join(', ')}`,
];

/** Cumulative shares of Zipf's law: row n is asked for in proportion to 1 / n^0.99, as YCSB does. */
const SHARES = (() => {
  const weights = Array.from({ length: ROWS }, (_, index) => (index + 1) ** -SKEW);
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.map((weight) => {
    sum += weight;
    return sum / all;
  });
})();

function zipf(unit: Unit): number {
  const at = unit.chance(2 ** 30) / 2 ** 30;
  let low = 0;
  let high = ROWS - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (SHARES[middle]! < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One database after the other: branches in parallel would wait for one another across databases, in XA for ever. */
async function update(unit: Unit, id: number): Promise<void> {
  await unit.local(0, (connection) => connection.execute(UPDATE, [id]));
  await unit.local(1, (connection) => connection.execute(UPDATE, [id]));
}

function hot(name: string, choose: (unit: Unit) => number): Workload {
  return {
    name,
    kind: 'one UPDATE',
    modes: ['plain', 'xa', 'at'],
    tables: [TABLE, TABLE],
    rollbackShare: 0,
    run: (unit) => update(unit, choose(unit)),
  };
}

export const HOT: readonly Workload[] = [hot('hot, Zipf 0.99', zipf), hot('hot, one row', () => 0)];
