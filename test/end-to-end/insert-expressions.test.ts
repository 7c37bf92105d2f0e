import assert from 'node:assert/strict';
import type { RowDataPacket } from 'globaltx/mysql2/promise';
import { type Case, itBothWays } from './both-ways.js';
import { makeWorld, settled, type World } from './world.js';

const TABLES = ['t', 'days', 'names', 'signs'];

const CASES: readonly Case[] = [
  { name: 'a sum as key', sql: 'INSERT INTO t (id, v) VALUES (1 + 2 * ?, 1), (10, 2)', values: [3] },
  {
    name: 'text put together as key',
    sql: "INSERT INTO names (name) VALUES (CONCAT('é', ?)), (UPPER('b'))",
    values: ['x'],
  },
  {
    name: 'the time as key',
    sql: 'INSERT INTO days (day, v) VALUES (NOW(6), NOW()), (NOW() + INTERVAL 1 DAY, NULL)',
  },
  {
    name: 'a random number as key',
    sql: 'INSERT INTO t (id, v) VALUES (RAND(3) * 1000, RAND(4) * 1000), (7.5 + 0, 1)',
  },
  {
    name: 'a random number as key of SET',
    sql: 'INSERT INTO t SET id = 100 + FLOOR(RAND(3) * 100), v = ?',
    values: [2],
  },
  { name: 'a subquery as key', sql: 'INSERT INTO t (id, v) VALUES ((SELECT MAX(v) + 50 FROM names), 1)' },
  { name: 'a user variable as key', sql: 'INSERT INTO names (name, v) VALUES (COALESCE(@nothing, 5), 1)' },
  { name: 'the last id as key', sql: 'INSERT INTO t (id) VALUES (LAST_INSERT_ID() + 70)' },
  { name: 'NULL as key', sql: 'INSERT INTO t (id) VALUES (@nothing)' },
  { name: 'a value that is none', sql: "INSERT INTO t (id) VALUES (1 / 0), (CAST('x' AS SIGNED))" },
  { name: 'an unknown function', sql: 'INSERT INTO t (id) VALUES (nothing(1))' },
  { name: 'a key that is there', sql: 'INSERT INTO t (id) VALUES (RAND(3) * 0 + 1)' },
  {
    name: 'IGNORE',
    sql: "INSERT IGNORE INTO names (name, u) VALUES (CONCAT('a', ''), 1), (CONCAT('z', RAND(1)), 5 + 4)",
  },
  { name: 'REPLACE', sql: "REPLACE INTO names (name, u, v) VALUES (LOWER('A'), 11, 4)" },
  {
    name: 'REPLACE of a random value',
    sql: "REPLACE INTO names (name, u, v) VALUES ('b', FLOOR(RAND(3)) + 11, 4)",
  },
  {
    name: 'ON DUPLICATE KEY UPDATE',
    sql: "INSERT INTO names (name, v) VALUES (IF(RAND(3) < 2, 'a', 'b'), 8) ON DUPLICATE KEY UPDATE v = VALUES(v) + ?",
    values: [1],
  },
  {
    name: 'a default that is computed',
    sql: 'INSERT INTO days (v) VALUES (NULL)',
  },
  { name: 'the word DEFAULT for a computed one', sql: 'INSERT INTO days VALUES (DEFAULT, NULL)' },
  { name: 'a computed default of odd characters', sql: 'INSERT INTO signs (v) VALUES (1)', only: 'mysql' },
  { name: 'an empty row of a computed one', sql: 'INSERT INTO days VALUES ()' },
  {
    name: 'INSERT ... SET ... RETURNING',
    sql: 'INSERT INTO t SET id = 5 + 6, v = 3 RETURNING id, v',
    only: 'mariadb',
  },
  {
    name: 'INSERT IGNORE ... RETURNING',
    sql: 'INSERT IGNORE INTO t (id, v) VALUES (1, 9), (8, 9), (9, 9) RETURNING id',
    only: 'mariadb',
  },
  {
    name: 'INSERT IGNORE ... RETURNING of nothing',
    sql: 'INSERT IGNORE INTO t (id, v) VALUES (1, 9) RETURNING id',
    only: 'mariadb',
  },
  {
    name: 'REPLACE ... RETURNING',
    sql: 'REPLACE INTO t (id, v) VALUES (1, 9), (8, ?) RETURNING *',
    values: [4],
    only: 'mariadb',
    isolation: 'REPEATABLE READ',
  },
  {
    name: 'REPLACE ... RETURNING of one row',
    sql: 'REPLACE INTO t (id, v) VALUES (1, 9) RETURNING *',
    only: 'mariadb',
  },
  {
    name: 'ON DUPLICATE KEY UPDATE ... RETURNING',
    sql: 'INSERT INTO t (id, v) VALUES (1, 9), (2, 8) ON DUPLICATE KEY UPDATE v = v + 1 RETURNING id, v',
    only: 'mariadb',
  },
  {
    name: 'ON DUPLICATE KEY UPDATE ... RETURNING of a new row',
    sql: 'INSERT INTO t (id, v) VALUES (6, 8) ON DUPLICATE KEY UPDATE v = v + 1 RETURNING id, v',
    only: 'mariadb',
  },
];

