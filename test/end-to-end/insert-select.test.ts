import { type Case, itBothWays } from './both-ways.js';
import { makeWorld, type World } from './world.js';

const TABLES = ['goods', 'auto', 'copies', 'kinds', 'wide', 'wider'];

const CASES: readonly Case[] = [
  {
    name: 'INSERT ... SELECT of given keys',
    sql: 'INSERT INTO copies (id, sku, qty) SELECT id, sku, qty FROM goods',
  },
  { name: 'INSERT ... SELECT of all columns', sql: 'INSERT INTO copies SELECT * FROM goods WHERE id < 4' },
  { name: 'INSERT ... SELECT of nothing', sql: 'INSERT INTO copies SELECT * FROM goods WHERE id > 99' },
  {
    name: 'INSERT ... SELECT of given AUTO_INCREMENT values',
    sql: 'INSERT INTO auto (id, sku) SELECT id + 100, sku FROM goods',
  },
  {
    name: 'INSERT ... SELECT from itself',
    sql: 'INSERT INTO goods (id, sku, qty) SELECT id + 10, sku, qty + 1 FROM goods WHERE qty > 5',
  },
  { name: 'INSERT ... (SELECT ...)', sql: 'INSERT INTO copies (id, sku) (SELECT id, sku FROM goods)' },
  {
    name: 'INSERT ... SELECT ... UNION',
    sql: 'INSERT INTO copies (id, sku) SELECT id, sku FROM goods UNION ALL SELECT ? + id, k FROM kinds ORDER BY 1 DESC',
    values: [50],
  },
  {
    name: 'INSERT ... WITH ... SELECT',
    sql: 'INSERT INTO copies (id, sku) WITH c (a, b) AS (SELECT id, sku FROM goods WHERE qty IN (SELECT qty FROM goods)) SELECT a, b FROM c -- end',
  },
  {
    name: 'INSERT ... SELECT with GROUP BY and a subquery',
    sql: 'INSERT INTO copies (id, qty) SELECT g.qty + 70, (SELECT COUNT(*) FROM kinds) FROM goods g GROUP BY g.qty HAVING COUNT(*) > 0',
  },
  {
    name: 'INSERT ... SELECT with a join',
    sql: 'INSERT INTO copies (id, sku, qty) SELECT g.id, k.k, NULL FROM goods g JOIN kinds k ON k.id = g.id',
  },
  {
    name: 'INSERT ... SELECT of NULL for a key, with a LIMIT',
    sql: 'INSERT INTO copies (id, qty) SELECT NULL, qty FROM goods ORDER BY id LIMIT 2',
  },
  {
    name: 'REPLACE ... SELECT of NULL for a key, with a LIMIT',
    sql: 'REPLACE INTO copies (id, qty) SELECT NULL, qty FROM goods ORDER BY id LIMIT 1',
  },
  {
    name: 'INSERT ... SELECT with a LIMIT',
    sql: 'INSERT INTO copies (id, sku) SELECT id, sku FROM goods ORDER BY id LIMIT 2',
  },
  { name: 'INSERT ... SELECT that meets a row', sql: 'INSERT INTO goods SELECT * FROM goods' },
  { name: 'INSERT ... SELECT of too few columns', sql: 'INSERT INTO goods (id, sku) SELECT id FROM kinds' },
  {
    name: 'INSERT ... SELECT of an unknown column',
    sql: 'INSERT INTO goods (id, sku) SELECT id, nothing FROM kinds',
  },
  {
    name: 'INSERT ... SELECT of a value that is too long',
    sql: "INSERT INTO copies (id, sku) SELECT id, REPEAT('x', 99) FROM kinds",
  },
  {
    name: 'INSERT ... SELECT of a division by zero',
    sql: 'INSERT INTO copies (id, qty) SELECT id, qty / 0 FROM goods LIMIT 1',
  },
  {
    name: 'INSERT IGNORE ... SELECT',
    sql: 'INSERT IGNORE INTO goods (id, sku) SELECT id + 1, sku FROM goods',
  },
  { name: 'INSERT IGNORE ... SELECT of one row', sql: 'INSERT IGNORE INTO goods (id, sku) SELECT 1, 2' },
  {
    name: 'INSERT IGNORE ... SELECT with a unique index',
    sql: "INSERT IGNORE INTO kinds (id, k) SELECT id + 1, 'red' FROM goods",
  },
  {
    name: 'REPLACE ... SELECT',
    sql: 'REPLACE INTO goods (id, sku) SELECT id + 1, sku FROM goods',
    isolation: 'REPEATABLE READ',
  },
  {
    name: 'REPLACE ... SELECT of one row',
    sql: 'REPLACE INTO goods (id, sku) SELECT id, k FROM kinds WHERE id = 2',
  },
  {
    name: 'REPLACE ... SELECT of rows that are there',
    sql: 'REPLACE INTO goods SELECT id, CONCAT(sku, 1), 7 FROM goods',
  },
  {
    name: 'INSERT ... SELECT ... ON DUPLICATE KEY UPDATE of rows that are there',
    sql: 'INSERT INTO goods (id, qty) SELECT id, 5 FROM goods ON DUPLICATE KEY UPDATE qty = goods.qty + VALUES(qty)',
  },
  {
    name: 'INSERT ... SELECT ... ON DUPLICATE KEY UPDATE of some',
    sql: 'INSERT INTO goods (id, qty) SELECT id + 1, ? FROM goods ORDER BY id ON DUPLICATE KEY UPDATE qty = VALUES(qty), sku = ?',
    values: [5, 'new'],
    isolation: 'REPEATABLE READ',
  },
  {
    name: 'INSERT ... SELECT ... ON DUPLICATE KEY UPDATE by a column of the query',
    sql: 'INSERT INTO goods (id, sku) SELECT id, k FROM kinds ON DUPLICATE KEY UPDATE sku = CONCAT(goods.sku, kinds.k)',
    isolation: 'REPEATABLE READ',
  },
  { name: 'INSERT ... TABLE', sql: 'INSERT INTO copies TABLE goods', only: 'mysql' },
  { name: 'REPLACE ... TABLE', sql: 'REPLACE INTO goods TABLE goods ORDER BY id LIMIT 2', only: 'mysql' },
  {
    name: 'INSERT ... VALUES ROW',
    sql: "INSERT INTO copies (id, sku) VALUES ROW(1, 'a'), ROW(2, ?)",
    values: ['b'],
    only: 'mysql',
  },
  {
    name: 'INSERT ... SELECT ... RETURNING',
    sql: 'INSERT INTO copies (id, sku) SELECT id, sku FROM goods RETURNING id, sku',
    only: 'mariadb',
  },
  {
    name: 'REPLACE ... SELECT ... RETURNING',
    sql: 'REPLACE INTO goods SELECT id, sku, 1 FROM goods RETURNING *',
    only: 'mariadb',
  },
  {
    name: 'INSERT ... SELECT of every type',
    sql: 'INSERT INTO wide SELECT * FROM wider',
  },
  {
    name: 'INSERT ... SELECT of every type, under keys that change',
    sql: 'INSERT INTO wide SELECT w.* FROM wider w LIMIT 10',
  },
  {
    name: 'INSERT ... SELECT of every type into text',
    sql: 'INSERT INTO texts (id, a, b, c, d, e, f, g, h, i, j, k) SELECT y IS NULL, id, n, f, d, dc, b, e, s, dt, ts, t FROM wider LIMIT 10',
  },
];

