import assert from 'node:assert/strict';
import { currentTransaction, GlobalTxError, rollbackReport } from 'globaltx';
import { eventually, makeWorld, settled, type World } from './world.js';

describe('when something breaks in the middle of a global transaction', () => {
  let world: World;

  beforeEach(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE account (id INT PRIMARY KEY, balance INT NOT NULL)',
        'INSERT INTO account VALUES (1, 100), (2, 100)',
      ],
    });
  });

  afterEach(() => world.close());

  const dumps = () => Promise.all([world.first.dump(), world.second.dump()]);

  async function transfer(amount: number): Promise<void> {
    await world.first.pool.query(`UPDATE account SET balance = balance - ${amount} WHERE id = 1`);
    await world.second.pool.query(`UPDATE account SET balance = balance + ${amount} WHERE id = 1`);
  }

  it('a coordinator killed between phase one and the commit finds its branches again', async () => {
    await world.gtx.run({ name: 'transfer' }, async () => {
      await transfer(10);
      await world.coordinator.kill('SIGKILL');
      await world.coordinator.restart();
    });
    const [rows] = await world.second.pool.query('SELECT balance FROM account WHERE id = 1');
    assert.deepEqual(JSON.parse(JSON.stringify(rows)), [{ balance: 110 }]);
    await settled(world);
  });

  it('a coordinator killed between phase one and the rollback finds its branches again', async () => {
    const before = await dumps();
    await assert.rejects(
      world.gtx.run({ name: 'transfer' }, async () => {
        await transfer(10);
        await world.coordinator.kill('SIGKILL');
        setTimeout(() => void world.coordinator.restart(), 300);
        throw new Error('undo it');
      }),
      /undo it/,
    );
    await eventually(
      'the rollback is done',
      async () => JSON.stringify(await dumps()) === JSON.stringify(before),
    );
    await settled(world);
  });

  it('a coordinator killed between the decision and phase two carries phase two out after its restart', async () => {
    await world.coordinator.restart({ env: { GLOBALTX_FAILPOINTS: 'before-phase-two-sent=crash' } });
    const before = await dumps();
    const error = await world.gtx
      .run({ name: 'transfer' }, async () => {
        await transfer(10);
        setTimeout(() => void world.coordinator.restart({ env: { GLOBALTX_FAILPOINTS: '' } }), 1_500);
        throw new Error('undo it');
      })
      .catch((thrown: unknown) => thrown);
    assert.match(String(error), /undo it/);
    await eventually(
      'the rollback is done',
      async () => JSON.stringify(await dumps()) === JSON.stringify(before),
    );
    await settled(world);
  });

  it('a row that someone changed behind the lock is not overwritten, and the transaction waits for a person', async () => {
    const error = await world.gtx
      .run({ name: 'dirty' }, async () => {
        await transfer(10);
        await world.first.execute('UPDATE account SET balance = 12345 WHERE id = 1');
        throw new Error('undo it');
      })
      .catch((thrown: unknown) => thrown);
    assert.match(String(error), /undo it/);
    const report = rollbackReport(error);
    assert.equal(report?.status, 'NEEDS_ATTENTION');
    const [rows] = await world.first.pool.query('SELECT balance FROM account WHERE id = 1');
    assert.deepEqual(JSON.parse(JSON.stringify(rows)), [{ balance: 12345 }]);
    // The other database is restored; the images of the dirty one are kept.
    const [others] = await world.second.pool.query('SELECT balance FROM account WHERE id = 1');
    assert.deepEqual(JSON.parse(JSON.stringify(others)), [{ balance: 100 }]);
    assert.equal(await world.first.undoLogRows(), 1);
    // Its locks are kept: nobody builds upon the row before a person has decided.
    const next = await world.gtx
      .run({ name: 'next', lockWait: 200 }, () =>
        world.first.pool.query('UPDATE account SET balance = balance + 1 WHERE id = 1'),
      )
      .catch((thrown: unknown) => thrown);
    assert.ok(next instanceof GlobalTxError, String(next));
    assert.ok(['LOCK_CONFLICT', 'LOCK_WAIT_TIMEOUT'].includes(next.code), next.code);
  });

  it('a committed branch whose undo record was taken away is not called rolled back: it waits for a person', async () => {
    const error = await world.gtx
      .run({ name: 'truncated' }, async () => {
        await transfer(10);
        await world.first.execute('DELETE FROM undo_log');
        throw new Error('undo it');
      })
      .catch((thrown: unknown) => thrown);
    const report = rollbackReport(error);
    assert.equal(report?.status, 'NEEDS_ATTENTION');
    assert.equal(report.unfinishedBranches, 1);
    assert.match(world.coordinator.log, /UNDO_RECORD_MISSING/);
    const [rows] = await world.second.pool.query('SELECT balance FROM account WHERE id = 1');
    assert.deepEqual(JSON.parse(JSON.stringify(rows)), [{ balance: 100 }]);
  });

  it('a transaction that takes longer than its timeout is rolled back, and its commit says so', async () => {
    const before = await dumps();
    const error = await world.gtx
      .run({ name: 'slow', timeout: 300 }, async () => {
        await transfer(10);
        await eventually(
          'the coordinator has rolled back',
          async () => (await world.first.dump()) === before[0],
        );
      })
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof GlobalTxError, String(error));
    assert.equal(error.code, 'TIMED_OUT');
    assert.deepEqual(await dumps(), before);
    await settled(world);
  });

  it('a local commit that comes after the time-out leaves no trace', async () => {
    const before = await dumps();
    const connection = await world.first.pool.getConnection();
    const error = await world.gtx
      .run({ name: 'late', timeout: 300 }, async () => {
        await connection.beginTransaction();
        await connection.query('UPDATE account SET balance = 1 WHERE id = 1');
        await world.second.pool.query('UPDATE account SET balance = 1 WHERE id = 1');
        await eventually(
          'the coordinator has rolled back',
          async () => (await world.second.dump()) === before[1],
        );
        await connection.commit();
      })
      .catch((thrown: unknown) => thrown)
      .finally(() => connection.release());
    assert.ok(error instanceof GlobalTxError, String(error));
    assert.ok(['TIMED_OUT', 'TRANSACTION_NOT_ACTIVE', 'ROLLED_BACK'].includes(error.code), error.code);
    assert.deepEqual(await dumps(), before);
    await settled(world);
  });

  it('a function that only reads needs no coordinator', async () => {
    await world.coordinator.kill('SIGKILL');
    const rows = await world.gtx.run({ name: 'reads' }, async () => {
      assert.ok(currentTransaction()?.xid);
      const [read] = await world.first.pool.query('SELECT COUNT(*) AS n FROM account');
      return read;
    });
    assert.deepEqual(JSON.parse(JSON.stringify(rows)), [{ n: 2 }]);
    await world.coordinator.restart();
  });
});
