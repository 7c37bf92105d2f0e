import assert from 'node:assert/strict';
import { createConnection } from 'mysql2/promise';
import { PrivateServer } from '../support/servers.js';
import { BINARY_LOG_ARGUMENTS, BinaryLog, netEffect } from './binary-log.js';

const TABLE = `CREATE TABLE t (
  id INT PRIMARY KEY, tiny TINYINT, small SMALLINT, medium MEDIUMINT, big BIGINT, bits BIT(11),
  price DECIMAL(23, 7), single FLOAT, wide DOUBLE, fixed CHAR(9), long_fixed CHAR(100) CHARACTER SET utf8mb4,
  text_8 VARCHAR(20), text_16 VARCHAR(400), body LONGTEXT, bytes VARBINARY(9), blob_24 MEDIUMBLOB,
  choice ENUM('a', 'b'), flags SET('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'), day DATE, moment DATETIME(6),
  stamp TIMESTAMP(3) NULL, clock TIME(5), made YEAR, place POINT, twice INT AS (tiny * 2) VIRTUAL, document JSON
)`;

const ROW =
  "INSERT INTO t VALUES (1, -1, 300, 70000, 9223372036854775807, b'10000000001', -12345.6789, 1.1, -0e0, 'a', 'ä', " +
  "'x', 'y', REPEAT('z', 70000), X'00ff', 'blob', 'b', 'a,i', '2024-02-29', '2024-02-29 12:34:56.789012', " +
  "'2024-02-29 12:34:56.789', '-100:00:00.5', 2024, ST_GeomFromText('POINT(1 2)'), DEFAULT, '{\"a\": 1}')";

/** Changes that a rollback could leave behind, each as small as its type allows. */
const SLIPS: readonly string[] = [
  'tiny = 1',
  'big = 9223372036854775806',
  "bits = b'1'",
  'price = price + 0.0000001',
  'single = 1.1000001',
  'wide = 5e-324',
  "fixed = 'A'",
  "long_fixed = 'a'",
  "text_8 = 'x '",
  "text_16 = ''",
  "body = CONCAT(body, ' ')",
  'bytes = NULL',
  "blob_24 = 'blo'",
  "choice = 'a'",
  "flags = 'a'",
  "moment = '2024-02-29 12:34:56.789013'",
  "stamp = '2024-02-29 12:34:56.788'",
  "clock = '-100:00:00.50001'",
  'made = 2023',
  "place = ST_GeomFromText('POINT(2 1)')",
];

describe('The check of the fuzzer by the binary log', function () {
  this.timeout(120_000);
  let server: PrivateServer;
  let log: BinaryLog;
  let run: (sql: string) => Promise<unknown>;

  before(async () => {
    server = await PrivateServer.start({
      flushLogAtCommit: 0,
      binaryLog: true,
      arguments: BINARY_LOG_ARGUMENTS,
    });
    const connection = await createConnection({ ...server.options(), rowsAsArray: true });
    run = (sql) => connection.query(sql);
    const ask = async (sql: string) => (await connection.query(sql))[0] as unknown as unknown[][];
    for (const sql of ['CREATE DATABASE one', 'USE one', TABLE, ROW]) await run(sql);
    const opened = await BinaryLog.at({ ask }, ['one']);
    assert.ok(opened);
    log = opened;
  });

  after(async () => {
    await log.close();
    await server.stop();
  });

  const effect = async () => netEffect(await log.changes(), (_, table) => table);

  it('sees nothing left of changes that were undone', async () => {
    await run('START TRANSACTION');
    await run("UPDATE t SET tiny = 5, body = 'other', id = 7");
    await run('DELETE FROM t');
    await run(ROW);
    await run('COMMIT');
    assert.deepEqual(await effect(), []);
  });

  it('sees nothing of changes that were never committed, or are in another database', async () => {
    await run('START TRANSACTION');
    await run('DELETE FROM t');
    await run('ROLLBACK');
    await run('CREATE DATABASE two');
    await run('CREATE TABLE two.t (id INT PRIMARY KEY)');
    await run('INSERT INTO two.t VALUES (1)');
    assert.deepEqual(await effect(), []);
  });

  for (const slip of SLIPS) {
    it(`sees what a rollback has left behind: ${slip}`, async () => {
      await run(`UPDATE t SET ${slip}`);
      assert.equal((await effect()).length, 2);
      await run('DELETE FROM t');
      await run(ROW);
      assert.equal((await effect()).length, 2);
    });
  }

  it('sees a row that is gone, and one too many', async () => {
    await run('INSERT INTO t (id) VALUES (2)');
    const [added] = await effect();
    assert.match(added ?? '', /^\+1 t: 02000000 NULL/);
    await run('DELETE FROM t WHERE id = 2');
    assert.deepEqual(await effect(), [(added ?? '').replace('+1', '-1')]);
  });
});
