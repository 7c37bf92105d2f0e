import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { servers, startServer } from './servers.js';

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
    return false;
  }
}

describe('The test harness', () => {
  it('gives two servers that do not share databases', async () => {
    const [first, second] = await servers();
    const database = await first.createDatabase();
    await first.execute('CREATE TABLE t (id INT PRIMARY KEY)', database);
    await assert.rejects(second.execute('SELECT 1 FROM t', database), { code: 'ER_BAD_DB_ERROR' });
  });

  it('dumps a database so that every changed byte shows, and nothing else does', async () => {
    const [server] = await servers();
    const database = await server.createDatabase();
    await server.execute(
      [
        `CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, f FLOAT, d DOUBLE, s VARCHAR(20) COLLATE utf8mb4_general_ci,
         l VARCHAR(20) CHARACTER SET latin1, b BLOB, e ENUM('', 'x'), bits BIT(64), at TIMESTAMP(6) NULL, j JSON,
         g POINT, n DECIMAL(30, 10), y YEAR)`,
        `INSERT INTO t VALUES (1, 0.1, 0.1, 'a', 'é', x'00ff', '', b'1', '2024-01-01 00:00:00.000001', '{"a": 1}',
         POINT(1, 2), 1.5, 2024)`,
      ],
      database,
    );
    const before = await server.dump(database);
    assert.equal(await server.dump(database), before);
    const row = before.split('\n').findLast((line) => line.includes(' | '));
    assert.match(row ?? '', / \| E9 \| 00FF \| 1:/, 'bytes in the character set of the column');
    for (const change of [
      'f = 0.10000001',
      'd = 0.1e0 + 0.2e0 - 0.2e0',
      "s = 'A'",
      "s = 'a '",
      'l = NULL',
      "b = x'00fe'",
      'bits = 18446744073709551615',
      "at = '2024-01-01 00:00:00.000002'",
      'g = POINT(1, 3)',
      'n = 1.5000000001',
    ]) {
      await server.execute(['CREATE TABLE copy AS SELECT * FROM t', `UPDATE t SET ${change}`], database);
      assert.notEqual(await server.dump(database, { except: ['copy'] }), before, change);
      await server.execute(
        ['DELETE FROM t', 'INSERT INTO t SELECT * FROM copy', 'DROP TABLE copy'],
        database,
      );
      assert.equal(await server.dump(database), before, `after undoing ${change}`);
    }
    await server.execute(["INSERT INTO t (s) VALUES ('x')", "DELETE FROM t WHERE s = 'x'"], database);
    assert.equal(await server.dump(database), before, 'the AUTO_INCREMENT counter is no difference');
  });

  it('starts a server of its own that keeps committed rows through kill -9', async () => {
    const server = await startServer();
    try {
      const database = await server.createDatabase();
      await server.execute(['CREATE TABLE t (id INT PRIMARY KEY)', 'INSERT INTO t VALUES (7)'], database);
      const before = await server.dump(database);
      await server.kill('SIGKILL');
      assert.equal(server.pid, undefined);
      await assert.rejects(server.execute('SELECT 1'), { code: 'ECONNREFUSED' });
      await server.start();
      assert.equal(await server.dump(database), before);
      await server.restart();
      assert.equal(await server.dump(database), before);
    } finally {
      await server.stop();
    }
  });

  it('leaves neither a process nor a folder behind when it is killed by -9', async () => {
    const script = `
      import { startServer } from '${new URL('./servers.js', import.meta.url)}';
      const { pid, socketPath } = await startServer();
      console.log(JSON.stringify({ pid, socketPath }));
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    const { pid, socketPath } = JSON.parse(String(line)) as { pid: number; socketPath: string };
    const folder = dirname(socketPath);
    assert.ok(isRunning(pid) && existsSync(folder));
    child.kill('SIGKILL');
    while (isRunning(pid) || existsSync(folder)) await delay(50);
  });

  it('gives the server that was asked for, durable by default', async () => {
    const [server] = await servers();
    const connection = await createConnection(server.options());
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT VERSION() AS version, @@innodb_flush_log_at_trx_commit AS flush',
    );
    await connection.end();
    assert.equal(/mariadb/i.test(rows[0]?.version), server.kind === 'mariadb');
    assert.equal(rows[0]?.flush, 1);
  });
});
