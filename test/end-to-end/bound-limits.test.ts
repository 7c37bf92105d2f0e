import { type Case, itBothWays } from './both-ways.js';
import { makeWorld, type World } from './world.js';

/** mysql2's users bind text: MySQL took no DOUBLE there. */
const CASES: readonly Case[] = [
  { sql: 'UPDATE jobs SET note = ? WHERE id > ? ORDER BY id LIMIT ?', values: ['7', '1', '2'] },
  { sql: 'UPDATE jobs SET note = ? ORDER BY id DESC LIMIT ?', values: ['00', '01'] },
  { sql: 'DELETE FROM jobs WHERE id < ? ORDER BY id LIMIT ?', values: [3, 1n] },
  { sql: 'SELECT id FROM jobs ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED', values: ['2'] },
  { sql: 'SELECT id FROM jobs WHERE note <> ? ORDER BY id LIMIT ? FOR UPDATE', values: ['2', '2'] },
  { sql: 'INSERT INTO done SELECT id, note FROM jobs ORDER BY id LIMIT ?, ?', values: ['1', '2'] },
  { sql: 'REPLACE INTO done SELECT id, ? FROM jobs ORDER BY id LIMIT ? OFFSET ?', values: ['4', '2', '1'] },
].map((one) => ({ name: `${one.sql} of ${one.values.join(', ')}`, ...one }));

describe('a number of rows that is bound as text is what it is in plain mysql2:', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE jobs (id INT PRIMARY KEY, note VARCHAR(20))',
        "INSERT INTO jobs VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')",
        'CREATE TABLE done (id INT PRIMARY KEY, note VARCHAR(20))',
        "INSERT INTO done VALUES (9, 'z')",
      ],
    });
  });

  after(() => world.close());

  itBothWays(() => world, ['jobs', 'done'], CASES);
});
