import assert from 'node:assert/strict';
import type { ResultSetHeader } from 'mysql2/promise';
import { type Case, itBothWays } from './both-ways.js';
import { makeWorld, settled, type World } from './world.js';

const TABLES = ['word', 'simple', 'blob_key', 'wide'];

const CASES: readonly Case[] = [
  { name: 'a text with another ending', sql: "REPLACE INTO word VALUES (1, 'abcXX', 9)" },
  {
    name: 'a text with another ending, by a placeholder',
    sql: 'REPLACE INTO word VALUES (1, ?, 9)',
    values: ['ABCde'],
  },
  { name: 'a text that meets none', sql: "REPLACE INTO word VALUES (5, 'abX', 9), (6, 'b%d', 9)" },
  { name: 'a text shorter than the beginning', sql: "REPLACE INTO word VALUES (2, 'a', 9)" },
  { name: 'a text of signs', sql: "INSERT IGNORE INTO word VALUES (7, 'a_|%x', 9), (8, 'a_|zz', 9)" },
  {
    name: 'an upsert',
    sql: "INSERT INTO word VALUES (1, 'abcd', 9) ON DUPLICATE KEY UPDATE n = n + 1, t = VALUES(t)",
  },
  { name: 'a text beyond ASCII', sql: "REPLACE INTO simple VALUES (1, 'äöü🙂', 9)" },
  { name: 'a short text beyond ASCII', sql: "REPLACE INTO simple VALUES (2, 'Ä', 9)" },
  { name: 'bytes', sql: "REPLACE INTO blob_key VALUES (1, X'ff00aa', 9)" },
  { name: 'few bytes', sql: "REPLACE INTO blob_key VALUES (2, X'01', 9)" },
  { name: 'few bytes that meet none', sql: "REPLACE INTO blob_key VALUES (8, X'0100', 9)" },
  {
    name: 'bytes that are the last',
    sql: "INSERT INTO blob_key VALUES (3, X'ffffff', 9) ON DUPLICATE KEY UPDATE n = 9",
  },
  { name: 'a text of wide characters', sql: "REPLACE INTO wide VALUES (1, 'abxx', 9)" },
  { name: 'NULL', sql: 'REPLACE INTO word VALUES (9, NULL, 9)' },
];

describe('a row that is met by the beginning of a value gives what plain mysql2 gives and is undone:', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE word (id INT PRIMARY KEY, t TEXT, n INT, UNIQUE KEY (t(3))) COLLATE utf8mb4_unicode_ci',
        "INSERT INTO word VALUES (1, 'abcde', 1), (2, 'a  b', 2), (3, 'a_|b', 3)",
        'CREATE TABLE simple (id INT PRIMARY KEY, t VARCHAR(9), n INT, UNIQUE KEY (t(2))) COLLATE utf8mb4_general_ci',
        "INSERT INTO simple VALUES (1, 'ÄÖzz', 1), (2, 'a', 2)",
        'CREATE TABLE blob_key (id INT PRIMARY KEY, b BLOB, n INT, UNIQUE KEY (b(2)))',
        "INSERT INTO blob_key VALUES (1, X'ff00bb', 1), (2, X'01', 2), (3, X'ffff', 3)",
        'CREATE TABLE wide (id INT PRIMARY KEY, t VARCHAR(9) CHARACTER SET utf16, n INT, UNIQUE KEY (t(2)))',
        "INSERT INTO wide VALUES (1, 'ABC', 1)",
      ],
    });
  });

  after(() => world.close());

  itBothWays(() => world, TABLES, CASES);

  for (const sql of [
    "REPLACE INTO word VALUES (7, 'ABC-', 9)",
    "REPLACE INTO word VALUES (7, 'a', 9)",
    "INSERT INTO blob_key VALUES (7, X'ff0011', 9) ON DUPLICATE KEY UPDATE n = 7",
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
