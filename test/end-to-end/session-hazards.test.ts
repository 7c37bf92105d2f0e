import assert from 'node:assert/strict';
import { GlobalTxError } from 'globaltx';
import type { PoolConnection } from 'globaltx/mysql2/promise';
import { makeWorld, settled, type World } from './world.js';

describe('what a session was left with before a global transaction', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE t (id INT PRIMARY KEY, v INT)',
        'INSERT INTO t VALUES (1, 1), (2, 2)',
        'CREATE TABLE parent (id INT PRIMARY KEY)',
        'CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE)',
        'INSERT INTO parent VALUES (1)',
        'INSERT INTO child VALUES (1, 1)',
        'CREATE PROCEDURE hide() CREATE TEMPORARY TABLE t LIKE u',
        'CREATE TABLE u LIKE t',
      ],
    });
    // Its definition is known from now on.
    await world.gtx.run({ name: 'known' }, () => world.first.pool.query('UPDATE t SET v = v WHERE id = 1'));
  });

  after(() => world.close());

  async function on(work: (connection: PoolConnection) => Promise<void>): Promise<void> {
    const connection = await world.first.pool.getConnection();
    try {
      await work(connection);
    } finally {
      connection.destroy();
    }
  }

  async function refusal(work: () => Promise<unknown>): Promise<GlobalTxError> {
    const error = await world.gtx.run({ name: 'refused' }, work).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof GlobalTxError, String(error));
    return error;
  }

  for (const [name, ...statements] of [
    ['by its DDL', 'CREATE TEMPORARY TABLE t (id INT PRIMARY KEY, v INT)', 'INSERT INTO t VALUES (1, 7)'],
    ['by a procedure', 'CALL hide()'],
    ['after another statement', 'CREATE TABLE IF NOT EXISTS u (id INT)', 'CREATE TEMPORARY TABLE t LIKE u'],
  ]) {
    it(`a temporary table that hides one of the same shape is refused, made ${name}`, async () => {
      const before = await world.first.dump();
      await on(async (connection) => {
        for (const sql of statements) await connection.query(sql);
        for (const sql of [
          'UPDATE t SET v = 9 WHERE id = 1',
          'INSERT INTO t VALUES (5, 5)',
          'DELETE FROM t',
        ]) {
          const error = await refusal(() => connection.query(sql));
          assert.equal(error.code, 'TABLE_UNSUPPORTED');
          assert.match(error.construct ?? '', /temporary/);
        }
        await connection.query('DROP TEMPORARY TABLE t');
        await world.gtx.run({ name: 'shown' }, () => connection.query('UPDATE t SET v = v + 1 WHERE id = 1'));
        await world.gtx.run({ name: 'shown' }, () => connection.query('UPDATE t SET v = v - 1 WHERE id = 1'));
      });
      await settled(world);
      assert.equal(await world.first.dump(), before);
    });
  }

  it('a temporary table that hides what a deletion would reach is refused', async () => {
    await on(async (connection) => {
      await connection.query('CREATE TEMPORARY TABLE child (id INT PRIMARY KEY, parent INT)');
      const error = await refusal(() => connection.query('DELETE FROM parent'));
      assert.equal(error.code, 'TABLE_UNSUPPORTED');
    });
  });

  it('LOCK TABLES is not ended without a word', async () => {
    await on(async (connection) => {
      await connection.query('LOCK TABLES t WRITE');
      const error = await refusal(() => connection.query('UPDATE t SET v = 9 WHERE id = 1'));
      assert.equal(error.code, 'STATEMENT_UNSUPPORTED');
      assert.equal(error.construct, 'LOCK TABLES');
      const unlocked = await connection.query('SELECT 1 FROM u').catch((thrown: unknown) => thrown);
      assert.equal((unlocked as { code?: string }).code, 'ER_TABLE_NOT_LOCKED');
      await connection.query('UNLOCK TABLES');
      await world.gtx.run({ name: 'unlocked' }, () => connection.query('UPDATE t SET v = v WHERE id = 1'));
    });
  });
});
