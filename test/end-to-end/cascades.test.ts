import assert from 'node:assert/strict';
import { type GlobalTxError, withoutTransaction } from 'globaltx';
import { makeWorld, settled, type World } from './world.js';

describe('a deletion that foreign keys spread', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE customer (id INT PRIMARY KEY, name VARCHAR(20))',
        'CREATE TABLE orders (id INT PRIMARY KEY, customer INT, note VARCHAR(20), ' +
          'FOREIGN KEY fk_customer (customer) REFERENCES customer (id) ON DELETE CASCADE)',
        'CREATE TABLE line (house INT, id INT, order_id INT, PRIMARY KEY (house, id), ' +
          'FOREIGN KEY fk_order (order_id) REFERENCES orders (id) ON DELETE CASCADE)',
        'CREATE TABLE letter (id INT PRIMARY KEY, customer INT, changed TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ' +
          'ON UPDATE CURRENT_TIMESTAMP(6), FOREIGN KEY fk_writer (customer) REFERENCES customer (id) ON DELETE SET NULL)',
        'CREATE TABLE tree (id INT PRIMARY KEY, up INT, FOREIGN KEY fk_up (up) REFERENCES tree (id) ON DELETE CASCADE)',
        "INSERT INTO customer VALUES (1, 'ann'), (2, 'bob')",
        "INSERT INTO orders VALUES (10, 1, 'a'), (11, 1, 'b'), (12, 2, 'c')",
        'INSERT INTO line VALUES (1, 1, 10), (1, 2, 10), (1, 3, 11), (1, 4, 12)',
        'INSERT INTO letter (id, customer) VALUES (1, 1), (2, 2)',
        'INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, 2), (5, NULL)',
      ],
    });
  });

  after(() => world.close());

  for (const [name, sql] of [
    ['is undone with all that went along, to any depth', 'DELETE FROM customer WHERE id = 1'],
    ['is undone when it took everything', 'DELETE FROM customer'],
    ['is undone in a table that refers to itself', 'DELETE FROM tree WHERE id = 1'],
    ['is undone when it met rows that were deleted by themselves too', 'DELETE FROM tree'],
    ['is undone when it reached nothing', 'DELETE FROM tree WHERE id = 5'],
  ] as const) {
    it(name, async () => {
      const before = await world.first.dump();
      let deleted = '';
      await assert.rejects(
        world.gtx.run({ name }, async () => {
          await world.first.pool.query(sql);
          deleted = await world.first.dump();
          throw new Error('undo it');
        }),
        /undo it/,
      );
      assert.notEqual(deleted, before);
      assert.equal(await world.first.dump(), before);
      await settled(world);
    });
  }

  it('locks what it reaches', async () => {
    await assert.rejects(
      world.gtx.run({ name: 'delete' }, async () => {
        await world.first.pool.query('DELETE FROM customer WHERE id = 2');
        const other = await withoutTransaction(() =>
          world.gtx.run({ name: 'other', lockWait: 1000 }, () =>
            world.first.pool.query('INSERT INTO line VALUES (1, 4, NULL)'),
          ),
        ).catch((error: unknown) => error);
        assert.equal((other as GlobalTxError).code, 'LOCK_WAIT_TIMEOUT', String(other));
        throw new Error('undo it');
      }),
      /undo it/,
    );
    await settled(world);
  });
});
