import assert from 'node:assert/strict';
import { makeWorld, settled, type World } from './world.js';

describe('INSERT ... RETURNING', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: ['CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)', 'INSERT INTO t (v) VALUES (1)'],
    });
  });

  after(() => world.close());

  it('gives what MariaDB gives back, and is undone; MySQL does not know it', async () => {
    const { pool, server } = world.first;
    const sql = 'INSERT INTO t (v) VALUES (?), (6) RETURNING id, v * 2 AS twice';
    const before = await world.first.dump();
    let given: unknown;
    const outcome: unknown = await world.gtx
      .run({ name: 'returning' }, async () => {
        given = (await pool.query(sql, [5]))[0];
        throw new Error('undo');
      })
      .catch((error: unknown) => error);
    if (server.kind === 'mysql') {
      assert.equal((outcome as { code: string }).code, 'ER_PARSE_ERROR');
      return;
    }
    assert.equal((outcome as Error).message, 'undo');
    assert.deepEqual(given, [
      { id: 2, twice: 10 },
      { id: 3, twice: 12 },
    ]);
    await settled(world);
    assert.equal(await world.first.dump(), before);
    const rows = await world.gtx.run({ name: 'returning' }, () => pool.execute(sql, [7]));
    assert.deepEqual(rows[0], [
      { id: 4, twice: 14 },
      { id: 5, twice: 12 },
    ]);
    const [kept] = await pool.query('SELECT id, v FROM t ORDER BY id');
    assert.deepEqual(kept, [
      { id: 1, v: 1 },
      { id: 4, v: 7 },
      { id: 5, v: 6 },
    ]);
  });
});