describe('INSERT and REPLACE with a query answer as plain mysql2 does, and are undone', () => {
  let world: World;

  before(async () => {
    const wide = `(id BIGINT UNSIGNED PRIMARY KEY, n INT(5) ZEROFILL, f FLOAT, d DOUBLE, dc DECIMAL(30,10), b BIT(9),
      e ENUM('x','é','3'), s SET('a','b'), dt DATETIME(6), ts TIMESTAMP(3) NULL, t TIME(2), day DATE, y YEAR, j JSON,
      vb VARBINARY(20), bl BLOB, l1 VARCHAR(20) CHARACTER SET latin1, u2 VARCHAR(20) CHARACTER SET ucs2,
      gb VARCHAR(20) CHARACTER SET gbk, m VARCHAR(20) CHARACTER SET utf8mb4, p POINT)`;
    world = await makeWorld({
      tables: [
        'CREATE TABLE goods (id INT PRIMARY KEY, sku VARCHAR(20), qty INT)',
        "INSERT INTO goods VALUES (1, 'nut', 9), (2, 'bolt', 3), (3, 'cog', 7), (5, 'nut', 2)",
        'CREATE TABLE copies LIKE goods',
        'CREATE TABLE kinds (id INT PRIMARY KEY, k VARCHAR(20) UNIQUE)',
        "INSERT INTO kinds VALUES (1, 'red'), (2, 'blue'), (9, 'green')",
        'CREATE TABLE auto (id INT AUTO_INCREMENT PRIMARY KEY, sku VARCHAR(20), qty INT)',
        "INSERT INTO auto (sku) VALUES ('a'), ('b')",
        `CREATE TABLE wide ${wide}`,
        `CREATE TABLE wider ${wide}`,
        'CREATE TABLE texts (id INT PRIMARY KEY, a VARCHAR(40), b VARCHAR(40), c VARCHAR(40), d VARCHAR(40), ' +
          'e VARCHAR(40), f VARBINARY(40), g VARCHAR(40), h VARCHAR(40), i VARCHAR(40), j VARCHAR(40), k VARCHAR(40))',
        `INSERT INTO wider VALUES
          (18446744073709551615, 42, 0.1, 1e-300, 12345678901234567890.0123456789, b'101010101', 'é', 'a,b',
           '2020-01-02 03:04:05.678901', '2021-06-01 12:00:00.125', '-100:10:20.55', '1999-12-31', 2001,
           '{"a": [1, 2.5, "x\\\\"y"]}', x'00ff27', x'5c27', 'caf\u00e9 it''s \\\\', '\u4e2d', '\u4e2d', '\u{1f600}', POINT(1, 2)),
          (1, NULL, -0e0, -0e0, -0.5, NULL, NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
      ],
    });
  });

  after(() => world.close());

  itBothWays(() => world, [...TABLES, 'texts'], CASES);
});
