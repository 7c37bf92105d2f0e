import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import { environmentName, OPTIONS, type OptionName } from '../../src/server/options.js';
import { type RunningCoordinator, startCoordinator } from '../support/coordinator.js';
import { removeFolder, temporaryFolder } from '../support/keeper.js';
import { RawClient } from '../support/raw-client.js';

const MAIN = fileURLToPath(new URL('../../src/server/main.js', import.meta.url));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      { env: { ...process.env, ...env } },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

describe('The command globaltx-server', () => {
  it('explains every flag with its variable and its default', async () => {
    const { code, stdout } = await run(['--help']);
    assert.equal(code, 0);
    for (const name of Object.keys(OPTIONS) as OptionName[]) {
      assert.match(
        stdout,
        new RegExp(`--${name} \\S+\\n(      .+\\n)+?      \\[${environmentName(name)}, default: .+\\]`),
      );
    }
    assert.match(stdout, /--verify DIR/);
    assert.ok(stdout.split('\n').every((line) => line.length <= 110));
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    assert.deepEqual(await run(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
  });

  const REFUSED: readonly (readonly [string, readonly string[], Record<string, string>])[] = [
    ['a flag that it does not know', ['--no-such-flag', '1'], {}],
    ['a port that is none', ['--listen', '127.0.0.1:65536'], {}],
    ['an address without a port', ['--listen', '127.0.0.1'], {}],
    ['a number that is none', ['--max-locks', '1e3'], {}],
    ['a time of nothing', ['--commit-patience-ms', '0'], {}],
    ['a level that does not exist', ['--log-level', 'loud'], {}],
    ['a wrong environment variable', [], { GLOBALTX_MAX_LOCKS: 'many' }],
    ['a word too many', ['serve'], {}],
  ];
  for (const [what, args, env] of REFUSED) {
    it(`refuses ${what}, names it, and starts nothing`, async () => {
      const { code, stdout, stderr } = await run(args, env);
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(stderr, /^globaltx-server: INVALID_OPTION: .*--help/);
    });
  }

  it('takes a setting from the environment, and the flag before it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'globaltx-env-'));
    const coordinator = await startCoordinator({
      env: { GLOBALTX_DATA: directory, GLOBALTX_LOG_LEVEL: 'debug' },
    });
    const client = await RawClient.connect(coordinator.address);
    await client.begin();
    client.close();
    await coordinator.stop();
    assert.ok(!existsSync(join(directory, 'log-0000000000000000')));
    assert.match(coordinator.log, /"msg":"transaction begun"/);
    await rm(directory, { recursive: true });
  });

  it('says that an address is taken, and ends', async () => {
    const coordinator = await startCoordinator();
    const directory = await mkdtemp(join(tmpdir(), 'globaltx-taken-'));
    const { code, stdout } = await run(['--listen', coordinator.address, '--data', directory]);
    assert.equal(code, 1);
    assert.match(stdout, /"code":"INVALID_OPTION".*"the coordinator cannot start"/);
    await coordinator.stop();
    await rm(directory, { recursive: true });
  });

  it('refuses a store that another coordinator has, and names that one', async () => {
    const coordinator = await startCoordinator();
    const { code, stdout } = await run(['--listen', '127.0.0.1:0', '--data', coordinator.dataDir]);
    assert.equal(code, 1);
    assert.match(stdout, new RegExp(`"code":"STORE_FAILED"|in use by the process ${coordinator.pid}`));
    await coordinator.stop();
  });

  it('verifies a store: sound, or what is wrong with it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'globaltx-verify-'));
    const coordinator = await startCoordinator({ dataDir: directory });
    const client = await RawClient.connect(coordinator.address);
    await client.enlist('r');
    await client.branch(await client.begin(), 'r', ['PRIMARY/1', 'PRIMARY/2']);
    await coordinator.kill();
    client.close();
    const sound = await run(['--verify', directory]);
    assert.equal(sound.code, 0, sound.stderr);
    assert.match(sound.stdout, /is sound: 1 transactions, 1 branches, 2 locks, \d+ facts\n$/);
    await rm(directory, { recursive: true });
    const missing = await run(['--verify', directory]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /STORE_FAILED/);
  });
});

describe('A coordinator that is told to end', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`sends its clients away on ${signal}, keeps what it acknowledged, and exits with 0`, async () => {
      const directory = await mkdtemp(join(tmpdir(), 'globaltx-term-'));
      const coordinator = await startCoordinator({ dataDir: directory });
      const client = await RawClient.connect(coordinator.address);
      const xids = await Promise.all(Array.from({ length: 50 }, () => client.begin()));
      await coordinator.kill(signal);
      assert.deepEqual(await coordinator.exited, { code: 0, signal: null });
      assert.equal((await client.ended).code, 14, 'UNAVAILABLE');
      assert.match((await client.ended).details, /shutting down/);
      client.close();
      await coordinator.restart();
      const again = await RawClient.connect(coordinator.address);
      for (const xid of xids) assert.equal(await again.status(xid), 'ACTIVE');
      again.close();
      await coordinator.stop();
      await rm(directory, { recursive: true });
    });
  }

  it('has written all that was finished: nothing is pushed again in its next life', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'globaltx-finished-'));
    const coordinator = await startCoordinator({ dataDir: directory });
    const client = await RawClient.connect(coordinator.address);
    await client.enlist('r');
    const xids = await Promise.all(Array.from({ length: 20 }, () => client.begin()));
    for (const xid of xids) client.reportDone(xid, await client.branch(xid, 'r', [`PRIMARY/${xid}`]));
    await Promise.all(xids.map((xid) => client.commit(xid)));
    while (client.pushes.length < xids.length) await sleep(1);
    // What is answered to the pushes stands before this question.
    assert.equal(await client.status(xids[0]!), 'COMMITTED');
    await coordinator.kill('SIGTERM');
    client.close();
    await coordinator.restart();
    const again = await RawClient.connect(coordinator.address);
    await again.enlist('r');
    for (const xid of xids) assert.equal(await again.status(xid), 'COMMITTED');
    assert.deepEqual(again.pushes, []);
    again.close();
    await coordinator.stop();
    await rm(directory, { recursive: true });
  });

  it('does not wait for a client that does not read', async () => {
    const coordinator = await startCoordinator({ args: ['--shutdown-grace-ms', '300'] });
    const client = await RawClient.connect(coordinator.address);
    client.pause();
    const begun = Date.now();
    await coordinator.stop();
    assert.ok(Date.now() - begun < 3_000);
    assert.equal((await coordinator.exited).code, 0);
    client.close();
  });
});

