import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { GlobalTxError } from 'globaltx';
import type { ConnectionOptions } from 'mysql2';
import { makeWorld, settled, type TestDatabase, type World } from '../end-to-end/world.js';
import { type Article, CREATE_NOTES, type OpenOrm, type Store } from './store.js';

/** What every database has before a test. */
const SEED = [
  'TRUNCATE TABLE articles',
  'TRUNCATE TABLE notes',
  `INSERT INTO notes (article_id, body, data, at) VALUES (1, 'to drink from', '{"a": [1, "x"]}', '2024-02-29 12:00:00.125'),
    (1, 'blue', NULL, NULL), (2, 'to pour from', '[]', NULL)`,
  "INSERT INTO articles (sku, name, qty, price) VALUES ('cup', 'Cup', 10, 4.50), ('jug', 'Jug', 3, 19.90)",
];

function article(sku: string, qty: number): Article {
  return { sku, name: `The ${sku}`, qty, price: '7.25' };
}

async function skus(store: Store): Promise<string[]> {
  const found: string[] = [];
  for await (const { sku } of store.all()) found.push(sku);
  return found;
}

/** Everything that an application does in one piece: bulk insert, upserts, a versioned update, savepoints. */
async function unitOfWork(store: Store): Promise<void> {
  await store.transaction(async (inside) => {
    await inside.insertMany([article('pan', 1), article('pot', 2), article('lid', 3)]);
    await inside.upsert({ sku: 'cup', name: "Cup, 'large'", qty: 11, price: '5.00' });
    await inside.upsert(article('tin', 5));
    assert.equal(await inside.setQty('jug', 2, 1), true);
    await inside.transaction((deeper) => deeper.remove('lid'));
    const refused = new Error('only this part');
    await assert.rejects(
      inside.transaction(async (deeper) => {
        await deeper.remove('jug');
        await deeper.insertMany([article('wok', 9)]);
        throw refused;
      }),
      (error) => error === refused,
    );
    assert.deepEqual(await skus(inside), ['cup', 'jug', 'pan', 'pot', 'tin']);
  });
  await store.remove('pan');
}

/**
 * The tests that every ORM passes, with its own means, on two servers.
 * @param further what else is done with it: each gives and leaves the same with and without a global transaction, and
 * nothing of it is left after a rollback
 */
