import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { bind, currentTransaction, GlobalTxError, withoutTransaction } from 'globaltx';
import { createConnection as createPlainConnection } from 'mysql2/promise';
import { eventually, makeWorld, settled, type TestDatabase, type World } from './world.js';

const TABLES = [
  'CREATE TABLE t (id INT PRIMARY KEY, k INT)',
  'INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)',
  'CREATE TABLE audit (id INT AUTO_INCREMENT PRIMARY KEY, said VARCHAR(50))',
];

describe('what a function says of its transaction', () => {
  let world: World;
  let untouched: readonly [string, string];

  const dumps = async () => [await world.first.dump(), await world.second.dump()] as const;
  const add = (database: TestDatabase, id: number) =>
    database.pool.execute('UPDATE t SET k = k + 1 WHERE id = ?', [id]);
  const audit = (said: string) => world.first.pool.execute('INSERT INTO audit (said) VALUES (?)', [said]);

  async function said(): Promise<string[]> {
    const [rows] = await world.first.pool.query('SELECT said FROM audit ORDER BY id');
    return (rows as { said: string }[]).map((row) => row.said);
  }

  /** A session that knows nothing of global transactions, for the time of the work. */
  async function beside<Result>(
    statements: readonly string[],
    work: (release: () => Promise<void>) => Promise<Result>,
  ): Promise<Result> {
    const session = await createPlainConnection(world.first.server.options(world.first.name));
    try {
      for (const statement of statements) await session.query(statement);
      return await work(() => session.end());
    } finally {
      await session.end().catch(() => session.destroy());
    }
  }

  const failed = (error: unknown) => (error instanceof GlobalTxError ? error.code : String(error));

  before(async () => {
    world = await makeWorld({ tables: TABLES });
    // The undo logs are there from now on.
    await world.gtx.run(() => Promise.all([add(world.first, 3), add(world.second, 3)]));
    await settled(world);
  });

  after(() => world.close());

  beforeEach(async () => {
    await world.first.execute(['DELETE FROM audit']);
    untouched = await dumps();
  });

  it('REQUIRES_NEW keeps its writes when the transaction around it is rolled back', async () => {
    const run = world.gtx.run(async () => {
      await add(world.first, 1);
      await add(world.second, 1);
      await world.gtx.run({ propagation: 'REQUIRES_NEW' }, () => audit('tried'));
      throw new Error('no money');
    });
    await assert.rejects(run, { message: 'no money' });
    await settled(world);
    assert.deepEqual(await said(), ['tried']);
    await world.first.execute(['DELETE FROM audit']);
    assert.equal((await dumps())[1], untouched[1]);
  });

  it('REQUIRES_NEW is rolled back without the transaction around it', async () => {
    await world.gtx.run(async () => {
      await audit('outer');
      const inner = world.gtx.run({ propagation: 'REQUIRES_NEW' }, async () => {
        await add(world.second, 1);
        throw new Error('x');
      });
      await assert.rejects(inner, { message: 'x' });
    });
    await settled(world);
    assert.deepEqual(await said(), ['outer']);
    assert.equal((await dumps())[1], untouched[1]);
  });

  it('REQUIRES_NEW cannot write a row of the transaction that it suspends, and does not wait for ever', async () => {
    const run = world.gtx.run(async () => {
      await add(world.first, 1);
      await world.gtx.run({ propagation: 'REQUIRES_NEW', lockWait: 100 }, () => add(world.first, 1));
    });
    await assert.rejects(run, { code: 'LOCK_WAIT_TIMEOUT' });
    await settled(world);
    assert.deepEqual(await dumps(), untouched);
  });

  it('REQUIRES_NEW is refused the connection of a local transaction that the suspended one has open', async () => {
    const connection = await world.first.pool.getConnection();
    try {
      const run = world.gtx.run(async () => {
        await connection.beginTransaction();
        await connection.execute('UPDATE t SET k = 9 WHERE id = 1');
        const inner = world.gtx.run({ propagation: 'REQUIRES_NEW' }, () =>
          connection.execute('UPDATE t SET k = 9 WHERE id = 2'),
        );
        await assert.rejects(inner, { code: 'LOCAL_TRANSACTION_FOREIGN' });
        await connection.commit();
        throw new Error('x');
      });
      await assert.rejects(run, { message: 'x' });
    } finally {
      connection.release();
    }
    await settled(world);
    assert.deepEqual(await dumps(), untouched);
  });

  it('NOT_SUPPORTED writes as plain mysql2 does, and keeps it', async () => {
    const run = world.gtx.run(async () => {
      await add(world.second, 1);
      await world.gtx.run({ propagation: 'NOT_SUPPORTED' }, () => audit('plain'));
      throw new Error('x');
    });
    await assert.rejects(run, { message: 'x' });
    await settled(world);
    assert.deepEqual(await said(), ['plain']);
  });

  it('noRollbackFor keeps the writes, and the caller gets the error', async () => {
    class Refused extends Error {}
    const run = world.gtx.run({ noRollbackFor: Refused }, async () => {
      await audit('refused');
      throw new Refused('too late');
    });
    await assert.rejects(run, Refused);
    assert.deepEqual(await said(), ['refused']);
  });

  it('beforeCommit writes in the transaction, and what it throws takes everything back', async () => {
    await world.gtx.run({ hooks: { beforeCommit: async () => void (await audit('at the end')) } }, () =>
      audit('work'),
    );
    assert.deepEqual(await said(), ['work', 'at the end']);
    const hooks = { beforeCommit: () => Promise.reject(new Error('not so')) };
    await assert.rejects(
      world.gtx.run({ hooks }, () => add(world.second, 1)),
      { message: 'not so' },
    );
    await settled(world);
    assert.equal((await dumps())[1], untouched[1]);
  });

  it('afterCommit sees what others see', async () => {
    let seen: string[] = [];
    await world.gtx.run(async () => {
      await audit('work');
      currentTransaction()?.addHooks({
        afterCommit: async () => {
          assert.equal(currentTransaction(), undefined);
          seen = await said();
        },
      });
    });
    assert.deepEqual(seen, ['work']);
  });

  it('a signal that is aborted waits for the statement in flight, whose local transaction is rolled back', async () => {
    const reason = new Error('the client went away');
    const controller = new AbortController();
    await beside(['START TRANSACTION', 'UPDATE t SET k = 5 WHERE id = 1'], async (release) => {
      let statement: Promise<unknown> = Promise.resolve();
      let over = false;
      const run = world.gtx.run({ signal: controller.signal }, async () => {
        await add(world.second, 1);
        statement = add(world.first, 1).finally(() => {
          over = true;
        });
        statement.catch(() => {});
        setTimeout(() => controller.abort(reason), 100);
        await statement;
      });
      const told = run.catch((error: unknown) => [error, over]);
      await delay(300);
      assert.equal(over, false);
      await release();
      assert.deepEqual(await told, [reason, true]);
      await assert.rejects(statement, { code: 'TRANSACTION_NOT_ACTIVE' });
    });
    await settled(world);
    assert.deepEqual(await dumps(), untouched);
  });

  it('of parallel branches none commits locally once one has failed, and a local commit under way is taken back', async () => {
    const codes: string[] = [];
    const watched = (work: Promise<unknown>) =>
      work.catch((error: unknown) => {
        codes.push(failed(error));
        throw error;
      });
    // One waits for a row; one, whose COMMIT is on its way behind it, for the table of its undo log.
    await beside(['START TRANSACTION', 'UPDATE t SET k = 5 WHERE id = 2'], (releaseRow) =>
      beside(['LOCK TABLES undo_log WRITE'], async (releaseLog) => {
        const run = world.gtx.run(() =>
          Promise.all([
            add(world.second, 1),
            watched(add(world.first, 1)),
            watched(add(world.first, 2)),
            delay(300).then(() => Promise.reject(new Error('one of them'))),
          ]),
        );
        const told = run.catch((error: unknown) => (error as Error).message);
        await delay(400);
        assert.deepEqual(codes, []);
        await releaseLog();
        await releaseRow();
        assert.equal(await told, 'one of them');
        assert.deepEqual(codes, ['TRANSACTION_NOT_ACTIVE']);
        assert.equal(await world.first.undoLogRows(), 0);
      }),
    );
    await settled(world);
    assert.deepEqual(await dumps(), untouched);
  });

  it('a mark that a participant makes binds, though the caller does not look at its answer', async () => {
    const run = world.gtx.run(async () => {
      await add(world.first, 1);
      const { xid } = currentTransaction() ?? assert.fail('there is no transaction');
      await withoutTransaction(() =>
        world.gtx.join(xid, async () => {
          await add(world.second, 1);
          currentTransaction()?.setRollbackOnly('no stock');
        }),
      ).catch(() => 'overlooked');
    });
    await assert.rejects(run, { code: 'ROLLBACK_ONLY', message: /no stock/ });
    await settled(world);
    assert.deepEqual(await dumps(), untouched);
  });

  it('the coordinator says what became of a transaction, by its xid', async () => {
    let xid = '';
    await world.gtx.run(async () => {
      await audit('work');
      xid = currentTransaction()?.xid ?? '';
      assert.equal((await world.gtx.stateOf(xid)).status, 'ACTIVE');
      await assert.rejects(world.gtx.stateOf('no xid'), { code: 'INVALID_XID' });
    });
    assert.match((await world.gtx.stateOf(xid)).status, /^(COMMITTING|COMMITTED|NOT_FOUND)$/);
    assert.equal((await world.gtx.stateOf('never-heard-of')).status, 'NOT_FOUND');
  });

  it('callbacks that a pool of workers runs write where they were bound', async () => {
    const jobs: (() => Promise<unknown>)[] = [];
    let stopped = false;
    const worker = (async () => {
      while (!stopped) {
        await jobs.shift()?.();
        await delay(1);
      }
    })();
    const hand = (job: () => Promise<unknown>) =>
      new Promise((resolve, reject) => jobs.push(() => job().then(resolve, reject)));
    const run = world.gtx.run(async () => {
      await hand(bind(() => audit('bound')));
      await hand(() => audit('not bound'));
      throw new Error('x');
    });
    await assert.rejects(run, { message: 'x' });
    stopped = true;
    await worker;
    await settled(world);
    assert.deepEqual(await said(), ['not bound']);
  });

  it('a connection that a transaction has opened is nobody else’s', async () => {
    await world.gtx.run(async () => {
      await Promise.all(Array.from({ length: 10 }, () => world.first.pool.query('SELECT 1')));
      await audit('inside');
    });
    await settled(world);
    await Promise.all(Array.from({ length: 10 }, (_, index) => audit(`outside ${index}`)));
    assert.equal(await world.first.undoLogRows(), 0);
    assert.equal((await said()).length, 11);
  });

  it('a job that was started inside and outlives it is refused; one started without the transaction is not', async () => {
    let inside: Promise<unknown> = Promise.resolve();
    let outside: Promise<unknown> = Promise.resolve();
    await world.gtx.run(async () => {
      await add(world.second, 3);
      inside = delay(50).then(() => audit('inside'));
      inside.catch(() => {});
      outside = withoutTransaction(() => delay(50).then(() => audit('outside')));
    });
    await assert.rejects(inside, { code: 'TRANSACTION_NOT_ACTIVE' });
    await outside;
    await eventually('the job has written', async () => (await said()).length === 1);
    assert.deepEqual(await said(), ['outside']);
  });
});
