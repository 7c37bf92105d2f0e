import type { Unit, Workload } from './workload.js';

export const ROWS = 10_000;

function accounts(table: string, rows: number): readonly string[] {
  const values = Array.from({ length: rows }, (_, index) => `(${index}, 1000, REPEAT('x', 100))`);
  return [
    `CREATE TABLE ${table} (id INT PRIMARY KEY, balance INT NOT NULL, note VARCHAR(200) NOT NULL)`,
    `INSERT INTO ${table} VALUES ${values.join(', ')}`,
  ];
}

const ACCOUNTS = accounts('account', ROWS);
const UPDATE = 'UPDATE account SET balance = balance + 1 WHERE id = ?';

function update(unit: Unit, database: number, id: number): Promise<unknown> {
  return unit.local(database, (connection) => connection.execute(UPDATE, [id]));
}

function inTwo(unit: Unit): Promise<unknown> {
  const id = unit.turn(ROWS);
  return Promise.all([update(unit, 0, id), update(unit, 1, id)]);
}

const oneDatabase: Workload = {
  name: 'one UPDATE, one database',
  kind: 'one UPDATE',
  modes: ['plain', 'passthrough', 'at'],
  tables: [ACCOUNTS],
  rollbackShare: 0,
  run: (unit) => update(unit, 0, unit.turn(ROWS)),
};

/** Every other workload of its kind is compiled by this one. */
export const TWO_DATABASES: Workload = {
  name: 'one UPDATE each in two databases',
  kind: 'one UPDATE',
  modes: ['plain', 'xa', 'at'],
  tables: [ACCOUNTS, ACCOUNTS],
  rollbackShare: 0,
  run: inTwo,
};

const autocommit: Workload = {
  name: 'autocommit',
  kind: 'one UPDATE',
  modes: ['plain', 'passthrough', 'at'],
  tables: [ACCOUNTS],
  rollbackShare: 0,
  run: (unit) => unit.autocommit(0, UPDATE, [unit.turn(ROWS)]),
};

const STATEMENTS = 10;

const tenStatements: Workload = {
  name: '10 statements in one branch',
  kind: 'ten UPDATEs',
  modes: ['plain', 'at'],
  tables: [ACCOUNTS],
  rollbackShare: 0,
  run: (unit) =>
    unit.local(0, async (connection) => {
      for (let number = 0; number < STATEMENTS; number++) {
        await connection.execute(UPDATE, [unit.turn(ROWS)]);
      }
    }),
};

const BULK_ROWS = 1_000;

const bulkInsert: Workload = {
  name: 'bulk INSERT of 1,000 rows',
  kind: 'bulk',
  modes: ['plain', 'at'],
  tables: [
    ['CREATE TABLE entry (id BIGINT AUTO_INCREMENT PRIMARY KEY, account INT, amount INT, note VARCHAR(100))'],
  ],
  rollbackShare: 0,
  run: (unit) =>
    unit.local(0, (connection) =>
      connection.query('INSERT INTO entry (account, amount, note) VALUES ?', [
        Array.from({ length: BULK_ROWS }, (_, index) => [index, index * 3, 'an entry of the bulk']),
      ]),
    ),
};

function rollback(percent: number): Workload {
  return {
    name: `rollback of ${percent} %`,
    kind: 'one UPDATE',
    modes: ['plain', 'xa', 'at'],
    tables: [ACCOUNTS, ACCOUNTS],
    rollbackShare: percent / 100,
    run: inTwo,
  };
}

export const UPDATES: readonly Workload[] = [
  oneDatabase,
  TWO_DATABASES,
  autocommit,
  tenStatements,
  bulkInsert,
  ...[1, 10, 100].map(rollback),
];
