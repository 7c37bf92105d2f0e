import assert from 'node:assert/strict';
import { makeWorld, settled, type World } from './world.js';

describe('an undo log that was made for an older Seata', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE item (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20)) AUTO_INCREMENT = 700',
        'CREATE TABLE undo_log (id BIGINT NOT NULL AUTO_INCREMENT, branch_id BIGINT NOT NULL, xid VARCHAR(100) NOT NULL, ' +
          'context VARCHAR(128) NOT NULL, rollback_info LONGBLOB NOT NULL, log_status INT NOT NULL, ' +
          'log_created DATETIME NOT NULL, log_modified DATETIME NOT NULL, ext VARCHAR(100) DEFAULT NULL, ' +
          'PRIMARY KEY (id), UNIQUE KEY ux_undo_log (xid, branch_id)) AUTO_INCREMENT = 5',
      ],
    });
  });

  after(() => world.close());

  it('serves as it is, and its own counter does not show in LAST_INSERT_ID()', async () => {
    const seen = await world.gtx.run({ name: 'insert' }, async () => {
      const connection = await world.first.pool.getConnection();
      try {
        const [header] = await connection.query("INSERT INTO item (name) VALUES ('nut')");
        const [rows] = await connection.query('SELECT LAST_INSERT_ID() AS id');
        return [(header as { insertId: number }).insertId, (rows as { id: number }[])[0]?.id];
      } finally {
        connection.release();
      }
    });
    assert.deepEqual(seen, [700, 700]);
    await settled(world);
  });
});
