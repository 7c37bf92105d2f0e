import assert from 'node:assert/strict';
import globaltx from 'globaltx/mysql2/promise';
import plain from 'mysql2/promise';
import { makeWorld, type World } from './world.js';

type Driver = typeof plain;

describe('outside of a global transaction the driver', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: ['CREATE TABLE item (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20))'],
    });
  });

  after(() => world.close());

  /** What the server counts for one connection: statements, and packets' bytes, sent and received. */
  async function counted(driver: Driver): Promise<Record<string, number>> {
    const connection = await driver.createConnection(world.first.server.options(world.first.name));
    try {
      await connection.query("INSERT INTO item (name) VALUES ('a'), ('b')");
      await connection.execute('UPDATE item SET name = ? WHERE id = ?', ['c', 1]);
      await connection.execute('UPDATE item SET name = ? WHERE id = ?', ['c', 1]);
      await connection.beginTransaction();
      await connection.query('DELETE FROM item');
      await connection.query('SELECT * FROM item FOR UPDATE');
      await connection.rollback();
      await connection.query('TRUNCATE item');
      const [rows] = await connection.query(
        "SHOW SESSION STATUS WHERE Variable_name IN ('Questions', 'Bytes_received', 'Com_stmt_prepare', 'Com_stmt_execute', 'Com_begin', 'Com_select')",
      );
      return Object.fromEntries(
        (rows as { Variable_name: string; Value: string }[]).map((row) => [
          row.Variable_name,
          Number(row.Value),
        ]),
      );
    } finally {
      await connection.end();
    }
  }

  it('sends the very bytes that mysql2 sends: no statement more, no byte more', async () => {
    const expected = await counted(plain);
    assert.ok(expected.Questions! > 8);
    assert.deepEqual(await counted(globaltx as unknown as Driver), expected);
  });

  it('hands out the connections, pools and errors of mysql2 itself', async () => {
    const connection = await globaltx.createConnection(world.first.server.options(world.first.name));
    assert.ok(connection instanceof globaltx.Connection);
    assert.equal(globaltx.Connection, plain.Connection);
    const error = await connection.query('SELECT nothing FROM nowhere').catch((thrown: unknown) => thrown);
    assert.equal((error as { code: string }).code, 'ER_NO_SUCH_TABLE');
    await connection.end();
  });
});
