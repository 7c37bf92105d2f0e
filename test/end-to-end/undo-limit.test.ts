import assert from 'node:assert/strict';
import { createPool, type Pool } from 'globaltx/mysql2/promise';
import { makeWorld, settled, type World } from './world.js';

const ROWS = 500;
const TOO_LARGE = { code: 'UNDO_RECORD_TOO_LARGE' };

describe('the option undoLimit', () => {
  let world: World;
  let pool: Pool;

  before(async () => {
    const rows = Array.from({ length: ROWS }, (_, id) => `(${id + 1}, '${'x'.repeat(100)}', ${id % 5})`);
    world = await makeWorld({
      tables: [
        'CREATE TABLE item (id INT PRIMARY KEY, note VARCHAR(200), n INT)',
        `INSERT INTO item VALUES ${rows.join(', ')}`,
        'CREATE TABLE copy LIKE item',
      ],
    });
    const { server, name } = world.first;
    pool = createPool({ ...server.options(name), connectionLimit: 2, undoLimit: 50_000 });
  });

  after(async () => {
    await pool.end();
    await world.close();
  });

  async function dumped(work: () => Promise<void>): Promise<void> {
    const before = await world.first.dump();
    await world.gtx.run(work);
    await settled(world);
    assert.equal(await world.first.dump(), before);
  }

  for (const sql of [
    'UPDATE item SET n = n + 1',
    'UPDATE item SET n = n + 1 LIMIT 400',
    'UPDATE item SET note = REPEAT("y", 200) WHERE id < 150',
    'DELETE FROM item',
    'INSERT INTO copy SELECT * FROM item',
    `INSERT INTO copy (id, note) VALUES ${Array.from({ length: 200 }, (_, id) => `(${id + 1}, REPEAT('z', 200))`)}`,
    'UPDATE item a JOIN item b ON b.id = a.id SET a.n = 7',
    'SELECT * FROM item FOR UPDATE',
  ]) {
    it(`turns away what needs more, and nothing of it is kept: ${sql.slice(0, 60)}`, () =>
      dumped(async () => {
        await assert.rejects(pool.query(sql), TOO_LARGE);
        await pool.query('SELECT 1');
      }));
  }

  it('counts all statements of a local transaction together', () =>
    dumped(async () => {
      const connection = await pool.getConnection();
      try {
        await connection.beginTransaction();
        const half = (from: number) =>
          connection.query('UPDATE item SET n = 9 WHERE id BETWEEN ? AND ?', [from, from + 99]);
        await half(1);
        await assert.rejects(async () => {
          await half(101);
          await half(201);
          await half(301);
        }, TOO_LARGE);
        await assert.rejects(connection.commit());
        await connection.query('SELECT 1');
      } finally {
        connection.release();
      }
    }));

  it('leaves what a savepoint has taken back out of the count', () =>
    dumped(async () => {
      const connection = await pool.getConnection();
      await connection.beginTransaction();
      for (let turn = 0; turn < 10; turn += 1) {
        await connection.query('SAVEPOINT here');
        await connection.query('UPDATE item SET n = 9 WHERE id <= 100');
        await connection.query('ROLLBACK TO here');
      }
      await connection.commit();
      connection.release();
    }));

  it('takes what needs less', async () => {
    await world.gtx.run(() => pool.query('UPDATE item SET n = n WHERE id <= 50'));
    await world.gtx.run(() => pool.query('UPDATE item SET n = 3 WHERE id <= 50'));
  });

  it('may stand in the URI of a pool', async () => {
    const { server, name } = world.first;
    const { host, port, user } = server.options(name);
    const small = createPool(`mysql://${user}@${host}:${port}/${name}?undoLimit=50000`);
    try {
      await dumped(async () => {
        await assert.rejects(small.query('UPDATE item SET n = n + 1'), TOO_LARGE);
      });
    } finally {
      await small.end();
    }
  });

  it('is a number of bytes', () => {
    const { server, name } = world.first;
    for (const undoLimit of [0, -1, '64M', Number.NaN]) {
      assert.throws(() => createPool({ ...server.options(name), undoLimit: undoLimit as number }), {
        code: 'INVALID_OPTION',
      });
    }
  });
});