export function behaves<Orm extends OpenOrm>(
  name: string,
  open: (options: ConnectionOptions) => Orm | Promise<Orm>,
  further: Readonly<Record<string, (orm: Orm) => Promise<unknown>>>,
): void {
  describe(name, () => {
    const undo = new Error('undo it');
    let world: World;
    let orms: readonly [Orm, Orm];
    let first: Store;
    let second: Store;

    async function rolledBack(work: () => Promise<unknown>): Promise<void> {
      const run = world.gtx.run({ name }, async () => {
        await work();
        throw undo;
      });
      await assert.rejects(run, (error) => error === undo);
    }

    function both<Result>(each: (database: TestDatabase) => Promise<Result>): Promise<[Result, Result]> {
      return Promise.all([each(world.first), each(world.second)]);
    }

    const dumps = () => both((database) => database.dump());
    const seed = () => both((database) => database.execute(SEED));

    before(async () => {
      world = await makeWorld({ tables: [CREATE_NOTES] });
      orms = await both(async ({ server, name: database }) => open(server.options(database)));
      for (const orm of orms) await orm.migrate();
      [first, second] = [orms[0].store, orms[1].store];
    });

    after(async () => {
      for (const orm of orms ?? []) await orm.close();
      await world?.close();
    });

    beforeEach(seed);

    it('commits a unit of work over two servers, and leaves what it leaves without a global transaction', async () => {
      await unitOfWork(first);
      await unitOfWork(second);
      const expected = await dumps();
      await seed();
      await world.gtx.run({ name }, async () => {
        await unitOfWork(first);
        await unitOfWork(second);
      });
      await settled(world);
      assert.deepEqual(await dumps(), expected);
    });

    it('rolls a unit of work over two servers back', async () => {
      const before = await dumps();
      await rolledBack(async () => {
        await unitOfWork(first);
        await unitOfWork(second);
        assert.deepEqual(await skus(first), ['cup', 'jug', 'pot', 'tin']);
      });
      await settled(world);
      assert.deepEqual(await dumps(), before);
    });

    it('rolls back both of two units of work that run at the same time', async () => {
      const before = await dumps();
      await rolledBack(() => Promise.all([unitOfWork(first), unitOfWork(second)]));
      await settled(world);
      assert.deepEqual(await dumps(), before);
    });

    it('commits without what its own transaction has rolled back', async () => {
      await world.gtx.run({ name }, async () => {
        await assert.rejects(
          first.transaction(async (inside) => {
            await inside.insertMany([article('pan', 1)]);
            throw undo;
          }),
          (error) => error === undo,
        );
        await second.insertMany([article('pot', 1)]);
      });
      assert.deepEqual(await skus(first), ['cup', 'jug']);
      assert.deepEqual(await skus(second), ['cup', 'jug', 'pot']);
    });

    it('takes a bulk insert of many rows, and takes it back', async () => {
      const many = Array.from({ length: 200 }, (_, index) => article(`n${index}`, index));
      const before = await dumps();
      await rolledBack(() => first.insertMany(many));
      await settled(world);
      assert.deepEqual(await dumps(), before);
      await world.gtx.run({ name }, () => first.insertMany(many));
      assert.equal((await skus(first)).length, 202);
    });

    it('reads a stream to its end inside a global transaction, while it writes elsewhere', async () => {
      await world.gtx.run({ name }, async () => {
        await first.insertMany([article('pan', 1), article('pot', 2)]);
        for await (const each of first.all()) await second.upsert({ ...each, qty: each.qty + 1 });
      });
      const [one, two] = [await skus(first), await skus(second)];
      assert.deepEqual(one, ['cup', 'jug', 'pan', 'pot']);
      assert.deepEqual(two, one);
    });

    it('tells by the version that someone else was first, and writes nothing then', async () => {
      await world.gtx.run({ name }, async () => {
        assert.equal(await first.setQty('cup', 9, 1), true);
        assert.equal(await first.setQty('cup', 8, 1), false);
        assert.equal(await first.setQty('cup', 7, 2), true);
      });
      const before = await dumps();
      await rolledBack(async () => {
        assert.equal(await first.setQty('cup', 1, 2), false);
        assert.equal(await first.setQty('cup', 1, 3), true);
      });
      await settled(world);
      assert.deepEqual(await dumps(), before);
    });

    it('lets a statement fail, and its own transaction with it, without harm to the rest', async () => {
      await world.gtx.run({ name }, async () => {
        await second.insertMany([article('pan', 1)]);
        await assert.rejects(
          first.transaction(async (inside) => {
            await inside.insertMany([article('pot', 1)]);
            await inside.insertMany([article('cup', 1)]);
          }),
          (error) => (orms[0].driverError(error) as { code: unknown }).code === 'ER_DUP_ENTRY',
        );
      });
      assert.deepEqual(await skus(first), ['cup', 'jug']);
      assert.deepEqual(await skus(second), ['cup', 'jug', 'pan']);
    });

    it('hands on that the global transaction has timed out under its own, and serves the next one', async () => {
      const before = await dumps();
      const late = world.gtx.run({ name, timeout: 200 }, async () => {
        await second.upsert(article('pot', 1));
        await first.transaction(async (inside) => {
          await inside.upsert(article('pot', 1));
          await delay(500);
        });
      });
      await assert.rejects(late, (error) => {
        assert.equal((orms[0].driverError(error) as GlobalTxError).code, 'TIMED_OUT');
        return true;
      });
      await settled(world);
      assert.deepEqual(await dumps(), before);
      await world.gtx.run({ name }, () => first.transaction((inside) => inside.upsert(article('pot', 2))));
      assert.deepEqual(await skus(first), ['cup', 'jug', 'pot']);
    });

    it('serves the next global transactions on the connections that a rollback has used', async () => {
      for (let round = 0; round < 5; round++) {
        await rolledBack(() => first.transaction((inside) => inside.upsert(article('pan', round))));
        await world.gtx.run({ name }, () =>
          first.transaction((inside) => inside.upsert(article('pot', round))),
        );
      }
      assert.deepEqual(await skus(first), ['cup', 'jug', 'pot']);
    });

    for (const [what, work] of Object.entries(further)) {
      it(`${what}, the same as without a global transaction, and takes it back`, async () => {
        const before = await dumps();
        await rolledBack(() => work(orms[0]));
        await settled(world);
        assert.deepEqual(await dumps(), before);
        await seed();
        const expected = await work(orms[0]);
        const left = await dumps();
        await seed();
        const given = await world.gtx.run({ name }, () => work(orms[0]));
        await settled(world);
        assert.deepEqual(await dumps(), left);
        assert.deepEqual(given, expected);
      });
    }

    it('is kept from migrating inside a global transaction', async () => {
      const fresh = await world.first.server.createDatabase();
      const orm = await open(world.first.server.options(fresh));
      try {
        await assert.rejects(
          world.gtx.run({ name }, () => orm.migrate()),
          (error) => (orm.driverError(error) as GlobalTxError).code === 'STATEMENT_UNSUPPORTED',
        );
      } finally {
        await orm.close();
      }
    });
  });
}
