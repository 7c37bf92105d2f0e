import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { SqlExecutor } from '../../../../src/client/at/executor.js';
import { ensureUndoLog } from '../../../../src/client/at/resource/identity.js';
import { createSessionSource, type PrivateSessions } from '../../../../src/client/at/resource/raw-session.js';
import { deleteUndoLogsSql, insertDefenceSql } from '../../../../src/client/at/undo/undo-log.js';
import { GlobalTxError } from '../../../../src/protocol/errors.js';
import { freePort } from '../../../support/free-port.js';
import { type DatabaseServer, servers, startServer } from '../../../support/servers.js';

async function connectionId(executor: SqlExecutor): Promise<number> {
  const { rows } = await executor.query('SELECT CONNECTION_ID()');
  return Number(rows[0]?.[0]);
}

describe('The private sessions', () => {
  let server: DatabaseServer;
  let source: PrivateSessions;

  beforeEach(async () => {
    [server] = await servers();
    source = createSessionSource(server.options(), { limit: 2 });
  });

  afterEach(() => source.close());

  it('are opened when they are needed, used again, and never more than their limit', async () => {
    let running = 0;
    let most = 0;
    const ids = await Promise.all(
      Array.from({ length: 12 }, () =>
        source.withSession(async (executor) => {
          running += 1;
          most = Math.max(most, running);
          const id = await connectionId(executor);
          await delay(5);
          running -= 1;
          return id;
        }),
      ),
    );
    assert.equal(most, 2);
    assert.equal(new Set(ids).size, 2);
    assert.ok(ids.includes(await source.withSession(connectionId)));
  });

  it('read in UTC, take any date, and lock no gaps', async () => {
    const result = await source.withSession(async (executor) => {
      const isolation = server.kind === 'mysql' ? '@@transaction_isolation' : '@@tx_isolation';
      return executor.query(
        `SELECT @@time_zone, ${isolation}, @@character_set_client, @@autocommit, @@sql_mode, @@innodb_lock_wait_timeout`,
      );
    });
    const [zone, isolation, charset, autocommit, mode, wait] = result.rows[0]!.map(String);
    assert.deepEqual(
      [zone, isolation, charset, autocommit, wait],
      ['+00:00', 'READ-COMMITTED', 'utf8mb4', '1', '3'],
    );
    for (const word of ['NO_AUTO_VALUE_ON_ZERO', 'ALLOW_INVALID_DATES'])
      assert.ok(mode?.includes(word), mode);
  });

  it('may write where the binary log is one of statements', async () => {
    const own = await startServer({
      flushLogAtCommit: 2,
      binaryLog: true,
      arguments: ['--binlog-format=STATEMENT'],
    });
    const sessions = createSessionSource(own.options());
    try {
      const schema = await own.createDatabase('binlog');
      await sessions.withSession(async (executor) => {
        await ensureUndoLog(executor, schema);
        await executor.query(insertDefenceSql(schema, { xid: 'x', branchId: '1' }));
        await executor.query(deleteUndoLogsSql(schema, [{ xid: 'x', branchId: '1' }]));
      });
    } finally {
      sessions.close();
      await own.stop();
    }
  });

  it('give the bytes that the server sent, whatever the options of the application say', async () => {
    const options = {
      ...server.options(),
      rowsAsArray: false,
      typeCast: () => 'cast',
      dateStrings: true,
      charset: 'latin1',
    };
    const own = createSessionSource(options);
    try {
      const { fields, rows } = await own.withSession((executor) =>
        executor.query(
          "SELECT 1 AS a, NULL AS b, 'ä' AS c, 18446744073709551615 AS d, NOW() IS NOT NULL AS a",
        ),
      );
      assert.deepEqual(
        fields.map(({ name }) => name),
        ['a', 'b', 'c', 'd', 'a'],
      );
      assert.deepEqual(rows, [
        [Buffer.from('1'), null, Buffer.from('ä'), Buffer.from('18446744073709551615'), Buffer.from('1')],
      ]);
    } finally {
      own.close();
    }
  });

  it('are not used again after an error', async () => {
    const first = await source.withSession(connectionId);
    await assert.rejects(
      source.withSession(async (executor) => {
        await executor.query('START TRANSACTION');
        await executor.query('SELECT no_such_column');
      }),
      /no_such_column/,
    );
    assert.notEqual(await source.withSession(connectionId), first);
  });

  it('are replaced when the server has closed them', async () => {
    const first = await source.withSession(connectionId);
    await server.execute(`KILL ${first}`);
    await delay(50);
    assert.notEqual(await source.withSession(connectionId), first);
  });

  it('are closed when they have idled for long', async () => {
    const own = createSessionSource(server.options(), { idleMs: 20 });
    try {
      const first = await own.withSession(connectionId);
      await delay(100);
      assert.notEqual(await own.withSession(connectionId), first);
    } finally {
      own.close();
    }
  });

  it('say why when the server cannot be reached, and try again the next time', async () => {
    const own = createSessionSource({ ...server.options(), port: await freePort() }, { limit: 1 });
    try {
      for (let time = 0; time < 3; time += 1) {
        await assert.rejects(own.withSession(connectionId), { code: 'ECONNREFUSED' });
      }
    } finally {
      own.close();
    }
  });

  it('turn away whoever waits when they are closed', async () => {
    const busy = [1, 2].map(() => source.withSession((executor) => executor.query('SELECT SLEEP(0.2)')));
    const waiting = source.withSession(connectionId);
    source.close();
    const isClosed = (error: unknown) => error instanceof GlobalTxError && error.code === 'CLIENT_CLOSED';
    await assert.rejects(waiting, isClosed);
    await assert.rejects(source.withSession(connectionId), isClosed);
    await Promise.all(busy);
  });

  it('do not keep the process alive while they idle', async () => {
    const module = new URL('../../../../src/client/at/resource/raw-session.js', import.meta.url).href;
    const script = `
      const { createSessionSource } = await import(${JSON.stringify(module)});
      const source = createSessionSource(${JSON.stringify(server.options())});
      const one = await source.withSession((executor) => executor.query('SELECT 1'));
      const again = await source.withSession((executor) => executor.query('SELECT SLEEP(0.3)'));
      console.log(one.rows.length + again.rows.length);
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 10_000,
    });
    assert.equal(stdout.trim(), '2');
  });
});