describe('The health service', () => {
  interface Health {
    check(
      request: { service: string },
      callback: (error: Error | null, answer: { status: string }) => void,
    ): void;
    watch(request: { service: string }): NodeJS.EventEmitter;
    close(): void;
  }
  const loaded = loadPackageDefinition(loadSync(protoPath, { enums: String, defaults: true })) as unknown as {
    grpc: { health: { v1: { Health: ServiceClientConstructor } } };
  };

  function connect(coordinator: RunningCoordinator): Health {
    return new loaded.grpc.health.v1.Health(
      coordinator.address,
      credentials.createInsecure(),
    ) as unknown as Health;
  }

  it('says SERVING for the server and the service, and NOT_SERVING when the coordinator ends', async () => {
    const coordinator = await startCoordinator();
    const health = connect(coordinator);
    for (const service of ['', 'globaltx.v1.Coordinator']) {
      const answer = await new Promise((resolve, reject) => {
        health.check({ service }, (error, value) => (error === null ? resolve(value.status) : reject(error)));
      });
      assert.equal(answer, 'SERVING');
    }
    const watch = health.watch({ service: '' });
    const seen: string[] = [];
    watch.on('error', () => undefined);
    watch.on('data', (answer: { status: string }) => seen.push(answer.status));
    await once(watch, 'data');
    await coordinator.stop();
    assert.deepEqual(seen, ['SERVING', 'NOT_SERVING']);
    health.close();
  });
});

describe('A coordinator whose disk fails', () => {
  it('ends for certain when the disk hangs, though a thread of its pool waits for it for ever', async () => {
    const directory = temporaryFolder('hanging-disk');
    const fifo = join(directory, 'fifo');
    const hangs = join(directory, 'hangs');
    execFileSync('mkfifo', [fifo]);
    // A thread that opens a pipe which nobody writes to hangs as one does that waits for a disk. The minute that a flush
    // may take passes in a moment.
    const preload = join(directory, 'preload.mjs');
    await writeFile(
      preload,
      `import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { fdatasync } = fs;
      fs.fdatasync = (descriptor, done) => {
        if (fs.existsSync(${JSON.stringify(hangs)})) fs.open(${JSON.stringify(fifo)}, 'r', done);
        else fdatasync(descriptor, done);
      };
      syncBuiltinESMExports();
      const { setTimeout } = globalThis;
      globalThis.setTimeout = (call, ms, ...given) => setTimeout(call, ms === 60_000 ? 200 : ms, ...given);`,
    );
    const coordinator = await startCoordinator({ env: { NODE_OPTIONS: `--import ${preload}` } });
    const client = await RawClient.connect(coordinator.address);
    await client.begin();
    await writeFile(hangs, '');
    await assert.rejects(client.begin(), /the stream ended/);
    client.close();
    const late = new AbortController();
    const exit = await Promise.race([coordinator.exited, sleep(30_000, 'never', { signal: late.signal })]);
    late.abort();
    await coordinator.kill('SIGKILL');
    await coordinator.stop();
    await removeFolder(directory);
    assert.match(coordinator.log, /"level":60.*no write was finished within.*"code":"STORE_FAILED"/);
    assert.deepEqual(exit, { code: null, signal: 'SIGKILL' });
  }).timeout(60_000);

  it('stops answering and ends with a clear line when the disk is full; what it acknowledged is there', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'globaltx-full-'));
    const portFile = join(directory, 'port');
    // A limit on the size of files stands in for a full disk: the write gets EFBIG instead of ENOSPC.
    const command = `ulimit -f 1600; exec "$0" "$@"`;
    const args = [MAIN, '--listen', '127.0.0.1:0', '--data', directory, '--port-file', portFile];
    const child = spawn('bash', ['-c', command, process.execPath, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const exited = once(child, 'exit');
    while (!existsSync(portFile)) await new Promise((resolve) => setTimeout(resolve, 20));
    const client = await RawClient.connect(`127.0.0.1:${await readFile(portFile, 'utf8')}`);
    const acknowledged: string[] = [];
    let failed = '';
    while (failed === '') {
      const begins = Array.from({ length: 20 }, () =>
        client.begin().then(
          (xid) => acknowledged.push(xid),
          (error: Error) => {
            failed = error.message;
          },
        ),
      );
      await Promise.all(begins);
    }
    client.close();
    assert.deepEqual(await exited, [1, null]);
    assert.match(log, /"level":60.*"code":"STORE_FAILED"/);
    assert.match(failed, /^the stream ended/);
    assert.ok(acknowledged.length > 10);
    const coordinator = await startCoordinator({ dataDir: directory });
    const again = await RawClient.connect(coordinator.address);
    for (const xid of acknowledged) assert.equal(await again.status(xid), 'ACTIVE');
    again.close();
    await coordinator.stop();
    await rm(directory, { recursive: true });
  });
});
