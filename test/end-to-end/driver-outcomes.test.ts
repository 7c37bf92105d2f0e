import assert from 'node:assert/strict';
import { GlobalTxError } from 'globaltx';
import callbacks from 'globaltx/mysql2';
import mysql, { type Connection, type Pool } from 'globaltx/mysql2/promise';
import { makeWorld, settled, type World } from './world.js';

const ADD = 'UPDATE account SET balance = balance + 1 WHERE id = 1';
const SLOW = 'UPDATE account SET balance = balance + 1 + SLEEP(0.3) WHERE id = 1';

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The code of what a promise is rejected with; 'kept' when it is not. */
async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'kept';
  } catch (error) {
    return String((error as { code?: unknown }).code ?? error);
  }
}

describe('inside a global transaction', () => {
  let world: World;
  let pool: Pool;

  before(async () => {
    world = await makeWorld({
      tables: ['CREATE TABLE account (id INT PRIMARY KEY AUTO_INCREMENT, balance INT NOT NULL)'],
    });
  });

  beforeEach(async () => {
    await world.first.execute(['DELETE FROM account', 'INSERT INTO account VALUES (1, 100), (2, 100)']);
    pool = mysql.createPool({ ...world.first.server.options(world.first.name), connectionLimit: 2 });
  });

  afterEach(() => pool.end());

  after(() => world.close());

  async function balance(): Promise<number> {
    const [rows] = await world.first.pool.query('SELECT balance FROM account WHERE id = 1');
    return (rows as { balance: number }[])[0]!.balance;
  }

  /** Nothing is left behind: no lock at the coordinator, none in the database, no undo log. */
  async function clean(): Promise<void> {
    await settled(world);
    await world.gtx.run({ lockWait: 2_000 }, async () => {
      const connection = await world.first.pool.getConnection();
      await connection.query('SET innodb_lock_wait_timeout = 2');
      await connection.query('UPDATE account SET balance = balance WHERE id IN (1, 2)');
      await connection.query('SET innodb_lock_wait_timeout = DEFAULT');
      connection.release();
    });
    await settled(world);
  }

  /** What becomes of a global transaction in which a local one is begun, has written, and then `end` happens to it. */
  async function whenOpen(
    get: () => Promise<Connection>,
    end: (connection: Connection) => unknown,
  ): Promise<string> {
    return await outcome(
      world.gtx.run(async () => {
        const connection = await get();
        await connection.beginTransaction();
        await connection.query(ADD);
        await end(connection);
      }),
    );
  }

  const single = () => mysql.createConnection(world.first.server.options(world.first.name));
  const pooled = () => pool.getConnection();

  describe('a connection that goes back to its pool with an open local transaction', () => {
    it('has it rolled back, and the global transaction cannot be committed', async () => {
      assert.equal(
        await whenOpen(pooled, (connection) => (connection as mysql.PoolConnection).release()),
        'ROLLBACK_ONLY',
      );
      assert.equal(await balance(), 100);
      await clean();
    });

    it('hurts nothing when it has only read', async () => {
      await world.gtx.run(async () => {
        const connection = await pool.getConnection();
        await connection.beginTransaction();
        await connection.query('SELECT * FROM account');
        connection.release();
        await pool.query(ADD);
      });
      assert.equal(await balance(), 101);
      await clean();
    });

    it('is clean for who gets it next', async () => {
      const narrow = mysql.createPool({
        ...world.first.server.options(world.first.name),
        connectionLimit: 1,
      });
      await outcome(
        world.gtx.run(async () => {
          const connection = await narrow.getConnection();
          await connection.beginTransaction();
          await connection.query(ADD);
          connection.release();
          await narrow.query('UPDATE account SET balance = 7 WHERE id = 2');
        }),
      );
      await narrow.query(ADD);
      await narrow.end();
      assert.equal(await balance(), 101);
      await clean();
    });
  });

  for (const [kind, get] of [
    ['a pool', pooled],
    ['its own', single],
  ] as const) {
    describe(`a connection of ${kind} that is destroyed`, () => {
      it('with an open local transaction: that is lost, and the global one cannot be committed', async () => {
        const seen = await whenOpen(get, (connection) => connection.destroy());
        assert.match(seen, /ROLLBACK_ONLY|LOCAL_TRANSACTION_OPEN/);
        assert.equal(await balance(), 100);
        await clean();
      });

      it('while a statement is under way: the statement has its error, and nothing is kept', async () => {
        const seen = await outcome(
          world.gtx.run(async () => {
            const connection = await get();
            const write = connection.query(SLOW);
            await pause(100);
            connection.destroy();
            await write;
          }),
        );
        assert.match(seen, /PROTOCOL_CONNECTION_LOST|LOCAL_COMMIT_UNKNOWN/);
        await clean();
        assert.equal(await balance(), 100);
      });

      it('between two statements that are not waited for: the later has its error', async () => {
        const seen = await outcome(
          world.gtx.run(async () => {
            const connection = await get();
            await connection.beginTransaction();
            const writes = [connection.query(ADD), connection.query(ADD), connection.commit()];
            connection.destroy();
            const results = await Promise.allSettled(writes);
            assert.ok(results.some(({ status }) => status === 'rejected'));
            throw new Error('told');
          }),
        );
        assert.equal(seen, 'Error: told');
        await clean();
        assert.equal(await balance(), 100);
      });

      it('after its COMMIT: what it has written is kept', async () => {
        await world.gtx.run(async () => {
          const connection = await get();
          await connection.beginTransaction();
          await connection.query(ADD);
          await connection.commit();
          connection.destroy();
        });
        assert.equal(await balance(), 101);
        await clean();
      });
    });

    it(`a connection of ${kind} that the server ends: the statement has mysql2's error, and nothing is kept`, async () => {
      const seen = await whenOpen(get, async (connection) => {
        (connection as unknown as { connection: NodeJS.EventEmitter }).connection.on('error', () => {});
        await world.first.execute(`KILL ${connection.threadId}`);
        await pause(50);
        await connection.query(ADD);
      });
      assert.match(seen, /closed state|PROTOCOL_CONNECTION_LOST|ECONNRESET/);
      assert.equal(await balance(), 100);
      await clean();
    });
  }

  describe('a pool that is ended', () => {
    it('while a statement is under way: that is finished, and kept', async () => {
      const ending = mysql.createPool(world.first.server.options(world.first.name));
      await world.gtx.run(async () => {
        const write = ending.query(SLOW);
        await pause(100);
        await Promise.all([write, ending.end()]);
      });
      assert.equal(await balance(), 101);
      await clean();
    });

    it('before the decision: phase two needs none of its connections', async () => {
      for (const [undo, expected] of [
        [false, 101],
        [true, 101],
      ] as const) {
        const ending = mysql.createPool(world.first.server.options(world.first.name));
        const seen = await outcome(
          world.gtx.run(async () => {
            await ending.query(ADD);
            await ending.end();
            if (undo) throw new Error('undo it');
          }),
        );
        assert.equal(seen, undo ? 'Error: undo it' : 'kept');
        await clean();
        assert.equal(await balance(), expected);
      }
    });

    it('with an open local transaction: that is lost, and the global one cannot be committed', async () => {
      const ending = mysql.createPool(world.first.server.options(world.first.name));
      assert.equal(
        await whenOpen(
          () => ending.getConnection(),
          () => ending.end(),
        ),
        'ROLLBACK_ONLY',
      );
      assert.equal(await balance(), 100);
      await clean();
    });
  });

  describe('a local transaction', () => {
    it('that changeUser ends is lost, and the global one cannot be committed', async () => {
      assert.equal(await whenOpen(single, (connection) => connection.changeUser({})), 'ROLLBACK_ONLY');
      assert.equal(await balance(), 100);
      await clean();
    });

    it('that reset ends is lost, and the global one cannot be committed', async () => {
      assert.equal(await whenOpen(single, (connection) => connection.reset()), 'ROLLBACK_ONLY');
      assert.equal(await balance(), 100);
      await clean();
    });

    it('that the end of its connection ends is lost, and the global one cannot be committed', async () => {
      assert.equal(await whenOpen(single, (connection) => connection.end()), 'ROLLBACK_ONLY');
      assert.equal(await balance(), 100);
      await clean();
    });

    it('is not touched by changeUser before or after it', async () => {
      await world.gtx.run(async () => {
        const connection = await single();
        await connection.changeUser({});
        await connection.query(ADD);
        await connection.changeUser({ database: world.first.name });
        await connection.execute('UPDATE account SET balance = balance + ? WHERE id = ?', [1, 1]);
        await connection.end();
      });
      assert.equal(await balance(), 102);
      await clean();
    });
  });

  it('statements that are asked for before the end of their connection are carried out, whatever they need', async () => {
    await world.gtx.run(async () => {
      const connection = callbacks.createConnection(world.first.server.options(world.first.name));
      const done: unknown[] = [];
      connection.query(ADD, (error) => done.push(error));
      connection.execute('UPDATE account SET balance = balance + ? ORDER BY id LIMIT 1', [1], (error) =>
        done.push(error),
      );
      connection.execute('UPDATE account SET balance = balance + ? WHERE id = ?', [1, 1], (error) =>
        done.push(error),
      );
      await new Promise<void>((resolve) => connection.end(() => resolve()));
      assert.deepEqual(done, [null, null, null]);
    });
    assert.equal(await balance(), 103);
    await clean();
  });

  describe('a statement whose `timeout` passes', () => {
    const INSERT = { sql: 'INSERT INTO account (balance) VALUES (SLEEP(0.3))', timeout: 100 };
    const UPDATE = { sql: SLOW, timeout: 100 };

    for (const [kind, statement] of [
      ['INSERT', INSERT],
      ['UPDATE', UPDATE],
    ] as const) {
      for (const [mode, open] of [
        ['in autocommit', false],
        ['in a local transaction', true],
      ] as const) {
        it(`an ${kind} ${mode}: is told at once, and leaves nothing after the rollback`, async () => {
          const before = await world.first.dump();
          const undo = new Error('undo it');
          await assert.rejects(
            world.gtx.run(async () => {
              const connection = await pool.getConnection();
              try {
                if (open) await connection.beginTransaction();
                const started = performance.now();
                await assert.rejects(connection.query(statement), { code: 'PROTOCOL_SEQUENCE_TIMEOUT' });
                assert.ok(performance.now() - started < 290);
                if (open) await connection.commit().catch(() => {});
              } finally {
                connection.release();
              }
              throw undo;
            }),
            (error) => error === undo,
          );
          await clean();
          assert.equal(await rows(), rowsOf(before));
        });

        it(`an ${kind} ${mode}: what is committed locally afterwards is known, or refused`, async () => {
          const seen = await outcome(
            world.gtx.run(async () => {
              const connection = await pool.getConnection();
              try {
                if (open) await connection.beginTransaction();
                await assert.rejects(connection.query(statement), { code: 'PROTOCOL_SEQUENCE_TIMEOUT' });
                if (open) await connection.commit();
              } finally {
                connection.release();
              }
            }),
          );
          assert.match(seen, /kept|TRANSACTION_NOT_ACTIVE/);
          await clean();
        });
      }
    }

    function rowsOf(dump: string): string {
      return dump.replaceAll(/ AUTO_INCREMENT=\d+/g, '');
    }

    async function rows(): Promise<string> {
      return rowsOf(await world.first.dump());
    }
  });

  describe('an error', () => {
    it("has the caller's line in its stack, mysql2's own and ours", async () => {
      await outcome(
        world.gtx.run(async function askedHere() {
          const wrong = await pool.query('UPDATE nowhere SET id = 1').catch((error: Error) => error);
          const refused = await pool.query('TRUNCATE account').catch((error: Error) => error);
          const bound = await pool.execute('DELETE FROM nowhere').catch((error: Error) => error);
          const connection = await pool.getConnection();
          const begun = await connection
            .query('INSERT INTO account VALUES (1, 1)')
            .catch((error: Error) => error);
          connection.release();
          assert.ok(refused instanceof GlobalTxError);
          for (const error of [wrong, refused, bound, begun]) {
            assert.ok(error instanceof Error);
            assert.match(error.stack ?? '', /driver-outcomes\.test/, error.stack);
          }
        }),
      );
    });
  });
});
