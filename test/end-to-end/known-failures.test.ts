import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { rollbackReport } from 'globaltx';
import type { Connection } from 'mysql2/promise';
import { makeWorld, settled, type World } from './world.js';

const LONG = 'x'.repeat(700);

/** What other implementations of AT are known to get wrong; docs/sql.md names each test. */
describe('a rollback', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, part INT NOT NULL, v INT NOT NULL, KEY (part))',
        'INSERT INTO t VALUES (1, 1, 10), (2, 1, 20), (3, 2, 30)',
        'CREATE TABLE made (id INT PRIMARY KEY, v INT, twice INT AS (v * 2) STORED, thrice INT AS (v * 3) VIRTUAL)',
        'INSERT INTO made (id, v) VALUES (1, 1), (2, 2)',
        `CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES t (id) ON DELETE CASCADE)`,
        'INSERT INTO child VALUES (1, 1), (2, 1), (3, 3)',
        'CREATE TABLE named (a VARCHAR(700), b VARCHAR(20), v INT, PRIMARY KEY (a, b)) CHARACTER SET latin1',
        `INSERT INTO named VALUES ('a_b', 'c', 1), ('a', 'b_c', 2), ('a,b', 'c', 3), ('a', 'b,c', 4), ('${LONG}', 'c', 5)`,
      ],
    });
  });

  after(() => world.close());

  async function rolledBack(work: (connection: Connection) => Promise<unknown>): Promise<unknown> {
    const wanted = new Error('roll it back');
    const thrown = await world.gtx
      .run(async () => {
        const connection = await world.first.pool.getConnection();
        try {
          await work(connection);
        } finally {
          connection.release();
        }
        throw wanted;
      })
      .catch((error: unknown) => error);
    assert.equal(thrown, wanted);
    return rollbackReport(wanted);
  }

  async function leavesNothing(...statements: readonly string[]): Promise<void> {
    const before = await world.first.dump();
    await rolledBack(async (connection) => {
      for (const sql of statements) await connection.query(sql);
      assert.notEqual(await world.first.dump(), before);
    });
    assert.equal(await world.first.dump(), before);
    await settled(world);
  }

  it('undoes two branches on one row from the last to the first', () =>
    leavesNothing(
      'UPDATE t SET v = 11 WHERE id = 2',
      'UPDATE t SET v = 12 WHERE id = 2',
      'DELETE FROM t WHERE id = 2',
    ));

  it('undoes many branches of one millisecond in their order', () =>
    leavesNothing(...Array.from({ length: 25 }, (_, at) => `UPDATE t SET v = v * 2 + ${at} WHERE id = 2`)));

  it('brings a row back that was deleted and inserted again in one local transaction', () =>
    leavesNothing('BEGIN', 'DELETE FROM t WHERE id = 2', 'INSERT INTO t VALUES (2, 9, 9)', 'COMMIT'));

  it('leaves the rows that INSERT IGNORE, ON DUPLICATE KEY UPDATE and REPLACE have met', () =>
    leavesNothing(
      'INSERT IGNORE INTO t VALUES (2, 5, 5), (8, 5, 5)',
      'INSERT INTO t VALUES (2, 6, 6), (9, 6, 6) ON DUPLICATE KEY UPDATE v = v + 1',
      'REPLACE INTO named VALUES (1, 2, 3)',
      "REPLACE INTO named VALUES ('a', 'b_c', 7)",
    ));

  it('brings rows with generated columns back', () =>
    leavesNothing('UPDATE made SET v = 7 WHERE id = 1', 'DELETE FROM made'));

  it('brings the children back that ON DELETE CASCADE has taken', () =>
    leavesNothing('DELETE FROM t WHERE id <> 2'));

  it('tells keys apart that have separators in them, and takes long ones', async () => {
    await leavesNothing(
      "UPDATE named SET v = v + 1 WHERE a LIKE 'a%'",
      `DELETE FROM named WHERE a = '${LONG}'`,
    );
    const { gtx, first } = world;
    await gtx.run(async () => {
      await first.pool.query("UPDATE named SET v = 1 WHERE a = 'a_b' AND b = 'c'");
      await gtx.run({ propagation: 'REQUIRES_NEW', lockWait: 300 }, () =>
        first.pool.query("UPDATE named SET v = 2 WHERE a = 'a' AND b = 'b_c'"),
      );
    });
  });

  it('takes no row back that came between the reading and the statement, under READ COMMITTED', async () => {
    const { first } = world;
    let done = false;
    const outside = (async () => {
      for (let at = 0; !done; at++) await first.execute(`INSERT INTO t (part, v) VALUES (1, ${1_000 + at})`);
    })();
    await rolledBack(async (connection) => {
      await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      for (let times = 0; times < 15; times++)
        await connection.query('UPDATE t SET v = v + 1 WHERE part = 1');
      await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      done = true;
      await outside;
    });
    const [rows] = await first.pool.query('SELECT id, v FROM t WHERE part = 1 ORDER BY id');
    const values = (rows as { v: number }[]).map(({ v }) => v);
    assert.ok(values.length > 3, 'nothing came in between');
    assert.deepEqual(values, [10, 20, ...values.slice(2).map((_, at) => 1_000 + at)]);
    await first.execute('DELETE FROM t WHERE v >= 1000');
  });

  it('that has met a dirty write is not tried again over what somebody writes later', async () => {
    const { first } = world;
    const report = await rolledBack(async (connection) => {
      await connection.query('UPDATE t SET v = 99 WHERE id = 3');
      await first.execute('UPDATE t SET v = 5 WHERE id = 3');
    });
    assert.equal((report as { status: string }).status, 'NEEDS_ATTENTION');
    // As the branch left it: a rollback that were tried again would find its after image.
    await first.execute('UPDATE t SET v = 99 WHERE id = 3');
    await delay(2_500);
    const [rows] = await first.pool.query('SELECT v FROM t WHERE id = 3');
    assert.deepEqual(rows, [{ v: 99 }]);
  });
});
