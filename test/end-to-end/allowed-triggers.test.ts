import assert from 'node:assert/strict';
import { GlobalTxError, withoutTransaction } from 'globaltx';
import { createPool, type Pool } from 'globaltx/mysql2/promise';
import { makeWorld, settled, type World } from './world.js';

describe('a table whose triggers are allowed', () => {
  let world: World;
  let pool: Pool;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, code VARCHAR(10), v INT)',
        "INSERT INTO orders VALUES (1, 'A', 1), (2, 'B', 2)",
        'CREATE TRIGGER tidy_new BEFORE INSERT ON orders FOR EACH ROW SET NEW.code = UPPER(NEW.code)',
        'CREATE TRIGGER tidy BEFORE UPDATE ON orders FOR EACH ROW SET NEW.code = UPPER(NEW.code)',
        'CREATE TABLE tagged (id INT PRIMARY KEY, v INT, tag VARCHAR(10) UNIQUE)',
        "INSERT INTO tagged VALUES (1, 1, 't1')",
        "CREATE TRIGGER tag_it BEFORE UPDATE ON tagged FOR EACH ROW SET NEW.tag = CONCAT('t', NEW.v)",
        'CREATE TABLE others (id INT PRIMARY KEY, v INT)',
        'CREATE TRIGGER other_trigger BEFORE INSERT ON others FOR EACH ROW SET NEW.v = 1',
      ],
    });
    const { server, name } = world.first;
    pool = createPool({ ...server.options(name), allowTriggers: ['orders', 'tagged'] });
  });

  after(async () => {
    await pool.end();
    await world.close();
  });

  for (const sql of [
    "INSERT INTO orders (code, v) VALUES ('x', 5), ('y', 6)",
    "UPDATE orders SET code = 'q', v = v + 1",
    'DELETE FROM orders WHERE id = 1',
    "INSERT INTO orders VALUES (1, 'z', 9) ON DUPLICATE KEY UPDATE code = 'w'",
  ]) {
    it(`is written, its triggers fire, and all of it is undone: ${sql}`, async () => {
      const before = await world.first.dump();
      await assert.rejects(
        world.gtx.run({ name: 'triggers' }, async () => {
          await pool.query(sql);
          const [rows] = await pool.query('SELECT code FROM orders');
          assert.ok((rows as { code: string }[]).every(({ code }) => code === code.toUpperCase()));
          throw new Error('undo it');
        }),
        /undo it/,
      );
      await settled(world);
      const rows = (dump: string) => dump.replace(/AUTO_INCREMENT=\d+ ?/g, '');
      assert.equal(rows(await world.first.dump()), rows(before));
    });
  }

  it('keeps a unique value that a trigger has taken away from others until the end', async () => {
    const before = await world.first.dump();
    await assert.rejects(
      world.gtx.run({ name: 'tag' }, async () => {
        await pool.query('UPDATE tagged SET v = 2 WHERE id = 1');
        const other = withoutTransaction(() =>
          world.gtx.run({ name: 'thief', lockWait: 200 }, () =>
            pool.query("INSERT INTO tagged VALUES (2, 9, 't1')"),
          ),
        );
        await assert.rejects(other, { code: 'LOCK_WAIT_TIMEOUT' });
        throw new Error('undo it');
      }),
      /undo it/,
    );
    await settled(world);
    assert.equal(await world.first.dump(), before);
  });

  it('is so for that pool and that table alone', async () => {
    for (const [where, sql, trigger] of [
      [world.first.pool, 'UPDATE orders SET v = 3', /tidy/],
      [pool, 'INSERT INTO others VALUES (1, 2)', /other_trigger/],
    ] as const) {
      const error = await world.gtx
        .run({ name: 'refused' }, () => where.query(sql))
        .catch((thrown: unknown) => thrown);
      assert.ok(error instanceof GlobalTxError, String(error));
      assert.equal(error.code, 'TABLE_UNSUPPORTED');
      assert.match(error.construct ?? '', trigger);
    }
  });

  it('must be named as text', () => {
    assert.throws(
      () => createPool({ ...world.first.server.options(world.first.name), allowTriggers: [7] as never }),
      (error) => error instanceof GlobalTxError && error.code === 'INVALID_OPTION',
    );
  });
});
