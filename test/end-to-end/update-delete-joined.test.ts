import { type Case, itBothWays } from './both-ways.js';
import { makeWorld, type World } from './world.js';

const TABLES = ['goods', 'prices', 'notes', 'parent', 'child'];

const UPDATES: readonly Case[] = [
  {
    name: 'an UPDATE of one table of a join',
    sql: 'UPDATE goods g JOIN prices p ON p.sku = g.sku SET g.v = g.v + p.price WHERE p.price > 1',
  },
  {
    name: 'an UPDATE of both tables of a join',
    sql: 'UPDATE goods, prices SET goods.v = goods.v + 1, prices.price = prices.price * 2 WHERE goods.sku = prices.sku',
  },
  {
    name: 'an UPDATE whose row is matched several times',
    // In a fixed order: which of the values stays is left to the plan, and that to the server's statistics.
    sql: 'UPDATE goods g STRAIGHT_JOIN notes n ON n.sku = g.sku SET g.v = n.id, n.text = g.v',
  },
  {
    name: 'an UPDATE of both sides of a LEFT JOIN',
    sql: "UPDATE goods AS g LEFT JOIN prices AS p ON p.sku = g.sku SET g.v = IFNULL(p.price, -1), p.day = '2024-01-01'",
  },
  {
    name: 'an UPDATE of the outer table of a LEFT JOIN that finds nothing',
    sql: 'UPDATE goods g LEFT JOIN prices p ON p.sku = g.sku SET g.v = -1, p.price = 9 WHERE p.sku IS NULL',
  },
  {
    name: 'an UPDATE of both sides of a RIGHT JOIN',
    sql: 'UPDATE prices p RIGHT JOIN goods g USING (sku) SET g.v = 5, p.price = 7',
  },
  {
    name: 'an UPDATE of columns that name no table',
    sql: 'UPDATE goods JOIN prices USING (sku) SET v = price, price = price + 1 WHERE day IS NOT NULL',
  },
  {
    name: 'an UPDATE of a table joined to itself',
    sql: 'UPDATE goods a JOIN goods b ON b.id = a.id + 1 SET a.v = b.v, b.v = 100',
  },
  {
    name: 'an UPDATE by a subquery among the tables',
    sql: 'UPDATE goods g JOIN (SELECT sku, MAX(id) AS newest FROM notes GROUP BY sku) n ON n.sku = g.sku SET g.v = n.newest',
  },
  {
    name: 'an UPDATE with placeholders everywhere',
    sql: 'UPDATE goods g JOIN prices p ON p.sku = g.sku AND p.price > ? SET g.v = ?, p.price = ? WHERE g.id < ?',
    values: [1, 70, 71, 3],
  },
  {
    name: 'an UPDATE of a join that finds nothing',
    sql: 'UPDATE goods g JOIN prices p ON p.sku = g.sku SET g.v = 1 WHERE p.price > 1000',
  },
  {
    name: 'an UPDATE of a join that changes nothing',
    sql: 'UPDATE goods g JOIN prices p ON p.sku = g.sku SET g.v = g.v',
  },
  {
    name: 'an UPDATE of a join with a comment at its end',
    sql: 'UPDATE goods g JOIN prices p ON p.sku = g.sku SET g.v = 1 WHERE g.id = 1 -- the first',
  },
  {
    name: 'an UPDATE of a join by a subquery',
    sql: 'UPDATE goods g JOIN prices p ON p.sku = g.sku SET g.v = 8 WHERE g.sku IN (SELECT sku FROM notes)',
  },
  {
    name: 'an UPDATE that breaks a unique key',
    sql: 'UPDATE goods g JOIN prices p ON p.sku = g.sku SET g.code = 1',
  },
  {
    name: 'an UPDATE IGNORE that breaks a unique key',
    sql: 'UPDATE IGNORE goods g JOIN prices p ON p.sku = g.sku SET g.code = 30, g.v = 3',
    // How many rows it calls changed depends on the order in which it reads the tables.
    isolation: 'REPEATABLE READ',
  },
  {
    name: 'an UPDATE of a join with a common table expression',
    sql: 'WITH n AS (SELECT sku, COUNT(*) AS c FROM notes GROUP BY sku) UPDATE goods g JOIN n ON n.sku = g.sku SET g.v = n.c',
    only: 'mysql',
  },
];

