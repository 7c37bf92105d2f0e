import assert from 'node:assert/strict';
import mysql, { type Connection } from 'globaltx/mysql2/promise';
import { createConnection, type Connection as PlainConnection, type RowDataPacket } from 'mysql2/promise';
import { result } from './local-work.js';
import { eventually, makeWorld, settled, type World } from './world.js';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a plain read that ends the local transaction', () => {
  let world: World;
  let outside: PlainConnection;
  let connection: Connection;
  let untouched: string;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE account (id INT PRIMARY KEY, balance INT NOT NULL)',
        'INSERT INTO account VALUES (1, 100), (2, 100), (3, 100), (4, 100), (5, 100)',
        'CREATE TABLE note (id INT PRIMARY KEY, body VARCHAR(20))',
        "INSERT INTO note VALUES (1, 'kept')",
      ],
    });
    untouched = await world.first.dump();
  });

  after(() => world.close());

  beforeEach(async () => {
    const options = world.first.server.options(world.first.name);
    outside = await createConnection(options);
    connection = await mysql.createConnection(options);
    await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE');
  });

  afterEach(async () => {
    await Promise.all([outside.end(), connection.end()]);
    await world.first.execute('UPDATE account SET balance = 100');
  });

  /** Has a read of the connection's be the victim of a deadlock: whoever has written less is. */
  async function readUntilDeadlock(): Promise<void> {
    await outside.query('BEGIN');
    await outside.query('UPDATE account SET balance = 101 WHERE id > 1');
    await connection.query('BEGIN');
    await connection.query('UPDATE account SET balance = 7 WHERE id = 1');
    const blocked = result(outside.query('UPDATE account SET balance = balance WHERE id = 1'));
    await eventually('the other waits', async () => {
      // Asked more often than every 100 ms, MariaDB answers what it has answered before.
      await pause(150);
      const [waiting] = await world.first.pool.query<RowDataPacket[]>(
        "SELECT trx_id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
      );
      return waiting.length > 0;
    });
    assert.equal(await result(connection.query('SELECT * FROM account WHERE id = 2')), 'ER_LOCK_DEADLOCK');
    assert.equal(await blocked, 'done');
    await outside.query('ROLLBACK');
  }

  for (const [which, prelude] of [
    ['a first one', async () => {}],
    [
      'one whose BEGIN has travelled with its first write',
      async () => {
        await connection.query('BEGIN');
        await connection.query('ROLLBACK');
      },
    ],
  ] as const) {
    it(`leaves nothing behind of ${which}, and what is written afterwards is taken back with the rest`, async () => {
      const outcome = await result(
        world.gtx.run({ name: 'serializable' }, async () => {
          await prelude();
          await readUntilDeadlock();
          await connection.query("UPDATE note SET body = 'lost' WHERE id = 1");
          await connection.query('ROLLBACK');
          throw Object.assign(new Error('given up'), { code: 'GIVEN_UP' });
        }),
      );
      assert.equal(outcome, 'GIVEN_UP');
      await settled(world);
      assert.equal(await world.first.dump(), untouched);
    });
  }

  it('outside of a global transaction does not keep the connection from the next one', async () => {
    await readUntilDeadlock();
    const write = () => connection.query('UPDATE account SET balance = 50 WHERE id = 1');
    assert.equal(await result(world.gtx.run({ name: 'after a deadlock' }, write)), 'done');
    const [rows] = await outside.query('SELECT balance FROM account WHERE id = 1');
    assert.deepEqual(rows, [{ balance: 50 }]);
    await settled(world);
  });

  it('is told what the application has made of the session, not how globaltx guards it', async () => {
    await world.gtx.run({ name: 'guarded' }, async () => {
      await connection.query('BEGIN');
      await connection.query('ROLLBACK');
      await connection.query('BEGIN');
      await connection.query('UPDATE account SET balance = 60 WHERE id = 1');
      const [rows] = await connection.query<RowDataPacket[]>(
        "SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_read_only', 'tx_read_only')",
      );
      assert.equal(rows[0]!.Value, 'OFF');
      await connection.query('COMMIT');
    });
    await settled(world);
  });
});
