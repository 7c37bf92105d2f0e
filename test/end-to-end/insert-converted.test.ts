import { type Case, itBothWays } from './both-ways.js';
import { makeWorld, type World } from './world.js';

const TABLES = ['whole', 'small', 'names', 'latin', 'bytes'];

const CASES: readonly Case[] = [
  {
    name: 'a fraction',
    sql: 'INSERT INTO whole (id, v) VALUES (1.6, 1), (-1.5, 2), (?, 3)',
    values: ['7.5'],
  },
  { name: 'digits with more behind them', sql: "INSERT IGNORE INTO whole (id) VALUES ('12abc')" },
  { name: 'no digits', sql: 'INSERT IGNORE INTO whole (id) VALUES (?)', values: ['abc'] },
  { name: 'spaces before digits', sql: "INSERT INTO whole (id) VALUES (' 12'), ('+13'), (1e2)" },
  { name: 'too high a number', sql: 'INSERT IGNORE INTO small (id) VALUES (300)' },
  { name: 'too low a number', sql: 'INSERT IGNORE INTO small (id) VALUES (-5)' },
  { name: 'too high a number in strict mode', sql: 'INSERT INTO small (id) VALUES (300)' },
  { name: 'text that is too long', sql: "INSERT IGNORE INTO names (name) VALUES ('abcdefgh')" },
  { name: 'text that is too long in strict mode', sql: "INSERT INTO names (name) VALUES ('abcdefgh')" },
  {
    name: 'text that is too long by spaces',
    sql: "INSERT INTO names (name) VALUES ('abcde   '), (?)",
    values: ['éé'],
  },
  {
    name: 'text that the column cannot hold',
    sql: 'INSERT IGNORE INTO latin (name) VALUES (?)',
    values: ['a中b'],
  },
  {
    name: 'text that the column holds in its own way',
    sql: "INSERT INTO latin (name) VALUES ('é'), (?)",
    values: ['ü'],
  },
  { name: 'bytes', sql: "INSERT INTO bytes (b) VALUES (x'ff00'), ('é'), (?)", values: ['ab'] },
];

describe('A key that is stored as another value than it is written is found again:', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE whole (id INT PRIMARY KEY, v INT)',
        'CREATE TABLE small (id TINYINT UNSIGNED PRIMARY KEY, v INT)',
        'CREATE TABLE names (name VARCHAR(5) PRIMARY KEY, v INT) COLLATE utf8mb4_general_ci',
        'CREATE TABLE latin (name VARCHAR(5) CHARACTER SET latin1 PRIMARY KEY, v INT)',
        'CREATE TABLE bytes (b VARBINARY(5) PRIMARY KEY, v INT)',
      ],
    });
  });

  after(() => world.close());

  itBothWays(() => world, TABLES, CASES);
});
