import assert from 'node:assert/strict';
import type { PreparedStatementInfo } from 'mysql2/promise';
import { ITEM } from './driver-ways.js';
import { makeWorld, type World } from './world.js';

describe('a connection that the application has destroyed', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({ tables: [ITEM] });
  });

  after(() => world.close());

  it('lets its prepared statements be closed without harm to the process', async () => {
    const before = await world.first.dump();
    await assert.rejects(
      world.gtx.run(async () => {
        const connection = await world.first.pool.getConnection();
        await connection.beginTransaction();
        const sql = 'UPDATE item SET name = ? WHERE id = 1';
        const statement = (await connection.prepare(sql)) as PreparedStatementInfo;
        await statement.execute(['a']);
        const asleep = assert.rejects(connection.query('SELECT SLEEP(5)'));
        // It waits behind the query when the connection goes, and nobody waits for it.
        connection.unprepare(sql);
        connection.destroy();
        await asleep;
        throw new Error('roll it back');
      }),
      /roll it back/,
    );
    assert.equal(await world.first.dump(), before);
  });
});