const DELETES: readonly Case[] = [
  {
    name: 'a DELETE from one table of a join',
    sql: 'DELETE g FROM goods g JOIN prices p ON p.sku = g.sku WHERE p.price > 1',
  },
  {
    name: 'a DELETE from both tables of a join',
    sql: 'DELETE goods, notes FROM goods JOIN notes ON notes.sku = goods.sku',
  },
  {
    name: 'a DELETE with USING',
    sql: 'DELETE FROM g, n.* USING goods g INNER JOIN notes n ON n.sku = g.sku WHERE g.id = ?',
    values: [1],
  },
  {
    name: 'a DELETE of what a LEFT JOIN does not find',
    sql: 'DELETE goods FROM goods LEFT JOIN prices ON prices.sku = goods.sku WHERE prices.sku IS NULL',
  },
  {
    name: 'a DELETE from both sides of a LEFT JOIN',
    sql: 'DELETE g, p FROM goods g LEFT JOIN prices p ON p.sku = g.sku',
  },
  {
    name: 'a DELETE from a table joined to itself',
    sql: 'DELETE a, b FROM notes a JOIN notes b ON b.sku = a.sku AND b.id > a.id',
  },
  {
    name: 'a DELETE of parents and their children',
    sql: 'DELETE parent, child FROM parent JOIN child ON child.parent = parent.id WHERE parent.id = 1',
  },
  {
    name: 'a DELETE of parents whose children go with them',
    sql: 'DELETE p FROM parent p JOIN goods g ON g.id = p.id',
  },
  {
    name: 'a DELETE of a join that finds nothing',
    sql: 'DELETE g FROM goods g JOIN prices p ON p.sku = g.sku WHERE p.price > 1000',
  },
  {
    name: 'a DELETE with a common table expression',
    sql: 'WITH n AS (SELECT sku FROM notes) DELETE g FROM goods g JOIN n ON n.sku = g.sku',
    only: 'mysql',
  },
];

const SINGLE: readonly Case[] = [
  {
    name: 'an UPDATE IGNORE of one table that breaks a unique key',
    sql: 'UPDATE IGNORE goods SET code = 30, v = 3',
  },
  { name: 'a DELETE IGNORE', sql: 'DELETE LOW_PRIORITY QUICK IGNORE FROM goods WHERE id > 1' },
  { name: 'a DELETE IGNORE of parents', sql: 'DELETE IGNORE FROM parent' },
  {
    name: 'an UPDATE of one table with a common table expression',
    sql: 'WITH n AS (SELECT sku FROM notes) UPDATE goods SET v = 44 WHERE sku IN (SELECT sku FROM n)',
    only: 'mysql',
  },
  {
    name: 'a DELETE from one table with a common table expression',
    sql: 'WITH n AS (SELECT sku FROM notes) DELETE FROM goods WHERE sku IN (SELECT sku FROM n)',
    only: 'mysql',
  },
  {
    name: 'a DELETE ... RETURNING',
    sql: 'DELETE FROM goods WHERE id > ? ORDER BY id LIMIT 2 RETURNING id, CONCAT(sku, ?) AS s',
    values: [1, '!'],
    only: 'mariadb',
  },
  {
    name: 'a DELETE ... RETURNING of nothing',
    sql: 'DELETE FROM goods WHERE id > 100 RETURNING *',
    only: 'mariadb',
  },
];

describe('gives what plain mysql2 gives and is undone to the byte:', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE goods (id INT PRIMARY KEY, sku VARCHAR(20), code INT UNIQUE, v INT, changed TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP(), KEY (sku))',
        "INSERT INTO goods VALUES (1, 'nut', 10, 5, NULL), (2, 'bolt', 20, 6, NULL), (3, 'gear', 30, 7, NULL), (4, NULL, 40, 8, NULL)",
        'CREATE TABLE prices (sku VARCHAR(20) PRIMARY KEY, price DECIMAL(10, 2), day DATE)',
        "INSERT INTO prices VALUES ('nut', 1.5, '2023-01-01'), ('bolt', 2.5, NULL), ('cog', 3.5, NULL)",
        'CREATE TABLE notes (id INT, sku VARCHAR(20), text VARCHAR(100), PRIMARY KEY (id, sku))',
        "INSERT INTO notes VALUES (1, 'nut', 'a'), (2, 'nut', 'b'), (3, 'nut', 'c'), (4, 'gear', 'd'), (5, 'none', 'e')",
        'CREATE TABLE parent (id INT PRIMARY KEY)',
        'CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE)',
        'INSERT INTO parent VALUES (1), (2)',
        'INSERT INTO child VALUES (1, 1), (2, 1), (3, 2)',
      ],
    });
  });

  after(() => world.close());

  itBothWays(() => world, TABLES, [...UPDATES, ...DELETES, ...SINGLE]);
});
