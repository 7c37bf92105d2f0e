import assert from 'node:assert/strict';
import { makeWorld, settled, type World } from './world.js';

describe('a row whose key an UPDATE changes without naming it', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        "CREATE TABLE stamped (at DATETIME DEFAULT '2024-01-01' ON UPDATE CURRENT_TIMESTAMP PRIMARY KEY, v INT)",
        'INSERT INTO stamped (v) VALUES (1)',
      ],
    });
    // MariaDB has no keys over generated columns, which are never NOT NULL there.
    const key =
      world.first.server.kind === 'mysql' ? 'PRIMARY KEY (twice)' : 'PRIMARY KEY (v), UNIQUE KEY (twice)';
    await world.first.execute([
      `CREATE TABLE doubled (v INT NOT NULL, twice INT AS (v * 2) STORED, note VARCHAR(9), ${key})`,
      'INSERT INTO doubled (v) VALUES (1)',
      `CREATE TABLE spelled (größe INT NOT NULL, twice INT AS (größe * 2) STORED, ${key.replace('(v)', '(größe)')})`,
      'INSERT INTO spelled (größe) VALUES (1)',
    ]);
  });

  after(() => world.close());

  for (const [table, column] of [
    ['stamped', 'v'],
    ['doubled', 'v'],
    ['spelled', 'größe'],
  ] as const) {
    it(`is what it was after a rollback (${table})`, async () => {
      const before = await world.first.dump();
      await assert.rejects(
        world.gtx.run({ name: table }, async () => {
          await world.first.pool.query(`UPDATE ${table} SET ${column} = ${column} + 1`);
          assert.notEqual(await world.first.dump(), before);
          throw new Error('undo it');
        }),
        { message: 'undo it' },
      );
      assert.equal(await world.first.dump(), before);
      await settled(world);
    });
  }

  it('stays where it is as long as what it is computed from does', async () => {
    const before = await world.first.dump();
    await assert.rejects(
      world.gtx.run(async () => {
        await world.first.pool.query("UPDATE doubled SET note = 'b'");
        await world.first.pool.query('UPDATE stamped SET v = v');
        throw new Error('undo it');
      }),
      { message: 'undo it' },
    );
    assert.equal(await world.first.dump(), before);
  });
});
