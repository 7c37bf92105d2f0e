import assert from 'node:assert/strict';
import type { GlobalTxError } from 'globaltx';
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
      `CREATE TABLE doubled (v INT NOT NULL, twice INT AS (v * 2) STORED, ${key})`,
      'INSERT INTO doubled (v) VALUES (1)',
    ]);
  });

  after(() => world.close());

  for (const table of ['stamped', 'doubled']) {
    it(`is what it was after a rollback, or was not touched at all (${table})`, async () => {
      const before = await world.first.dump();
      const undo = new Error('undo it');
      await world.gtx
        .run({ name: table }, async () => {
          await world.first.pool.query(`UPDATE ${table} SET v = v + 1`);
          throw undo;
        })
        .catch((error: unknown) => {
          if (error !== undo)
            assert.equal((error as GlobalTxError).code, 'STATEMENT_UNSUPPORTED', String(error));
        });
      assert.equal(await world.first.dump(), before);
      await settled(world);
    });
  }
});
