import assert from 'node:assert/strict';
import mysql from 'globaltx/mysql2/promise';
import { type Connection, createConnection, type PoolConnection, type RowDataPacket } from 'mysql2/promise';
import { codeOf, inLocalTransaction, pause, result } from './local-work.js';
import { makeWorld, settled, type World } from './world.js';

describe('a statement that travels with BEGIN and with the read of its before image', () => {
  let world: World;
  let outside: Connection;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE account (id INT PRIMARY KEY, balance INT NOT NULL)',
        'INSERT INTO account VALUES (1, 100), (2, 100), (3, 100), (4, 100), (5, 100), (6, 100)',
      ],
    });
    outside = await createConnection(world.first.server.options(world.first.name));
    // The first BEGIN of a process travels alone.
    await inTransaction(async (connection) => {
      await connection.query('SELECT 1');
    });
  });

  after(async () => {
    await outside.end();
    await world.close();
  });

  beforeEach(() => world.first.execute('UPDATE account SET balance = 100'));

  async function balances(...ids: number[]): Promise<number[]> {
    const [rows] = await outside.query<RowDataPacket[]>(
      'SELECT balance FROM account WHERE id IN (?) ORDER BY id',
      [ids],
    );
    return rows.map((row) => row.balance as number);
  }

  const inTransaction = (work: (connection: PoolConnection) => Promise<void>) =>
    inLocalTransaction(world, work);

  it('has its BEGIN answered at once, as the server would', async () => {
    const [plain] = await outside.query('BEGIN');
    await outside.query('ROLLBACK');
    await world.gtx.run({ name: 'begin' }, async () => {
      const connection = (await world.first.pool.getConnection()) as unknown as PoolConnection;
      try {
        await connection.query('SELECT 1');
        const { stream } = connection.connection as unknown as { stream: { bytesWritten: number } };
        const written = stream.bytesWritten;
        const [answer] = await connection.query('BEGIN');
        assert.equal(stream.bytesWritten, written);
        assert.deepEqual({ ...answer }, { ...plain });
        await connection.query('ROLLBACK');
      } finally {
        connection.release();
      }
    });
  });

  it('does not run by itself when the read before it has been the victim of a deadlock', async () => {
    let victim: unknown;
    await outside.query('BEGIN');
    // Who has written less is the victim.
    for (const id of [2, 4, 5, 6]) await outside.query('UPDATE account SET balance = 101 WHERE id = ?', [id]);
    let blocked: Promise<unknown> | undefined;
    const failed = inTransaction(async (connection) => {
      await connection.query('UPDATE account SET balance = 7 WHERE id = 1');
      blocked = result(outside.query('UPDATE account SET balance = balance + 1 WHERE id = 1'));
      await pause(300);
      victim = await result(connection.query('UPDATE account SET balance = 7 WHERE id = 2'));
      throw new Error('given up');
    });
    await assert.rejects(failed, /given up/);
    assert.equal(await blocked, 'done');
    await outside.query('ROLLBACK');
    assert.equal(victim, 'ER_LOCK_DEADLOCK');
    assert.deepEqual(await balances(1, 2), [100, 100]);
    await settled(world);
    // The connection takes writes outside of a global transaction again.
    await world.first.pool.query('UPDATE account SET balance = 8 WHERE id = 3');
    assert.deepEqual(await balances(3), [8]);
  });

  it('has not been when the read before it has waited too long and the statement itself has not', async () => {
    await outside.query('BEGIN');
    await outside.query('UPDATE account SET balance = balance WHERE id = 1');
    let timedOut: unknown;
    await inTransaction(async (connection) => {
      await connection.query('SELECT 1');
      await connection.rollback();
      await connection.query('SET SESSION innodb_lock_wait_timeout = 1');
      await connection.query('BEGIN');
      const waiting = result(connection.query('UPDATE account SET balance = 7 WHERE id = 1'));
      await pause(1_500);
      await outside.query('ROLLBACK');
      timedOut = await waiting;
      await connection.query('UPDATE account SET balance = 9 WHERE id = 2');
      await connection.query('COMMIT');
      await connection.query('SET SESSION innodb_lock_wait_timeout = 50');
      await connection.query('BEGIN');
    });
    assert.equal(timedOut, 'ER_LOCK_WAIT_TIMEOUT');
    assert.deepEqual(await balances(1, 2), [100, 9]);
    await settled(world);
  });

  it('tells of the deadlock that has ended the local transaction, whatever the read before it has met', async () => {
    await outside.query('BEGIN');
    for (const id of [2, 4, 5, 6]) await outside.query('UPDATE account SET balance = 101 WHERE id = ?', [id]);
    let blocked: Promise<unknown> | undefined;
    let victim: unknown;
    await inTransaction(async (connection) => {
      await connection.rollback();
      await connection.query('SET SESSION innodb_lock_wait_timeout = 1');
      await connection.query('BEGIN');
      await connection.query('UPDATE account SET balance = 7 WHERE id = 1');
      const waiting = result(connection.query('UPDATE account SET balance = 7 WHERE id = 2'));
      // The read has waited for its second, and the statement waits for another.
      await pause(1_500);
      blocked = result(outside.query('UPDATE account SET balance = balance + 1 WHERE id = 1'));
      victim = await waiting;
      assert.equal(await blocked, 'done');
      await outside.query('ROLLBACK');
      await connection.query('SET SESSION innodb_lock_wait_timeout = 50');
      // As in plain mysql2 each statement is on its own now.
      await connection.query('UPDATE account SET balance = 9 WHERE id = 3');
      await connection.query('BEGIN');
    });
    assert.equal(victim, 'ER_LOCK_DEADLOCK');
    assert.deepEqual(await balances(1, 2, 3), [100, 100, 9]);
    await settled(world);
  });

  it('does not show the application how its session is kept from writing outside', async () => {
    const [versions] = await outside.query<RowDataPacket[]>('SELECT VERSION() AS version');
    const variable = /maria/i.test(String(versions[0]!.version))
      ? '@@tx_read_only'
      : '@@transaction_read_only';
    await inTransaction(async (connection) => {
      const update = () => connection.query('UPDATE account SET balance = 5 WHERE id = 1');
      await update();
      await connection.query(`UPDATE account SET balance = ${variable} WHERE id = 2`);
      await connection.query(`UPDATE account SET balance = ${variable} WHERE id = 2`);
      await update();
      await connection.query(`INSERT INTO account SELECT 10, ${variable}`);
      await update();
      await connection.query(`SET @seen = ${variable}`);
      await update();
      const [rows] = await connection.query(
        `SELECT @seen AS seen, ${variable} AS now FROM account WHERE id = 1 FOR UPDATE`,
      );
      assert.deepEqual(rows, [{ seen: 0, now: 0 }]);
    });
    await world.gtx.run(async () => {
      await world.first.pool.query(`INSERT INTO account VALUES (11, ${variable})`);
      await world.first.pool.query(`UPDATE account SET balance = ${variable} WHERE id = 3`);
    });
    assert.deepEqual(await balances(1, 2, 3, 10, 11), [5, 0, 0, 0, 0]);
    await world.first.execute('DELETE FROM account WHERE id > 9');
    await settled(world);
  });

  describe('whose session could not be made to write outside again behind it', () => {
    const ADD = 'UPDATE account SET balance = balance + 1 WHERE id = ';
    const ways: Readonly<Record<string, readonly string[]>> = {
      'after COMMIT': ['BEGIN', `${ADD} 1`, `${ADD} 1`, 'COMMIT'],
      'after ROLLBACK': ['BEGIN', `${ADD} 1`, `${ADD} 1`, 'ROLLBACK'],
      'after a statement by itself': [`${ADD} 1`, `${ADD} 1`],
      'after a BEGIN that commits': ['BEGIN', `${ADD} 1`, `${ADD} 1`, 'BEGIN'],
    };
    for (const [way, statements] of Object.entries(ways)) {
      for (const begin of ['', 'BEGIN', 'START TRANSACTION WITH CONSISTENT SNAPSHOT']) {
        it(`${way}: is answered as ever, and so is ${begin || 'what comes'} after it`, async () => {
          const connection = await mysql.createConnection(world.first.server.options(world.first.name));
          let spoilt = 0;
          const { stream } = (
            connection as unknown as { connection: { stream: { write(...args: unknown[]): boolean } } }
          ).connection;
          const write = stream.write.bind(stream);
          // As if KILL QUERY had hit it.
          stream.write = (buffer, ...rest) => {
            const at = (buffer as Buffer).indexOf('TRANSACTION READ WRITE');
            if (at < 0 || spoilt > 0) return write(buffer, ...rest);
            spoilt += 1;
            const other = Buffer.from(buffer as Buffer);
            other.write('TRANSACTION WRITE READ', at);
            return write(other, ...rest);
          };
          try {
            await world.gtx.run(async () => {
              for (const statement of statements) {
                const [header] = await connection.query(statement);
                assert.equal(
                  (header as { affectedRows?: number }).affectedRows,
                  Number(/UPDATE/.test(statement)),
                );
              }
              assert.equal(spoilt, 1);
              if (begin !== '') await connection.query(begin);
              await connection.query(`${ADD} 2`);
              await connection.query('COMMIT');
            });
            await connection.query(`${ADD} 3`);
          } finally {
            await connection.end();
          }
          assert.deepEqual(await balances(1, 2, 3), [way === 'after ROLLBACK' ? 100 : 102, 101, 101]);
          await settled(world);
        });
      }
    }
  });

  it('is whole or not at all, whenever the statement under way is killed', async () => {
    let wanted = 0;
    for (let round = 0; round < 60; round += 1) {
      const moved = await result(
        inTransaction(async (connection) => {
          const { threadId } = connection as unknown as { threadId: number };
          const killed = pause(Math.random() * 6)
            .then(() => outside.query(`KILL QUERY ${threadId}`))
            .catch(codeOf);
          await connection.query('UPDATE account SET balance = balance - 1 WHERE id = 1');
          await connection.query('UPDATE account SET balance = balance + 1 WHERE id = 2');
          await killed;
        }),
      );
      if (moved === 'done') wanted += 1;
      await settled(world);
      const [from, to] = await balances(1, 2);
      assert.deepEqual([100 - from!, to! - 100], [wanted, wanted], `round ${round}: ${String(moved)}`);
    }
  });

  it('sees the columns that an ALTER TABLE has added in the meantime', async () => {
    await inTransaction(async (connection) => {
      await connection.query('UPDATE account SET balance = 5 WHERE id = 1');
    });
    await world.first.execute("ALTER TABLE account ADD COLUMN note VARCHAR(20) NOT NULL DEFAULT 'kept'");
    const failed = inTransaction(async (connection) => {
      await connection.query("UPDATE account SET balance = 6, note = 'lost' WHERE id = 1");
      await connection.query('COMMIT');
      throw new Error('given up');
    });
    await assert.rejects(failed, /given up/);
    const [rows] = await outside.query('SELECT balance, note FROM account WHERE id = 1');
    assert.deepEqual(rows, [{ balance: 5, note: 'kept' }]);
    await settled(world);
  });

  it('sees what an ALTER TABLE has changed whatever character set it reads in first', async () => {
    await world.first.execute('ALTER TABLE account ADD COLUMN rate DECIMAL(8, 2) NOT NULL DEFAULT 1');
    await inTransaction(async (connection) => {
      await connection.query('UPDATE account SET rate = 2 WHERE id = 1');
    });
    await world.first.execute('ALTER TABLE account MODIFY COLUMN rate DECIMAL(8, 4) NOT NULL DEFAULT 1');
    await inTransaction(async (connection) => {
      await connection.query('SET NAMES latin1');
      await connection.query('UPDATE account SET rate = 3 WHERE id = 1');
      await connection.query('SET NAMES utf8mb4');
      await connection.query('UPDATE account SET rate = 4 WHERE id = 1');
    });
    await world.first.execute('ALTER TABLE account DROP COLUMN rate');
    await settled(world);
  });

  it('sees that an ALTER TABLE has dropped columns in the meantime', async () => {
    const changes = [
      'UPDATE account SET balance = 7 WHERE id = 1',
      'UPDATE account SET balance = 8 ORDER BY id LIMIT 1',
      'UPDATE account SET id = 99 WHERE id = 1',
      'DELETE FROM account WHERE id = 1',
    ];
    for (const sql of changes) {
      const add = "ALTER TABLE account ADD COLUMN more TEXT, ADD COLUMN kind ENUM('a', 'b') DEFAULT 'b'";
      await world.first.execute(add);
      await inTransaction(async (connection) => {
        await connection.query('UPDATE account SET balance = 5 WHERE id = 1');
      });
      await world.first.execute('ALTER TABLE account DROP COLUMN more, DROP COLUMN kind');
      const before = await world.first.dump();
      const failed = inTransaction(async (connection) => {
        await connection.query(sql);
        await connection.query('COMMIT');
        throw new Error('given up');
      });
      await assert.rejects(failed, /given up/);
      assert.equal(await world.first.dump(), before);
      await settled(world);
    }
  });

  it('leaves the session as the application has made it', async () => {
    await inTransaction(async (connection) => {
      await connection.query('UPDATE account SET balance = 5 WHERE id = 1');
      await connection.query('SET SESSION TRANSACTION READ ONLY');
      await connection.query('UPDATE account SET balance = 5 WHERE id = 2');
      await connection.commit();
      assert.equal(
        await result(connection.query('UPDATE account SET balance = 5 WHERE id = 3')),
        'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION',
      );
      await connection.query('SET SESSION TRANSACTION READ WRITE');
      await connection.query('UPDATE account SET balance = 5 WHERE id = 4');
      assert.equal(await result(connection.query('SELECT 1; SELECT 2')), 'ER_PARSE_ERROR');
      await connection.beginTransaction();
    });
    assert.deepEqual(await balances(1, 2, 3, 4), [5, 5, 100, 5]);
    await settled(world);
  });

  it('runs as well over the compressed protocol', async () => {
    const options = { ...world.first.server.options(world.first.name), compress: true };
    const pool = mysql.createPool(options);
    await world.gtx.run({ name: 'compressed' }, async () => {
      const connection = await pool.getConnection();
      await connection.beginTransaction();
      await connection.query('UPDATE account SET balance = 5 WHERE id = 1');
      await connection.query('UPDATE account SET balance = 6 WHERE id = 2');
      await connection.commit();
      connection.release();
      await pool.query('UPDATE account SET balance = 7 WHERE id = 3');
    });
    await pool.end();
    assert.deepEqual(await balances(1, 2, 3), [5, 6, 7]);
    await settled(world);
  });
});
