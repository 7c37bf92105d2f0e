import assert from 'node:assert/strict';
import type { ResultSetHeader } from 'mysql2/promise';
import { type Case, itBothWays } from './both-ways.js';
import { makeWorld, settled, type World } from './world.js';

const TABLES = ['doubled', 'spelled', 'priced', 'marked'];

const CASES: readonly Case[] = [
  { name: 'rows inserted', sql: 'INSERT INTO doubled (v, n) VALUES (3, 1), (4, 2)' },
  {
    name: 'a row inserted with placeholders',
    sql: 'INSERT INTO doubled (v, n) VALUES (?, ?)',
    values: ['5', 1],
  },
  { name: 'a row inserted whose base is rounded', sql: 'INSERT INTO doubled (v, n) VALUES (5.5, 1)' },
  { name: 'a row inserted by SELECT', sql: 'INSERT INTO doubled (v, n) SELECT v + 10, n FROM doubled' },
  { name: 'a row inserted that is there', sql: 'INSERT INTO doubled (v, n) VALUES (1, 9)' },
  { name: 'rows inserted with IGNORE', sql: 'INSERT IGNORE INTO doubled (v, n) VALUES (1, 9), (6, 9)' },
  { name: 'a row replaced', sql: 'REPLACE INTO doubled (v, n) VALUES (1, 9)' },
  {
    name: 'a row updated',
    sql: 'INSERT INTO doubled (v, n) VALUES (1, 9) ON DUPLICATE KEY UPDATE n = n + 1',
  },
  {
    name: 'an upsert that inserts',
    sql: 'INSERT INTO doubled (v, n) VALUES (8, 9) ON DUPLICATE KEY UPDATE n = 0',
  },
  {
    name: 'a text met in another case',
    sql: "REPLACE INTO spelled (id, word, n) VALUES (1, 'HAUS', 9)",
  },
  { name: 'a text inserted', sql: "INSERT INTO spelled (id, word, n) VALUES (6, 'Straße🙂', 9)" },
  { name: 'a NULL, which meets nothing', sql: 'REPLACE INTO spelled (id, word, n) VALUES (7, NULL, 9)' },
  { name: 'a price met', sql: 'REPLACE INTO priced (id, price, n) VALUES (1, ?, 9)', values: ['2.50'] },
  { name: 'a price met that is rounded', sql: 'REPLACE INTO priced (id, price, n) VALUES (2, 1.004, 9)' },
  { name: 'bases changed', sql: 'UPDATE doubled SET v = v + 5' },
  { name: 'bases changed in turn', sql: 'UPDATE doubled SET v = v + 1 ORDER BY v DESC' },
  { name: 'other columns changed', sql: 'UPDATE doubled SET n = n + 1' },
  { name: 'other columns changed in a join', sql: 'UPDATE doubled d JOIN priced p ON p.n = d.n SET d.n = 5' },
  { name: 'rows deleted', sql: 'DELETE FROM doubled WHERE twice > 2' },
  { name: 'rows with a bit by default', sql: 'INSERT INTO marked (n) VALUES (1), (2)' },
  { name: 'a row with a bit that is given', sql: "INSERT INTO marked (mark, n) VALUES (b'0', 3)" },
];

describe('a row that is found by what its column computes gives what plain mysql2 gives and is undone:', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE spelled (id INT PRIMARY KEY, word VARCHAR(20), n INT, ' +
          "mark VARCHAR(60) AS (CONCAT(word, '/', word)) VIRTUAL UNIQUE) DEFAULT CHARACTER SET utf8mb4",
        "INSERT INTO spelled (id, word, n) VALUES (1, 'Haus', 1), (2, NULL, 2)",
        'CREATE TABLE priced (id INT PRIMARY KEY, price DECIMAL(9,2), n INT, ' +
          'quarter DECIMAL(30,10) AS (price / 4) STORED UNIQUE)',
        'INSERT INTO priced (id, price, n) VALUES (1, 2.5, 1), (2, 1, 2)',
        "CREATE TABLE marked (mark BIT(3) DEFAULT b'1', n INT, PRIMARY KEY (mark, n))",
      ],
    });
    // MariaDB has no keys over generated columns, which are never NOT NULL there.
    const key =
      world.first.server.kind === 'mysql' ? 'PRIMARY KEY (twice)' : 'PRIMARY KEY (v), UNIQUE KEY (twice)';
    for (const database of [world.first, world.second]) {
      await database.execute([
        `CREATE TABLE doubled (v INT NOT NULL, n INT, twice BIGINT AS (v * 2) STORED, ${key})`,
        'INSERT INTO doubled (v, n) VALUES (1, 1), (2, 2)',
      ]);
    }
  });

  after(() => world.close());

  itBothWays(() => world, TABLES, CASES);

  for (const sql of [
    "REPLACE INTO spelled (id, word, n) VALUES (5, 'HAUS', 9)",
    'INSERT INTO priced (id, price, n) VALUES (9, 1.004, 9) ON DUPLICATE KEY UPDATE n = 7',
  ]) {
    it(`though it has another key: ${sql}`, async () => {
      const { first, gtx } = world;
      const before = await first.dump();
      await assert.rejects(
        gtx.run(async () => {
          const [{ affectedRows }] = await first.pool.query<ResultSetHeader>(sql);
          assert.equal(affectedRows, 2);
          throw new Error('undo it');
        }),
        { message: 'undo it' },
      );
      await settled(world);
      assert.equal(await first.dump(), before);
    });
  }
});
