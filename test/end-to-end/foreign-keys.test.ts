import assert from 'node:assert/strict';
import { GlobalTxError, withoutTransaction } from 'globaltx';
import { makeWorld, settled, type World } from './world.js';

describe('a foreign key between the rows of two global transactions', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE customer (id INT PRIMARY KEY, name VARCHAR(20) COLLATE utf8mb4_general_ci UNIQUE)',
        'CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer INT, by_name VARCHAR(20) COLLATE utf8mb4_general_ci, ' +
          'FOREIGN KEY (customer) REFERENCES customer (id), FOREIGN KEY (by_name) REFERENCES customer (name))',
        "INSERT INTO customer VALUES (1, 'ann'), (2, 'bob')",
      ],
    });
  });

  after(() => world.close());

  it('keeps a child away from a parent that may yet vanish', async () => {
    const before = await world.first.dump();
    let parentIsIn: () => void = () => {};
    const parentWritten = new Promise<void>((resolve) => {
      parentIsIn = resolve;
    });
    const parent = world.gtx
      .run({ name: 'parent' }, async () => {
        await world.first.pool.query("INSERT INTO customer VALUES (3, 'zoe')");
        parentIsIn();
        await new Promise((resolve) => setTimeout(resolve, 300));
        throw new Error('no customer after all');
      })
      .catch((error: Error) => error.message);
    await parentWritten;
    const child = await world.gtx
      .run({ name: 'child', lockWait: 3_000 }, () =>
        world.first.pool.query("INSERT INTO orders (customer, by_name) VALUES (1, 'ZOE')"),
      )
      .catch((error: unknown) => error);
    assert.equal(await parent, 'no customer after all');
    assert.equal((child as { code?: string }).code, 'ER_NO_REFERENCED_ROW_2', String(child));
    await settled(world);
    assert.equal(
      (await world.first.dump()).replace(/ AUTO_INCREMENT=\d+/g, ''),
      before.replace(/ AUTO_INCREMENT=\d+/g, ''),
    );
  });

  it('lets children of one parent be written side by side', async () => {
    await Promise.all(
      Array.from({ length: 4 }, () =>
        world.gtx.run({ name: 'child', lockWait: 0 }, async () => {
          await world.first.pool.query("INSERT INTO orders (customer, by_name) VALUES (2, 'bob')");
          await new Promise((resolve) => setTimeout(resolve, 100));
        }),
      ),
    );
    await settled(world);
  });

  it('keeps a parent in place while its children are undecided', async () => {
    const result = await world.gtx.run({ name: 'child' }, async () => {
      await world.first.pool.query('INSERT INTO orders (customer) VALUES (1)');
      return withoutTransaction(() =>
        world.gtx.run({ name: 'parent', lockWait: 50 }, () =>
          world.first.pool.query("UPDATE customer SET name = 'anna' WHERE id = 1"),
        ),
      ).catch((error: unknown) => error);
    });
    assert.ok(result instanceof GlobalTxError, String(result));
    assert.equal(result.code, 'LOCK_WAIT_TIMEOUT');
    await settled(world);
  });
});
