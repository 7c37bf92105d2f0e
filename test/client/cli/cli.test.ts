import assert from 'node:assert/strict';
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
  it('prints DDL that a server takes, also twice, and that makes both tables', async () => {
    const { status, out } = await call('undo-log', '--ddl');
    assert.equal(status, 0);
    const statements = out.split(';\n').filter((statement) => statement.trim() !== '');
    const [server] = await servers();
    const database = await server.createDatabase();
    await server.execute([...statements, ...statements], database);
    const tables = await server.dump(database, { except: [] });
    assert.match(tables, /^== undo_log$/m);
    assert.match(tables, /^== globaltx_resource$/m);
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
