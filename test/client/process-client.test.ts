import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Client } from '../../src/client/client.js';
import { GlobalTx } from '../../src/client/index.js';
import { processClient, whenClient } from '../../src/client/process-client.js';
import type { Resource } from '../../src/client/resource/resource.js';
import { FakeCoordinator } from '../support/fake-coordinator.js';
import { Log } from '../support/log.js';

const run = promisify(execFile);
const CLIENT = new URL('../../src/client/', import.meta.url);

const SHOP: Resource = {
  identity: { resourceId: 'shop', kind: 'AT', serverId: 's', label: 'shop' },
  phaseTwo: async () => [],
};

describe("the process's client", () => {
  const plainFetch = globalThis.fetch;
  let fake: FakeCoordinator;
  let stop: (() => void) | undefined;
  let gtx: GlobalTx | undefined;

  beforeEach(async () => {
    fake = await FakeCoordinator.start();
  });

  afterEach(async () => {
    stop?.();
    stop = undefined;
    delete process.env.GLOBALTX_COORDINATOR;
    await processClient()?.close(0);
    await gtx?.close(0);
    gtx = undefined;
    await fake.stop();
  });

  it('does not exist before connect, and reaches pools that were made before it', async () => {
    const clients: Client[] = [];
    stop = whenClient((client) => {
      clients.push(client);
      void client.resources.enlist(SHOP);
    });
    assert.equal(processClient(), undefined);
    gtx = await GlobalTx.connect({ coordinator: fake.address, logger: new Log() });
    assert.equal(clients.length, 1);
    assert.equal(processClient(), clients[0]);
    await fake.arrived('enlistResource');
  });

  it('reaches pools that are made after connect, and those that outlive it', async () => {
    gtx = await GlobalTx.connect({ coordinator: fake.address, logger: new Log() });
    const clients: Client[] = [];
    stop = whenClient((client) => clients.push(client));
    assert.deepEqual(clients, [processClient()]);
    await gtx.close();
    assert.equal(processClient(), undefined);
    gtx = await GlobalTx.connect({ coordinator: fake.address, logger: new Log() });
    assert.equal(clients.length, 2);
    stop();
    await gtx.close();
    gtx = await GlobalTx.connect({ coordinator: fake.address, logger: new Log() });
    assert.equal(clients.length, 2);
  });

  it('is made from GLOBALTX_COORDINATOR on first need, and replaced by an explicit connect', async () => {
    process.env.GLOBALTX_COORDINATOR = fake.address;
    const clients: Client[] = [];
    stop = whenClient((client) => {
      clients.push(client);
      void client.resources.enlist(SHOP);
    });
    assert.equal(clients.length, 1);
    await fake.arrived('enlistResource');
    // A service that only joins hands the xid on, too.
    assert.notEqual(globalThis.fetch, plainFetch);
    gtx = await GlobalTx.connect({ coordinator: fake.address, application: 'shop', logger: new Log() });
    assert.equal(clients.length, 2);
    assert.equal(processClient(), clients[1]);
    await fake.arrived('enlistResource', 2);
    await fake.until(() => fake.streams === 1);
    assert.equal(fake.all('hello').length, 2);
    delete process.env.GLOBALTX_COORDINATOR;
    await gtx.close();
    assert.equal(globalThis.fetch, plainFetch);
  });

  for (const [name, script] of [
    [
      'that has connected and done its work',
      `import { GlobalTx } from '${CLIENT}index.js';
       const gtx = await GlobalTx.connect();
       console.log(await gtx.run(() => 'ran'));`,
    ],
    [
      'that has only GLOBALTX_COORDINATOR',
      `import { processClient } from '${CLIENT}process-client.js';
       processClient();
       await new Promise((resolve) => setTimeout(resolve, 300));
       console.log('ran');`,
    ],
  ] as const) {
    it(`does not keep a process alive ${name}`, async () => {
      const env = { ...process.env, GLOBALTX_COORDINATOR: fake.address };
      const started = Date.now();
      const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
        env,
        cwd: fileURLToPath(CLIENT),
        timeout: 20_000,
      });
      assert.equal(stdout.trim(), 'ran');
      assert.equal(fake.all('hello').length, 1);
      assert.ok(Date.now() - started < 10_000, `${Date.now() - started} ms`);
    });
  }

  it('keeps a process alive while an answer is awaited, though the coordinator is away', async () => {
    const script = `import { GlobalTx, transactionHeaders } from '${CLIENT}index.js';
      const gtx = await GlobalTx.connect();
      await gtx.run(async () => console.log(Object.keys(await transactionHeaders())[0]));
      console.log('committed');`;
    fake.script = (frame, stream) => (frame.body === 'commit' && stream === 1 ? 'end' : undefined);
    const env = { ...process.env, GLOBALTX_COORDINATOR: fake.address, NODE_NO_WARNINGS: '1' };
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
      env,
      timeout: 20_000,
    });
    assert.equal(stdout, 'TX_XID\ncommitted\n');
  });
});
