import assert from 'node:assert/strict';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { cli } from '../../../src/client/cli/cli.js';
import { servers } from '../../support/servers.js';

async function call(...args: string[]): Promise<{ status: number; out: string; error: string }> {
  let out = '';
  let error = '';
  const status = await cli(args, {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
  });
  return { status, out, error };
}

describe('The command globaltx', () => {
  it('prints SQL that a server takes, also twice, that makes both tables and names the database', async () => {
    const { status, out } = await call('undo-log', '--ddl');
    assert.equal(status, 0);
    const statements = out.split(';\n').filter((statement) => statement.trim() !== '');
    const [server] = await servers();
    const database = await server.createDatabase();
    const other = await server.createDatabase();
    const names: unknown[] = [];
    for (const each of [database, other]) {
      await server.execute([...statements, ...statements], each);
      const tables = await server.dump(each, { except: [] });
      assert.match(tables, /^== undo_log$/m);
      const connection = await createConnection(server.options(each));
      const [[named]] = await connection.query<RowDataPacket[]>('SELECT value FROM globaltx_resource');
      await connection.end();
      names.push(named?.value);
    }
    // The same text may be run in many databases, as a migration is: each has a name of its own.
    assert.match(String(names[0]), /^[0-9a-f-]{36}$/);
    assert.notEqual(names[0], names[1]);
  });

  it('qualifies the tables with a schema, whatever its name', async () => {
    const { out } = await call('undo-log', '--ddl', '--schema', 'a`b');
    assert.match(out, /`a``b`\.`undo_log`/);
    assert.match(out, /`a``b`\.`globaltx_resource`/);
  });

  it('explains itself and every command', async () => {
    assert.match((await call('--help')).out, /undo-log/);
    assert.match((await call('undo-log', '--help')).out, /usage: globaltx undo-log/);
    assert.match((await call('--version')).out, /^\d+\.\d+\.\d+\n$/);
  });

  it('says what is wrong with a call, on the error output, and ends with status 2', async () => {
    for (const args of [[], ['nonsense'], ['undo-log'], ['undo-log', '--nonsense']]) {
      const { status, out, error } = await call(...args);
      assert.equal(status, 2, args.join(' '));
      assert.equal(out, '');
      assert.match(error, /usage: globaltx/);
    }
    assert.match((await call('undo-log', '--nonsense')).error, /--nonsense/);
  });
});
