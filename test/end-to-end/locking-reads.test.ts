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
  { name: 'NOWAIT', sql: 'SELECT * FROM jobs WHERE id = 2 FOR UPDATE NOWAIT' },
];

describe('a locking read gives what plain mysql2 gives:', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE jobs (id INT PRIMARY KEY, note VARCHAR(20))',
        "INSERT INTO jobs VALUES (1, 'a'), (2, 'b'), (3, 'c')",
      ],
    });
  });

  after(() => world.close());

  itBothWays(() => world, ['jobs'], CASES);

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

  it('OFFSET is refused where the rows that it skips cannot be told', async () => {
    const error = await world.gtx
      .run({ name: 'offset' }, () =>
        world.first.pool.query('SELECT * FROM jobs LIMIT 1 OFFSET 1 FOR UPDATE SKIP LOCKED'),
      )
      .catch((thrown: unknown) => thrown);
    assert.equal((error as GlobalTxError).code, 'STATEMENT_UNSUPPORTED');
  });
});
