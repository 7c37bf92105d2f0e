import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import mysql from 'globaltx/mysql2/promise';
import { eventually, makeWorld, OWN_TABLES, type World } from './world.js';

const WORKER = fileURLToPath(new URL('worker-process.js', import.meta.url));

describe('when a service is killed in the middle of a global transaction', () => {
  let world: World;
  let database: string;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    world = await makeWorld({ tables: [] });
    database = await world.first.server.createDatabase('killed');
    await world.first.server.execute(
      [
        'CREATE TABLE account (id INT PRIMARY KEY, balance INT NOT NULL)',
        'INSERT INTO account VALUES (1, 100)',
      ],
      database,
    );
  });

  afterEach(async () => {
    for (const child of children.splice(0)) await kill(child);
    await world.close();
  });

  const dump = () => world.first.server.dump(database, { except: OWN_TABLES });

  /** Starts a service; resolves when it has said its first word. */
  async function start(...sql: readonly string[]): Promise<ChildProcess> {
    const { address } = world.coordinator;
    const args = [WORKER, address, String(world.first.server.port), database, ...sql];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const said = await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')]);
    assert.match(String(said[0]), /^(written|ready)/);
    return child;
  }

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  it('another process that has the database finishes what it left', async () => {
    const before = await dump();
    const child = await start('UPDATE account SET balance = 5 WHERE id = 1');
    assert.notEqual(await dump(), before, 'the branch is committed locally');
    await kill(child);
    const pool = mysql.createPool(world.first.server.options(database));
    try {
      await eventually('the branch is rolled back', async () => (await dump()) === before);
    } finally {
      await pool.end();
    }
  });

  it('the service itself finishes it, as soon as it is up again and has its pool', async () => {
    const before = await dump();
    await kill(await start('UPDATE account SET balance = 5 WHERE id = 1'));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.notEqual(await dump(), before, 'nobody has the database, so nobody can have restored it');
    await start();
    await eventually('the branch is rolled back', async () => (await dump()) === before);
  });
});
