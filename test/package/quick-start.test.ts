import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type RunningCoordinator, startCoordinator } from '../support/coordinator.js';
import { freePort } from '../support/free-port.js';
import { keepProcess, removeFolder } from '../support/keeper.js';
import { servers } from '../support/servers.js';
import { INSTALL_MS, installPackage } from './install.js';

const run = promisify(execFile);
const page = fileURLToPath(new URL('../../../docs/quick-start.md', import.meta.url));

/** The files that a reader is told to save, by name. */
function filesIn(text: string): Map<string, string> {
  const files = text.matchAll(/Save this as `([^`]+)`.*?```js\n(.*?)```/gs);
  return new Map(Array.from(files, ([, name, code]) => [name as string, code as string]));
}

describe('The quick start', () => {
  let folder: string;
  let coordinator: RunningCoordinator;
  let environment: NodeJS.ProcessEnv;
  let south: ChildProcess | undefined;
  let port: number;

  async function save(name: string, code: string | undefined): Promise<void> {
    assert.ok(code, `the page has no ${name}`);
    await writeFile(join(folder, name), code.replaceAll('8092', String(port)));
  }

  async function node(...args: string[]): Promise<string> {
    const { stdout } = await run(process.execPath, args, { cwd: folder, env: environment });
    return stdout;
  }

  before(async function () {
    this.timeout(INSTALL_MS);
    ({ folder } = await installPackage());
    port = await freePort();
    const [server] = await servers();
    coordinator = await startCoordinator();
    environment = {
      ...process.env,
      SERVER: `mysql://root@${server.host}:${server.port}`,
      GLOBALTX_COORDINATOR: coordinator.address,
    };
  });

  after(async () => {
    south?.kill('SIGKILL');
    await coordinator?.stop();
    await removeFolder(folder);
    const [server] = await servers();
    await server.execute(['DROP DATABASE IF EXISTS bank_north', 'DROP DATABASE IF EXISTS bank_south']);
  });

  it('does what it says, word for word', async () => {
    const text = await readFile(page, 'utf8');
    const files = filesIn(text);
    for (const [name, code] of files) await save(name, code);

    await node('create.mjs');
    assert.equal(await node('transfer.mjs', '30'), 'committed\nnorth 70, south 130\n');
    assert.equal(
      await node('transfer.mjs', '60'),
      'rolled back: no more than 50 at a time\nnorth 70, south 130\n',
    );

    south = spawn(process.execPath, ['south.mjs'], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    keepProcess(south);
    assert.ok(south.stdout);
    assert.match(String(await once(south.stdout, 'data')), /south listens/);

    const [, instead] = /write:\n\n```js\n(.*?)\n```/s.exec(text) ?? [];
    assert.ok(instead, 'the page does not say what to write instead');
    const transfer = files.get('transfer.mjs') ?? '';
    await save('transfer.mjs', transfer.replace(/^ *await south\.execute.*$/m, instead));
    assert.equal(await node('transfer.mjs', '10'), 'committed\nnorth 60, south 140\n');
    assert.equal(
      await node('transfer.mjs', '60'),
      'rolled back: no more than 50 at a time\nnorth 60, south 140\n',
    );
    for (const told of [
      'north 70, south 130',
      'north 60, south 140',
      'rolled back: no more than 50 at a time',
    ]) {
      assert.ok(text.includes(told), `the page does not say: ${told}`);
    }
  });
});
