import assert from 'node:assert/strict';
import { GlobalTxError, withoutTransaction } from 'globaltx';
import type { PoolConnection } from 'globaltx/mysql2/promise';
import { makeWorld, settled, type World } from './world.js';

const TIMES = 6;

describe('a condition that changes by itself', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE goods (id INT PRIMARY KEY, sku VARCHAR(20), v INT)',
        "INSERT INTO goods VALUES (1, 'nut', 1), (2, 'bolt', 2), (3, 'gear', 3), (4, 'cog', 4), (5, 'cog', 5)",
        'CREATE TABLE prices (sku VARCHAR(20) PRIMARY KEY, price INT)',
        "INSERT INTO prices VALUES ('nut', 1), ('bolt', 2), ('gear', 3), ('cog', 4)",
      ],
    });
  });

  after(() => world.close());

  for (const sql of [
    'UPDATE goods g JOIN prices p ON p.sku = g.sku SET g.v = g.v + p.price WHERE RAND() < 0.5',
    'UPDATE goods g LEFT JOIN prices p ON p.sku = g.sku AND p.price > 2 SET g.v = 9, p.price = p.price + 1 WHERE RAND() < 0.5',
    'UPDATE goods, prices SET v = 0 WHERE goods.sku = prices.sku AND MICROSECOND(NOW(6)) % 2 = id % 2',
    'UPDATE goods g JOIN prices p USING (sku) SET v = 7 WHERE @limit > p.price',
    'UPDATE goods g JOIN prices p USING (sku) SET v = 8 WHERE g.id IN (SELECT id FROM (SELECT 2 AS id, RAND() AS r) d WHERE r < 0.7)',
    'DELETE g FROM goods g JOIN prices p ON p.sku = g.sku WHERE RAND() < 0.5',
    'DELETE g, p FROM goods g LEFT JOIN prices p ON p.sku = g.sku WHERE RAND() * p.price < 1',
    'UPDATE goods SET v = v + 1 WHERE RAND() < 0.5 ORDER BY RAND() LIMIT 2',
  ]) {
    for (const isolation of ['REPEATABLE READ', 'READ COMMITTED']) {
      it(`chooses its rows once, and they are undone: ${sql} (${isolation})`, async () => {
        const before = await world.first.dump();
        for (let time = 0; time < TIMES; time += 1) {
          await assert.rejects(
            world.gtx.run({ name: 'changing' }, async () => {
              const connection = await world.first.pool.getConnection();
              try {
                await connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
                await connection.query('SET @limit = 3');
                await connection.query(sql);
              } finally {
                await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
                connection.release();
              }
              throw new Error('undo it');
            }),
            /undo it/,
          );
          assert.equal(await world.first.dump(), before);
        }
        await settled(world);
      });
    }
  }

  it('inserts the row that was read, or says why that one cannot be: INSERT ... SELECT ... ORDER BY RAND() LIMIT 1', async () => {
    await world.first.execute([
      'CREATE TABLE drawn (id INT PRIMARY KEY, note VARCHAR(9))',
      "INSERT INTO drawn VALUES (1, 'a'), (2, NULL), (3, NULL), (4, 'd')",
      'CREATE TABLE kept (id INT PRIMARY KEY, note VARCHAR(9) NOT NULL)',
    ]);
    const before = await world.first.dump();
    const ends = new Set<string>();
    for (let time = 0; time < 4 * TIMES; time += 1) {
      await world.gtx
        .run(async () => {
          await world.first.pool.query('INSERT INTO kept SELECT id, note FROM drawn ORDER BY RAND() LIMIT 1');
          throw Object.assign(new Error('undo it'), { code: 'UNDO' });
        })
        .catch(({ code }: { code: string }) => ends.add(code));
      assert.equal(await world.first.dump(), before);
    }
    assert.deepEqual([...ends].sort(), ['ER_BAD_NULL_ERROR', 'UNDO']);
    await world.first.execute('DROP TABLE drawn, kept');
  });

  for (const [what, sql] of [
    ['the key', 'INSERT INTO kept SELECT number, id FROM drawn ORDER BY RAND() LIMIT 1'],
    [
      'a division by zero',
      'INSERT INTO kept SELECT id, 1 DIV (id % 2) FROM drawn WHERE RAND() < 0.5 LIMIT 1',
    ],
    ['a zero date', 'INSERT INTO dated SELECT id, day FROM drawn WHERE RAND() < 0.5 LIMIT 1'],
  ] as const) {
    it(`inserts the row that was read, or nothing, where another one would be an error: ${what}`, async () => {
      await world.first.execute([
        "SET SESSION sql_mode = ''",
        'CREATE TABLE drawn (id INT PRIMARY KEY, number INT, day DATE)',
        "INSERT INTO drawn VALUES (1, 1, '2020-02-03'), (2, NULL, '0000-00-00'), (3, 3, '2020-02-03'), (4, NULL, '0000-00-00')",
        'CREATE TABLE kept (id INT PRIMARY KEY, v INT)',
        'CREATE TABLE dated (id INT PRIMARY KEY, day DATE)',
      ]);
      const before = await world.first.dump();
      const ends = new Set<string>();
      for (let time = 0; time < 4 * TIMES; time += 1) {
        await world.gtx
          .run(async () => {
            const connection = await world.first.pool.getConnection();
            try {
              await connection.query(
                "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'",
              );
              await connection.query(sql);
            } finally {
              await connection.query('SET SESSION sql_mode = DEFAULT');
              connection.release();
            }
            throw Object.assign(new Error('undo it'), { code: 'UNDO' });
          })
          .catch(({ code }: { code: string }) => ends.add(code));
        assert.equal(await world.first.dump(), before);
      }
      assert.ok(ends.has('UNDO') && ends.size > 1 && !ends.has('IMAGE_MISMATCH'), [...ends].join());
      await world.first.execute('DROP TABLE drawn, kept, dated');
    });
  }

  for (const [name, sql] of [
    ['in a join', 'UPDATE goods g JOIN prices p ON p.sku = g.sku AND RAND() < 0.5 SET g.v = 1'],
    ['in a subquery of a join', 'DELETE g FROM goods g JOIN (SELECT RAND() AS r) d ON g.id > d.r * 5'],
    [
      'beside a subquery of a join',
      'UPDATE goods g JOIN (SELECT sku FROM prices) p ON p.sku = g.sku SET g.v = 1 WHERE RAND() < 0.5',
    ],
  ] as const) {
    it(`is refused before it runs ${name}`, async () => {
      const before = await world.first.dump();
      await world.gtx.run({ name }, async () => {
        const error = await world.first.pool.query(sql).catch((thrown: unknown) => thrown);
        assert.ok(error instanceof GlobalTxError, String(error));
        assert.equal(error.code, 'STATEMENT_UNSUPPORTED');
        assert.match(error.construct ?? '', /changing value/);
      });
      assert.equal(await world.first.dump(), before);
    });
  }

  async function refusal(id: number): Promise<string> {
    const error = await withoutTransaction(() =>
      world.gtx.run({ name: 'other', lockWait: 500 }, () =>
        world.first.pool.query('UPDATE goods SET v = v + 1 WHERE id = ?', [id]),
      ),
    ).catch((thrown: unknown) => thrown);
    return error instanceof GlobalTxError ? error.code : String(error);
  }

  for (const sql of [
    'SELECT id FROM goods ORDER BY RAND() LIMIT 1 FOR UPDATE',
    'SELECT id FROM goods WHERE RAND() < 0.6 FOR UPDATE',
    'SELECT GROUP_CONCAT(id) AS id FROM goods WHERE RAND() < 0.6 FOR UPDATE',
  ]) {
    it(`locks the rows that it has read: ${sql}`, async () => {
      for (let time = 0; time < TIMES; time += 1) {
        await world.gtx.run({ name: 'read' }, async () => {
          const [rows] = await (world.first.pool as unknown as PoolConnection).query(sql);
          const ids = (rows as { id: number | string | null }[]).flatMap(({ id }) =>
            id === null ? [] : String(id).split(',').map(Number),
          );
          for (const id of ids.slice(0, 2))
            assert.equal(await refusal(id), 'LOCK_WAIT_TIMEOUT', `${id} of ${ids}`);
        });
      }
      await settled(world);
    });
  }
});
