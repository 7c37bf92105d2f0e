import assert from 'node:assert/strict';
import { type GlobalTxError, withoutTransaction } from 'globaltx';
import { type Case, itBothWays } from './both-ways.js';
import { makeWorld, type World } from './world.js';

const CASES: readonly Case[] = [
  { name: 'SKIP LOCKED with LIMIT', sql: 'SELECT * FROM jobs ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED' },
  {
    name: 'LIMIT by a placeholder',
    sql: 'SELECT id, note FROM jobs j WHERE j.id > ? ORDER BY j.id LIMIT 1 FOR UPDATE',
    values: [1],
  },
  { name: 'LIMIT of nothing', sql: 'SELECT * FROM jobs WHERE id > 100 LIMIT 3 FOR UPDATE SKIP LOCKED' },
  { name: 'a count', sql: 'SELECT COUNT(*) AS c FROM jobs FOR UPDATE SKIP LOCKED' },
  {
    name: 'a join',
    sql: 'SELECT j.id, o.name FROM jobs j JOIN owners o ON o.job = j.id WHERE j.id < ? FOR UPDATE',
    values: [3],
  },
  { name: 'a LEFT JOIN', sql: 'SELECT * FROM jobs LEFT JOIN owners ON job = id ORDER BY 1 FOR UPDATE' },
  {
    name: 'a grouped join',
    sql: 'SELECT j.note, COUNT(*) AS c FROM jobs j, owners o WHERE o.job = j.id GROUP BY j.note ORDER BY 1 LIMIT 1 LOCK IN SHARE MODE',
  },
  {
    name: 'a join with OF',
    sql: 'SELECT j.id FROM jobs j JOIN owners o ON o.job = j.id FOR UPDATE OF o',
    only: 'mysql',
    isolation: 'REPEATABLE READ',
  },
  { name: 'NOWAIT', sql: 'SELECT * FROM jobs WHERE id = 2 FOR UPDATE NOWAIT' },
];

describe('a locking read gives what plain mysql2 gives:', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE jobs (id INT PRIMARY KEY, note VARCHAR(20))',
        "INSERT INTO jobs VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        'CREATE TABLE owners (name VARCHAR(20) PRIMARY KEY, job INT, KEY (job))',
        "INSERT INTO owners VALUES ('x', 1), ('y', 1), ('z', 2)",
      ],
    });
  });

  after(() => world.close());

  itBothWays(() => world, ['jobs', 'owners'], CASES);

  it('workers that skip locked rows each take a row of their own, and hold it for the whole transaction', async () => {
    const sql = 'SELECT id FROM jobs ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED';
    await world.gtx.run({ name: 'first' }, async () => {
      const connection = await world.first.pool.getConnection();
      try {
        await connection.beginTransaction();
        assert.deepEqual((await connection.query(sql))[0], [{ id: 1 }]);
        await withoutTransaction(() =>
          world.gtx.run({ name: 'second' }, async () => {
            assert.deepEqual((await world.first.pool.query(sql))[0], [{ id: 2 }]);
          }),
        );
        await connection.commit();
        const error = await withoutTransaction(() =>
          world.gtx.run({ name: 'third', lockWait: 100 }, () =>
            world.first.pool.query('UPDATE jobs SET note = 1 WHERE id = 1'),
          ),
        ).catch((thrown: unknown) => thrown);
        assert.match((error as GlobalTxError).code, /LOCK/);
      } finally {
        connection.release();
      }
    });
  });

  for (const [name, of, held, free] of [
    ['every table', '', ['jobs', 'owners'], []],
    ['the tables behind OF alone', ' OF o', ['owners'], ['jobs']],
  ] as const) {
    it(`a join holds the rows of ${name} until the end`, async () => {
      if (of !== '' && world.first.server.kind !== 'mysql') return;
      await world.gtx.run({ name: 'holder' }, async () => {
        await world.first.pool.query(
          `SELECT 1 FROM jobs j LEFT JOIN owners o ON o.job = j.id WHERE j.id = 2 FOR UPDATE${of}`,
        );
        const write = (table: string) =>
          withoutTransaction(() =>
            world.gtx.run({ name: 'other', lockWait: 100 }, () =>
              world.first.pool.query(
                table === 'jobs'
                  ? "UPDATE jobs SET note = 'b' WHERE id = 2"
                  : "UPDATE owners SET job = 2 WHERE name = 'z'",
              ),
            ),
          );
        for (const table of held) await assert.rejects(write(table), /lock/i);
        for (const table of free) await write(table);
      });
    });
  }

  it('OFFSET is refused where the rows that it skips cannot be told', async () => {
    const error = await world.gtx
      .run({ name: 'offset' }, () =>
        world.first.pool.query('SELECT * FROM jobs LIMIT 1 OFFSET 1 FOR UPDATE SKIP LOCKED'),
      )
      .catch((thrown: unknown) => thrown);
    assert.equal((error as GlobalTxError).code, 'STATEMENT_UNSUPPORTED');
  });
});