describe('INSERT and REPLACE with expressions answer as plain mysql2 does, and are undone:', () => {
  let world: World;

  before(async () => {
    const made = (expression: string) =>
      world.first.server.kind === 'mysql' ? `(${expression})` : expression;
    world = await makeWorld({
      tables: [
        'CREATE TABLE t (id INT PRIMARY KEY, v INT)',
        'INSERT INTO t VALUES (1, 1), (2, 2)',
        'CREATE TABLE days (day DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6) PRIMARY KEY, v DATETIME)',
        'CREATE TABLE names (name VARCHAR(30) PRIMARY KEY, v INT, u INT UNIQUE)',
        "INSERT INTO names VALUES ('a', 1, 9), ('b', 2, NULL), ('c', 3, 11)",
        "CREATE TABLE signs (sign VARCHAR(9) DEFAULT (CONCAT('é', '😀\\n')) PRIMARY KEY, v INT) CHARSET utf8mb4",
      ],
    });
    await world.first.execute([
      `CREATE TABLE uuids (id VARCHAR(36) DEFAULT ${made('UUID()')} PRIMARY KEY, v INT)`,
      ...(world.first.server.kind === 'mariadb' ? ['CREATE SEQUENCE numbers'] : []),
    ]);
  });

  after(() => world.close());

  itBothWays(() => world, TABLES, CASES);

  async function kept(sql: string): Promise<readonly RowDataPacket[]> {
    const { pool } = world.first;
    const before = await world.first.dump();
    const undo = new Error('undo');
    await assert.rejects(
      world.gtx.run({ name: 'undone' }, async () => {
        await pool.query(sql);
        throw undo;
      }),
      (error) => error === undo,
    );
    await settled(world);
    assert.equal(await world.first.dump(), before);
    await world.gtx.run({ name: 'kept' }, () => pool.query(sql));
    const [rows] = await pool.query<RowDataPacket[]>('SELECT * FROM uuids ORDER BY v');
    await world.first.execute('DELETE FROM uuids');
    return rows;
  }

  it('a UUID is made once, by a function or by a default', async () => {
    for (const sql of [
      'INSERT INTO uuids VALUES (UUID(), 1), (UUID(), 2)',
      'INSERT INTO uuids (v) VALUES (1), (2)',
      'INSERT INTO uuids (id, v) VALUES (DEFAULT, 1), (UUID(), 2)',
      'REPLACE INTO uuids (v) VALUES (1), (2)',
      'INSERT INTO uuids SELECT UUID(), id FROM t',
    ]) {
      const rows = await kept(sql);
      assert.deepEqual(
        rows.map(({ v }) => v as number),
        [1, 2],
        sql,
      );
      assert.equal(new Set(rows.map(({ id }) => String(id))).size, 2);
      for (const { id } of rows) assert.match(String(id), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    }
  });

  it('a computed default is what it is in a session whose character set has not its characters', async () => {
    const { first, gtx } = world;
    await first.execute(
      "CREATE TABLE towns (name VARCHAR(20) DEFAULT (CONCAT('it''s ', 'ß中')) PRIMARY KEY, v INT)",
    );
    const connection = await first.pool.getConnection();
    try {
      await connection.query('SET NAMES latin1');
      await gtx.run(() => connection.query('INSERT INTO towns (v) VALUES (1)'));
    } finally {
      connection.destroy();
    }
    const [rows] = await first.pool.query('SELECT name FROM towns');
    assert.deepEqual(rows, [{ name: "it's ß中" }]);
    await first.execute('DROP TABLE towns');
  });

  it('a computed default of an invisible column is refused where MySQL does not compute it', async () => {
    const { first, gtx } = world;
    await first.execute(
      'CREATE TABLE seen (id INT PRIMARY KEY, at DATETIME(6) NULL DEFAULT CURRENT_TIMESTAMP(6) INVISIBLE UNIQUE)',
    );
    const refused = first.server.kind === 'mysql';
    const replace = gtx.run(() => first.pool.query('REPLACE INTO seen VALUES (1)'));
    if (refused) await assert.rejects(replace, { code: 'STATEMENT_UNSUPPORTED' });
    else await replace;
    await gtx.run(() => first.pool.query('REPLACE INTO seen (id) VALUES (1)'));
    const [rows] = await first.pool.query('SELECT id, at IS NULL AS none FROM seen');
    assert.deepEqual(rows, [{ id: 1, none: 0 }]);
    await first.execute('DROP TABLE seen');
  });

  it('a default that the catalogue of MariaDB does not show in full is refused', async () => {
    if (world.first.server.kind !== 'mariadb') return;
    const insert = world.gtx.run(() => world.first.pool.query('INSERT INTO signs (v) VALUES (1)'));
    await assert.rejects(insert, { code: 'STATEMENT_UNSUPPORTED' });
  });

  it('a sequence goes on by one for each row', async () => {
    if (world.first.server.kind !== 'mariadb') return;
    const rows = await kept(
      'INSERT INTO uuids VALUES (NEXT VALUE FOR numbers, 1), (NEXT VALUE FOR numbers, 2)',
    );
    assert.deepEqual(
      rows.map(({ id }) => String(id)),
      ['3', '4'],
    );
  });
});
