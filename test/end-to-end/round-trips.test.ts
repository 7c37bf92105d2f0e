import assert from 'node:assert/strict';
import mysql from 'globaltx/mysql2/promise';
import { type Connection, createConnection, type PoolConnection, type ResultSetHeader } from 'mysql2/promise';
import { inLocalTransaction, pause, result } from './local-work.js';
import { makeWorld, settled, type World } from './world.js';

interface Writes {
  _write(chunk: unknown, encoding: string, callback: unknown): unknown;
  _writev(chunks: unknown, callback: unknown): unknown;
}

/** Counts how often something is written to the connection's socket, however much. */
function countWrites(connection: unknown): () => number {
  const { stream } = (connection as { connection: { stream: Writes } }).connection;
  let writes = 0;
  const write = stream._write.bind(stream);
  const writev = stream._writev.bind(stream);
  stream._write = (...all) => {
    writes += 1;
    return write(...all);
  };
  stream._writev = (...all) => {
    writes += 1;
    return writev(...all);
  };
  return () => {
    const counted = writes;
    writes = 0;
    return counted;
  };
}

describe('the statements of a local transaction', () => {
  let world: World;
  let outside: Connection;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE account (id INT PRIMARY KEY, balance INT NOT NULL)',
        'CREATE TABLE entry (id INT AUTO_INCREMENT PRIMARY KEY, number INT UNIQUE, amount INT NOT NULL)',
        'CREATE TABLE place (a INT, b VARCHAR(9), v INT NOT NULL, PRIMARY KEY (a, b))',
        'CREATE TABLE day (d DATE PRIMARY KEY, v INT)',
        'INSERT INTO account VALUES (1, 100), (2, 100), (3, 100)',
        "INSERT INTO place VALUES (1, 'x', 0), (1, 'y', 0), (2, 'x', 0)",
      ],
    });
    outside = await createConnection(world.first.server.options(world.first.name));
    // What a process and its connections ask once is not a statement's.
    await inTransaction(async (connection) => {
      for (const [sql] of STATEMENTS) await connection.query(sql);
    });
    await settled(world);
  });

  after(async () => {
    await outside.end();
    await world.close();
  });

  beforeEach(async () => {
    await world.first.execute('UPDATE account SET balance = 100');
    await world.first.execute('DELETE FROM entry');
  });

  const STATEMENTS: readonly (readonly [sql: string, trips: number])[] = [
    ['SELECT balance FROM account WHERE id = 1 FOR UPDATE', 1],
    ['UPDATE account SET balance = balance - 1 WHERE id = 1', 1],
    ['UPDATE account SET balance = balance - 1 WHERE id = 1 AND balance > 0', 1],
    ['INSERT INTO entry (amount) VALUES (1), (2)', 1],
    ['INSERT INTO entry (id, amount) VALUES (10, 1)', 1],
    ["UPDATE place SET v = v + 1 WHERE a = 1 AND b = 'x'", 1],
    ['DELETE FROM entry WHERE id = 10', 1],
  ];

  const inTransaction = (work: (connection: PoolConnection) => Promise<void>) =>
    inLocalTransaction(world, work);

  it('take one round trip each, their images included, and the undo log goes with COMMIT', async () => {
    await world.gtx.run({ name: 'counted' }, async () => {
      const connection = await mysql.createConnection(world.first.server.options(world.first.name));
      try {
        await connection.query('SELECT 1');
        const writes = countWrites(connection);
        await connection.beginTransaction();
        assert.equal(writes(), 0);
        const counted: [string, number][] = [];
        for (const [sql] of STATEMENTS) {
          await connection.query(sql);
          counted.push([sql, writes()]);
        }
        assert.deepEqual(
          counted.slice(1),
          STATEMENTS.slice(1).map((each) => [...each]),
        );
        await connection.commit();
        assert.equal(writes(), 1);
      } finally {
        await connection.end();
      }
    });
    await settled(world);
  });

  it('are undone whatever of them travelled together', async () => {
    await world.first.execute('INSERT INTO entry (id, number, amount) VALUES (900, 900, 5)');
    const before = await world.first.dump();
    const failed = inTransaction(async (connection) => {
      for (const [sql] of STATEMENTS) await connection.query(sql);
      await connection.query('UPDATE account SET balance = 7 WHERE id IN (1, 3)');
      await connection.commit();
      throw new Error('given up');
    });
    await assert.rejects(failed, /given up/);
    await settled(world);
    assert.equal(await world.first.dump(), before);
  });

  for (const ends of ['commit', 'rollback'] as const) {
    it(`see the columns that an ALTER TABLE has added to a table that the local transaction had not touched: ${ends}`, async () => {
      await inTransaction(async (connection) => {
        await connection.query("UPDATE place SET v = 1 WHERE a = 2 AND b = 'x'");
        await connection.query('INSERT INTO entry (number, amount) VALUES (1, 1)');
      });
      await settled(world);
      const dump = { before: '' };
      const work = inTransaction(async (connection) => {
        await connection.query('UPDATE account SET balance = 5 WHERE id = 1');
        await world.first.execute(`ALTER TABLE place ADD COLUMN ${ends} VARCHAR(20) NOT NULL DEFAULT 'kept'`);
        await world.first.execute(`ALTER TABLE entry ADD COLUMN ${ends} VARCHAR(20) NOT NULL DEFAULT 'kept'`);
        await outside.query('SELECT 1');
        dump.before = await world.first.dump();
        await connection.query(`UPDATE place SET v = 9, ${ends} = 'lost' WHERE a = 2 AND b = 'x'`);
        await connection.query(`INSERT INTO entry (number, amount, ${ends}) VALUES (2, 2, 'lost')`);
        await connection.commit();
        if (ends === 'rollback') throw new Error('given up');
      });
      if (ends === 'rollback') {
        await assert.rejects(work, /given up/);
        await settled(world);
        assert.equal(await world.first.dump(), dump.before);
        return;
      }
      await work;
      await settled(world);
      const [rows] = await outside.query(
        `SELECT a.balance, p.v, p.${ends} AS of_place, e.amount, e.${ends} AS of_entry FROM account a JOIN place p JOIN entry e
         WHERE a.id = 1 AND p.a = 2 AND e.number = 2`,
      );
      assert.deepEqual(rows, [{ balance: 5, v: 9, of_place: 'lost', amount: 2, of_entry: 'lost' }]);
    });
  }

  it('fail in their own words where they begin the local transaction without autocommit', async () => {
    const update = "UPDATE day SET v = 1 WHERE d IN ('2020-00-10')";
    const plain = await result(outside.query(update));
    await inTransaction(async (connection) => {
      await connection.rollback();
      await connection.query('SET autocommit = 0');
      assert.equal(await result(connection.query(update)), plain);
      await connection.query('UPDATE account SET balance = 3 WHERE id = 3');
      await connection.query('COMMIT');
      await connection.query('SET autocommit = 1');
      await connection.beginTransaction();
    });
    await settled(world);
    const [rows] = await outside.query('SELECT balance FROM account ORDER BY id');
    assert.deepEqual(rows, [{ balance: 100 }, { balance: 100 }, { balance: 3 }]);
  });

  it('leave what was done before one that has run although the read in front of it has failed', async () => {
    await outside.query('BEGIN');
    await outside.query('UPDATE account SET balance = balance WHERE id = 1');
    let timedOut: unknown;
    await inTransaction(async (connection) => {
      await connection.rollback();
      await connection.query('SET SESSION innodb_lock_wait_timeout = 1');
      await connection.beginTransaction();
      await connection.query('INSERT INTO entry (number, amount) VALUES (5, 5)');
      const waiting = result(connection.query('UPDATE account SET balance = 7 WHERE id = 1'));
      // The read has waited for its second, and the statement waits for another.
      await pause(1_500);
      await outside.query('ROLLBACK');
      timedOut = await waiting;
      await connection.query('UPDATE account SET balance = 9 WHERE id = 2');
      await connection.commit();
      await connection.query('SET SESSION innodb_lock_wait_timeout = 50');
      await connection.beginTransaction();
    });
    await settled(world);
    assert.equal(timedOut, 'ER_LOCK_WAIT_TIMEOUT');
    const [rows] = await outside.query('SELECT balance FROM account ORDER BY id');
    assert.deepEqual(rows, [{ balance: 100 }, { balance: 9 }, { balance: 100 }]);
    const [entries] = await outside.query('SELECT number, amount FROM entry');
    assert.deepEqual(entries, [{ number: 5, amount: 5 }]);
  });

  it('keep nothing locked but what they would by themselves, where an INSERT has failed', async () => {
    const other = await createConnection(world.first.server.options(world.first.name));
    await other.query('SET SESSION innodb_lock_wait_timeout = 1');
    const fails = async (connection: Pick<Connection, 'query' | 'beginTransaction' | 'rollback'>) => {
      await world.first.execute('DELETE FROM entry');
      await world.first.execute('INSERT INTO entry (number, amount) VALUES (1, 1), (2, 2), (3, 3)');
      await connection.beginTransaction();
      // LAST_INSERT_ID() is that of a row that is there no more, and beyond the last one. Its ROLLBACK has removed it: what
      // a DELETE has marked may be met until it is purged.
      const [{ insertId }] = await connection.query<ResultSetHeader>(
        'INSERT INTO entry (number, amount) VALUES (4, 4)',
      );
      await connection.rollback();
      await connection.beginTransaction();
      const met = await result(connection.query('INSERT INTO entry (number, amount) VALUES (2, 9)'));
      return [
        met,
        await result(other.query('INSERT INTO entry (id, number, amount) VALUES (?, 7, 7)', [insertId])),
        await result(other.query('INSERT INTO entry (number, amount) VALUES (8, 8)')),
      ];
    };
    const plain = await fails(outside);
    await outside.query('ROLLBACK');
    let ours: unknown;
    await inTransaction(async (connection) => {
      await connection.rollback();
      ours = await fails(connection);
    });
    await other.end();
    assert.equal(plain[0], 'ER_DUP_ENTRY');
    assert.deepEqual(ours, plain);
    await settled(world);
  });
});
