import assert from 'node:assert/strict';
import { connect } from 'node:net';
import mysql, { type Connection } from 'globaltx/mysql2/promise';
import { createConnection, type Connection as PlainConnection, type RowDataPacket } from 'mysql2/promise';
import { type DatabaseServer, type PrivateServer, startServer } from '../support/servers.js';
import { result } from './local-work.js';
import { makeWorld, type World } from './world.js';

const TABLES = [
  'CREATE TABLE account (id INT PRIMARY KEY, balance TINYINT NOT NULL)',
  'INSERT INTO account VALUES (1, 100), (2, 100)',
  'CREATE TABLE purse (id INT PRIMARY KEY, balance TINYINT NOT NULL)',
  'INSERT INTO purse VALUES (1, 100), (2, 100)',
];

/** Nothing of a statement may be kept for which there is no undo log, whatever has made it fail. */
describe('an error that is not what it looks like', () => {
  let world: World;
  let server: DatabaseServer;
  let name: string;
  let outside: PlainConnection;
  let connection: Connection;

  before(async () => {
    world = await makeWorld({ tables: [] });
    server = world.first.server;
  });

  after(() => world.close());

  beforeEach(async () => {
    name = await server.createDatabase();
    await server.execute(TABLES, name);
    outside = await createConnection(server.options(name));
    connection = await mysql.createConnection(server.options(name));
  });

  afterEach(() => Promise.all([outside.end(), connection.end()]));

  /** Runs work in a local transaction of a global one, commits the one and rolls back the other. */
  async function takenBack(work: () => Promise<void>): Promise<void> {
    const failed = world.gtx.run({ name: 'taken back' }, async () => {
      await connection.query('BEGIN');
      await work();
      await connection.query('COMMIT');
      throw new Error('given up');
    });
    await assert.rejects(failed, /given up/);
  }

  async function balances(): Promise<number[]> {
    const [rows] = await outside.query<RowDataPacket[]>(
      'SELECT balance FROM account UNION ALL SELECT balance FROM purse',
    );
    return rows.map(({ balance }) => balance as number);
  }

  for (const statement of [
    "UPDATE account SET balance = balance - '1x' WHERE id = 1 LIMIT 1",
    "UPDATE account SET balance = balance - '1x' WHERE id < 2",
    "INSERT INTO account VALUES (3, '3x')",
    "DELETE FROM account WHERE id = '1x'",
  ])
    it(`that meets the question for the warnings leaves its statement what it is: ${statement}`, async () => {
      await connection.query("SET sql_mode = ''");
      const { stream } = (
        connection as unknown as { connection: { stream: { write(...args: unknown[]): boolean } } }
      ).connection;
      const write = stream.write.bind(stream);
      let spoilt = 0;
      // As if KILL QUERY had hit it.
      stream.write = (buffer, ...rest) => {
        const at = (buffer as Buffer).indexOf('SHOW WARNINGS');
        if (at < 0) return write(buffer, ...rest);
        spoilt += 1;
        const other = Buffer.from(buffer as Buffer);
        other.write('WARNINGS SHOW', at);
        return write(other, ...rest);
      };
      await takenBack(async () => {
        assert.equal(await result(connection.query(statement)), 'done');
        assert.equal(await result(connection.query('SHOW WARNINGS')), 'STATEMENT_UNSUPPORTED');
      });
      assert.equal(spoilt, 1);
      assert.deepEqual(await balances(), [100, 100, 100, 100]);
    });

  it('that says a connection is lost, but one of our own, leaves the local transaction what it is', async () => {
    // The server is not ours alone, but this user's connections are.
    const user = name.slice(-30);
    await server.execute([`CREATE USER '${user}'@'%'`, `GRANT ALL ON *.* TO '${user}'@'%'`]);
    const { port } = server;
    let refuses = false;
    const stream = () => connect({ host: '127.0.0.1', port: refuses ? 1 : port });
    const behind = await mysql.createConnection({ ...server.options(name), user, stream });
    const failed = world.gtx.run({ name: 'private' }, async () => {
      await behind.query('BEGIN');
      await behind.query('UPDATE account SET balance = 7 WHERE id = 1');
      refuses = true;
      const [own] = await outside.query<RowDataPacket[]>(
        'SELECT ID FROM information_schema.PROCESSLIST WHERE USER = ? AND ID <> ?',
        [user, behind.threadId],
      );
      assert.notEqual(own.length, 0);
      for (const { ID } of own) await outside.query(`KILL ${ID}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
      // Its table is not known yet.
      assert.equal(await result(behind.query('UPDATE purse SET balance = 7 WHERE id = 1')), 'ECONNREFUSED');
      refuses = false;
      await behind.query('COMMIT');
      throw new Error('given up');
    });
    await assert.rejects(failed, /given up/);
    await behind.end();
    assert.deepEqual(await balances(), [100, 100, 100, 100]);
  });

  it('that is a deadlock, but one of GET_LOCK(), leaves nothing that a COMMIT would keep', async () => {
    await outside.query("SELECT GET_LOCK('b', 1)");
    await takenBack(async () => {
      await connection.query('UPDATE account SET balance = 7 WHERE id = 1');
      await connection.query("SELECT GET_LOCK('a', 1)");
      const other = result(outside.query("SELECT GET_LOCK('a', 10)"));
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.match(String(await result(connection.query("SELECT GET_LOCK('b', 10)"))), /LOCK_DEADLOCK/);
      await connection.query("SELECT RELEASE_LOCK('a')");
      assert.equal(await other, 'done');
    });
    assert.deepEqual(await balances(), [100, 100, 100, 100]);
  });

  for (const control of ['ROLLBACK', 'ROLLBACK TO before_it', 'ROLLBACK AND CHAIN'])
    it(`that mysql2 has stopped listening leaves nothing open that may be over: ${control}`, async () => {
      const { stream } = (
        connection as unknown as { connection: { stream: { write(...args: unknown[]): boolean } } }
      ).connection;
      const write = stream.write.bind(stream);
      await takenBack(async () => {
        await connection.query('SAVEPOINT before_it');
        await connection.query('UPDATE account SET balance = 7 WHERE id = 1');
        stream.write = (...args) => {
          setTimeout(() => write(...args), 300);
          return true;
        };
        assert.equal(
          await result(connection.query({ sql: control, timeout: 100 })),
          'PROTOCOL_SEQUENCE_TIMEOUT',
        );
        stream.write = write;
        assert.equal(
          await result(connection.query('UPDATE account SET balance = 8 WHERE id = 2')),
          'TRANSACTION_NOT_ACTIVE',
        );
        assert.deepEqual(await balances(), [100, 100, 100, 100]);
        await connection.query('ROLLBACK');
        await connection.query('BEGIN');
        await connection.query('UPDATE account SET balance = 9 WHERE id = 1');
      });
      assert.deepEqual(await balances(), [100, 100, 100, 100]);
    });

  describe('where a time-out rolls back', () => {
    let own: PrivateServer;

    before(async function () {
      this.timeout(120_000);
      own = await startServer({ arguments: ['--innodb-rollback-on-timeout=ON'], flushLogAtCommit: 2 });
      server = own;
    });

    after(() => own.stop());

    for (const statement of ['UPDATE purse SET balance = 7 WHERE id = 1', 'SELECT balance FROM purse'])
      it(`that is a time-out, but of a metadata lock, leaves nothing that a COMMIT would keep: ${statement}`, async () => {
        await connection.query('SET SESSION lock_wait_timeout = 1');
        await world.gtx.run({ name: 'known' }, () =>
          connection.query('UPDATE purse SET balance = 99 WHERE id = 2'),
        );
        await takenBack(async () => {
          await connection.query('UPDATE account SET balance = 7 WHERE id = 1');
          await outside.query('LOCK TABLES purse WRITE');
          assert.equal(await result(connection.query(statement)), 'ER_LOCK_WAIT_TIMEOUT');
          await outside.query('UNLOCK TABLES');
        });
        assert.deepEqual(await balances(), [100, 100, 100, 99]);
      });
  });
});
