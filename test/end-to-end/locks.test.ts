import assert from 'node:assert/strict';
import { GlobalTxError } from 'globaltx';
import { makeWorld, settled, type World } from './world.js';

/** A point that one transaction reaches and another waits for. */
function signal(): { readonly reached: Promise<void>; reach(): void } {
  let reach: () => void = () => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return { reached, reach };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('two global transactions that want one row', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE account (id INT PRIMARY KEY, email VARCHAR(40) UNIQUE, balance INT NOT NULL)',
        "INSERT INTO account VALUES (1, 'a', 100), (2, 'b', 100), (3, 'c', 100), (4, 'd', 100)",
      ],
    });
  });

  after(() => world.close());

  async function balance(id: number): Promise<number> {
    const [rows] = await world.first.pool.query('SELECT balance FROM account WHERE id = ?', [id]);
    return (rows as { balance: number }[])[0]!.balance;
  }

  it('the second waits until the first has committed', async () => {
    const written = signal();
    const order: string[] = [];
    const first = world.gtx.run({ name: 'first' }, async () => {
      await world.first.pool.query('UPDATE account SET balance = balance - 10 WHERE id = 1');
      written.reach();
      await pause(300);
      order.push('first ends');
    });
    await written.reached;
    await world.gtx.run({ name: 'second', lockWait: 5_000 }, async () => {
      await world.first.pool.query('UPDATE account SET balance = balance - 5 WHERE id = 1');
      order.push('second has written');
    });
    await first;
    assert.deepEqual(order, ['first ends', 'second has written']);
    assert.equal(await balance(1), 85);
    await settled(world);
  });

  it('the second is refused when its patience ends, and nothing of it stays', async () => {
    const written = signal();
    const go = signal();
    const first = world.gtx.run({ name: 'first' }, async () => {
      await world.first.pool.query('UPDATE account SET balance = 50 WHERE id = 2');
      written.reach();
      await go.reached;
    });
    await written.reached;
    const error = await world.gtx
      .run({ name: 'second', lockWait: 100 }, () =>
        world.first.pool.query('UPDATE account SET balance = 60 WHERE id = 2'),
      )
      .catch((thrown: unknown) => thrown);
    go.reach();
    await first;
    assert.ok(error instanceof GlobalTxError, String(error));
    assert.equal(error.code, 'LOCK_WAIT_TIMEOUT');
    assert.equal(await balance(2), 50);
    await settled(world);
  });

  it('the second lets the first roll back, and then writes on what was restored', async () => {
    const written = signal();
    const first = world.gtx
      .run({ name: 'first' }, async () => {
        await world.first.pool.query('UPDATE account SET balance = balance + 1000 WHERE id = 3');
        written.reach();
        await pause(300);
        throw new Error('first fails');
      })
      .catch((error: Error) => error.message);
    await written.reached;
    await world.gtx.run({ name: 'second', lockWait: 5_000 }, () =>
      world.first.pool.query('UPDATE account SET balance = balance + 1 WHERE id = 3'),
    );
    assert.equal(await first, 'first fails');
    assert.equal(await balance(3), 101);
    await settled(world);
  });

  it('a locking read waits for the writer, and sees what is globally committed', async () => {
    const written = signal();
    const first = world.gtx
      .run({ name: 'writer' }, async () => {
        await world.first.pool.query('UPDATE account SET balance = 0 WHERE id = 4');
        written.reach();
        await pause(300);
        throw new Error('writer fails');
      })
      .catch((error: Error) => error.message);
    await written.reached;
    const rows = await world.gtx.run({ name: 'reader', lockWait: 5_000 }, async () => {
      const [read] = await world.first.pool.query('SELECT balance FROM account WHERE id = 4 FOR UPDATE');
      return read;
    });
    assert.deepEqual(JSON.parse(JSON.stringify(rows)), [{ balance: 100 }]);
    assert.equal(await first, 'writer fails');
  });

  it('a unique value that an undecided transaction has freed cannot be taken', async () => {
    const written = signal();
    const first = world.gtx
      .run({ name: 'frees' }, async () => {
        await world.first.pool.query("UPDATE account SET email = 'elsewhere' WHERE id = 1");
        written.reach();
        await pause(300);
        throw new Error('gives it back');
      })
      .catch((error: Error) => error.message);
    await written.reached;
    const error = await world.gtx
      .run({ name: 'takes', lockWait: 5_000 }, () =>
        world.first.pool.query("INSERT INTO account VALUES (9, 'a', 1)"),
      )
      .catch((thrown: unknown) => thrown);
    assert.equal(await first, 'gives it back');
    assert.equal((error as { code?: string }).code, 'ER_DUP_ENTRY', String(error));
    await settled(world);
  });

  it('rows taken in opposite order: one is ended at once, the other commits', async () => {
    const transfer = (from: number, to: number, ready: () => void, other: Promise<void>) =>
      world.gtx.run({ name: 'transfer', lockWait: 10_000 }, async () => {
        await world.first.pool.query('UPDATE account SET balance = balance - 1 WHERE id = ?', [from]);
        ready();
        await other;
        await world.first.pool.query('UPDATE account SET balance = balance + 1 WHERE id = ?', [to]);
      });
    const one = signal();
    const two = signal();
    const started = performance.now();
    const results = await Promise.allSettled([
      transfer(1, 2, one.reach, two.reached),
      transfer(2, 1, two.reach, one.reached),
    ]);
    const failed = results.filter((result) => result.status === 'rejected');
    assert.equal(failed.length, 1, JSON.stringify(results));
    assert.ok(['DEADLOCK', 'LOCK_CONFLICT'].includes((failed[0]!.reason as GlobalTxError).code));
    assert.ok(performance.now() - started < 5_000);
    await settled(world);
  });
});
