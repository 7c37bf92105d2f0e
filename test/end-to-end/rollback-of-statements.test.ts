import assert from 'node:assert/strict';
import type { PoolConnection } from 'globaltx/mysql2/promise';
import { makeWorld, settled, type World } from './world.js';

type Work = (connection: PoolConnection) => Promise<unknown>;

const TYPES = `CREATE TABLE types (
  id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT,
  tiny TINYINT, small SMALLINT UNSIGNED, medium MEDIUMINT, big BIGINT,
  price DECIMAL(30,10), ratio FLOAT, amount DOUBLE, flags BIT(10), truth BOOLEAN,
  fixed CHAR(10), name VARCHAR(100), note TEXT, latin VARCHAR(50) CHARACTER SET latin1,
  raw VARBINARY(64), blobs BLOB, kind ENUM('a','b','c'), tags SET('x','y','z'), doc JSON,
  day DATE, at DATETIME(6), stamp TIMESTAMP(3) NULL, span TIME(2), years YEAR,
  changed TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  total DECIMAL(31,10) AS (price * 2) STORED,
  UNIQUE KEY uk_name (name)
)`;

const ROW =
  'INSERT INTO types (tiny, small, medium, big, price, ratio, amount, flags, truth, fixed, name, note, latin, raw, ' +
  'blobs, kind, tags, doc, day, at, stamp, span, years) VALUES ';

function values(name: string): string {
  return (
    `(-128, 65535, -8388608, -9223372036854775808, 12345678901234567890.0123456789, 3.4028e38, 2.2250738585072014e-308, ` +
    `b'1010101010', true, 'pad', '${name}', 'text with ''quotes'' and \\\\ and ü', 'caf\u00e9', x'00ff10', x'', 'b', 'x,z', ` +
    `'{"n": 9007199254740993, "s": "ü"}', '2024-02-29', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07.999', ` +
    `'-838:59:59', 2155)`
  );
}

describe('the rollback of a global transaction restores every byte after', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        TYPES,
        ROW + [values('one'), values('two'), values('three')].join(', '),
        'CREATE TABLE stock (house INT, sku VARCHAR(20), qty INT, PRIMARY KEY (house, sku)) COLLATE utf8mb4_general_ci',
        "INSERT INTO stock VALUES (1, 'nut', 5), (1, 'bolt', 7), (2, 'nut', 9), (2, 'a/b', 1)",
        'CREATE TABLE plain_unique (code VARCHAR(10) NOT NULL, v INT, UNIQUE KEY uk (code))',
        "INSERT INTO plain_unique VALUES ('k1', 1), ('k2', 2)",
      ],
    });
  });

  after(() => world.close());

  const kinds: readonly (readonly [string, Work])[] = [
    ['an INSERT with a generated key', (c) => c.query(ROW + values('four'))],
    [
      'an INSERT of many rows',
      (c) => c.query(ROW + [values('five'), values('six'), values('seven')].join(', ')),
    ],
    [
      'an INSERT with given keys',
      (c) => c.execute('INSERT INTO stock (house, sku, qty) VALUES (?, ?, ?), (3, ?, 2)', [3, 'x', 4, "q'q"]),
    ],
    ['an INSERT without a column list', (c) => c.query("INSERT INTO stock VALUES (8, 'z', 8)")],
    [
      'an UPDATE of every column',
      (c) =>
        c.query(
          'UPDATE types SET tiny = 1, small = 2, medium = 3, big = 9223372036854775807, price = 0.5, ratio = 1e-40, amount = -0e0, ' +
            "flags = b'1', truth = 0, fixed = '', name = CONCAT(name, '!'), note = '', latin = 'x', raw = x'01', blobs = x'00', " +
            "kind = 'c', tags = '', doc = '[]', day = '1000-01-01', at = '2000-01-01 00:00:00.000001', stamp = NULL, span = '838:59:58', years = 1901",
        ),
    ],
    ['an UPDATE by key', (c) => c.execute('UPDATE types SET amount = amount / 3 WHERE id = ?', [2])],
    [
      'an UPDATE by condition, order and limit',
      (c) => c.execute('UPDATE stock SET qty = qty + 1 WHERE qty > ? ORDER BY qty DESC LIMIT 2', [1]),
    ],
    ['an UPDATE through an alias', (c) => c.query('UPDATE stock AS s SET s.qty = 0 WHERE s.house = 1')],
    ['an UPDATE that changes nothing', (c) => c.query('UPDATE stock SET qty = qty')],
    ['an UPDATE that matches nothing', (c) => c.query('UPDATE stock SET qty = 1 WHERE house = 99')],
    ['a DELETE by key', (c) => c.execute('DELETE FROM types WHERE id = ?', [1])],
    ['a DELETE of all rows', (c) => c.query('DELETE FROM types')],
    ['a DELETE by order and limit', (c) => c.query('DELETE FROM stock ORDER BY qty LIMIT 1')],
    ['a DELETE with a trailing comment', (c) => c.query('DELETE FROM stock WHERE house = 2 -- all of them')],
    [
      'a table with only a unique key',
      async (c) => {
        await c.query("UPDATE plain_unique SET v = 9 WHERE code = 'k1'");
        await c.query("DELETE FROM plain_unique WHERE code = 'k2'");
      },
    ],
    [
      'a row deleted and inserted again',
      async (c) => {
        await c.query("DELETE FROM stock WHERE house = 1 AND sku = 'nut'");
        await c.query("INSERT INTO stock VALUES (1, 'NUT', 50)");
      },
    ],
    [
      'a row inserted, changed and deleted',
      async (c) => {
        await c.query("INSERT INTO stock VALUES (7, 'tmp', 1)");
        await c.query('UPDATE stock SET qty = 2 WHERE house = 7');
        await c.query('DELETE FROM stock WHERE house = 7');
      },
    ],
    [
      'a unique value that moves from one row to another',
      async (c) => {
        await c.query("UPDATE types SET name = 'parked' WHERE id = 1");
        await c.query("UPDATE types SET name = 'one' WHERE id = 2");
        await c.query("UPDATE types SET name = 'two' WHERE id = 1");
      },
    ],
  ];

  for (const [name, work] of kinds) {
    for (const mode of ['autocommit', 'in a local transaction'] as const) {
      it(`${name} (${mode})`, async () => {
        const before = await world.first.dump();
        let changed = '';
        await assert.rejects(
          world.gtx.run({ name }, async () => {
            const connection = await world.first.pool.getConnection();
            try {
              if (mode !== 'autocommit') await connection.beginTransaction();
              await work(connection);
              if (mode !== 'autocommit') await connection.commit();
            } finally {
              connection.release();
            }
            changed = await world.first.dump();
            throw new Error('undo it');
          }),
          /undo it/,
        );
        const restored = await world.first.dump();
        assert.equal(
          restored,
          before.replace(/AUTO_INCREMENT=\d+/, /AUTO_INCREMENT=\d+/.exec(restored)?.[0] ?? '$&'),
        );
        if (!/nothing|changed and deleted/.test(name)) assert.notEqual(changed, before);
        await settled(world);
      });
    }
  }
});
