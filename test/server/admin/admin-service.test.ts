import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AdminClient } from '../../../src/client/cli/admin-client.js';
import type { Order } from '../../../src/protocol/admin.js';
import { type RunningCoordinator, startCoordinator } from '../../support/coordinator.js';
import { removeFolder, temporaryFolder } from '../../support/keeper.js';
import { RawClient } from '../../support/raw-client.js';

const CLI = fileURLToPath(new URL('../../../src/client/cli/main.js', import.meta.url));
const WHO = { user: 'ann', host: 'desk-1' };

function rollbackOf(xid: string): Order {
  return { kind: 'ROLL_BACK', xid, branchId: '', resolution: 'UNRESOLVED', ...WHO };
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('The admin service', () => {
  let folder: string;
  let coordinator: RunningCoordinator;
  let client: RawClient;
  let admin: AdminClient;

  async function start(...args: string[]): Promise<void> {
    coordinator = await startCoordinator({ dataDir: folder, args });
    client = await RawClient.connect(coordinator.address, { application: 'shop' });
    admin = await AdminClient.connect(coordinator.address);
  }

  beforeEach(() => {
    folder = temporaryFolder('admin');
  });

  afterEach(async () => {
    admin.close();
    client.close();
    await coordinator.stop();
    await removeFolder(folder);
  });

  async function auditLines(file = join(folder, 'audit.log')): Promise<Record<string, string>[]> {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Record<string, string>);
  }

  it('says what is under way: counts, states, branches, locks, waits', async () => {
    await start();
    await client.enlist('r');
    const holder = await client.begin();
    const branch = await client.branch(holder, 'r', ['PRIMARY/1', 'PRIMARY/2']);
    const waiter = await client.begin();
    const waiting = client.register(waiter, 'r', ['PRIMARY/2'], { lockWaitMs: 20_000 });
    while ((await admin.summary()).waiting === 0) await sleep(10);
    const summary = await admin.summary();
    assert.deepEqual(
      [summary.transactions, summary.branches, summary.locks, summary.clients, summary.byStatus],
      [2, 1, 2, 1, { ACTIVE: 2 }],
    );
    const shown = await admin.transaction(waiter);
    assert.equal(shown.application, 'shop');
    assert.deepEqual(
      shown.waits.map(({ key, holders, keys, mode }) => [key, holders, keys, mode]),
      [['PRIMARY/2', [holder], 1, 'EXCLUSIVE']],
    );
    const locks = await all(admin.locks(holder));
    assert.deepEqual(
      locks.map(({ key, branchId, waiters }) => [key, branchId, waiters]),
      [
        ['PRIMARY/1', branch, []],
        ['PRIMARY/2', branch, [waiter]],
      ],
    );
    client.reportDone(holder, branch);
    await client.commit(holder);
    await waiting;
    while ((await admin.transaction(holder)).status === 'COMMITTING') await sleep(10);
    assert.equal((await admin.transaction(holder)).status, 'COMMITTED');
  });

  it('gives lists in pages, each thing once, whatever ends in between', async () => {
    await start();
    await client.enlist('r');
    const xids = await Promise.all(Array.from({ length: 1_200 }, () => client.begin()));
    const seen: string[] = [];
    for await (const { xid } of admin.transactions({}, 100)) {
      seen.push(xid);
      // The one just given, and one that is still to come.
      if (seen.length === 150) for (const gone of [xids[149]!, xids[600]!]) await client.rollback(gone);
    }
    assert.deepEqual(
      seen,
      xids.filter((_, at) => at !== 600),
    );
    const keys = Array.from({ length: 2_500 }, (_, at) => `PRIMARY/${at}`);
    await client.branch(xids[0]!, 'r', keys);
    const locks = await all(admin.locks(xids[0]!));
    assert.deepEqual(
      locks.map(({ key }) => key),
      keys,
    );
    for (let n = 0; n < 600; n++) void client.branch(xids[1]!, 'r', [`PRIMARY/more-${n}`]);
    while ((await admin.transaction(xids[1]!)).branches < 600) await sleep(20);
    assert.equal((await all(admin.branches(xids[1]!))).length, 600);
  });

  it('lists twenty thousand transactions while others are served as before', async () => {
    await start();
    const begins: Promise<unknown>[] = [];
    for (let n = 0; n < 20_000; n++) {
      begins.push(client.begin(undefined, 600_000));
      if (begins.length === 5_000) await Promise.all(begins.splice(0));
    }
    // In a process of its own, so that what it takes to read the list is not counted.
    const run = promisify(execFile);
    const args = [CLI, 'status', '--json', '--coordinator', coordinator.address];
    let listing = true;
    const listed = run(process.execPath, args, { maxBuffer: 2 ** 28 }).finally(() => {
      listing = false;
    });
    const waits: number[] = [];
    while (listing) {
      const begun = performance.now();
      await client.status('nothing');
      waits.push(performance.now() - begun);
      await sleep(5);
    }
    const { stdout } = await listed;
    const { counts, byStatus, transactions } = JSON.parse(stdout) as {
      counts: { transactions: number };
      byStatus: Record<string, number>;
      transactions: unknown[];
    };
    assert.deepEqual([counts.transactions, byStatus], [20_000, { ACTIVE: 20_000 }]);
    assert.equal(transactions.length, 20_000);
    waits.sort((a, b) => a - b);
    const median = waits[Math.floor(waits.length / 2)]!;
    assert.ok(waits.length > 20, `${waits.length} requests were answered meanwhile`);
    assert.ok(median < 100, `half of ${waits.length} requests took more than ${median} ms`);
  }).timeout(120_000);

  it('notes who ordered what, and what came of it, in a file that is only added to', async () => {
    await start();
    const xid = await client.begin();
    assert.match((await admin.order(rollbackOf(xid))).outcome, /rolled back/);
    assert.equal(await client.status(xid), 'ROLLED_BACK');
    await assert.rejects(admin.order(rollbackOf(xid)), { code: 'ORDER_REFUSED' });
    await coordinator.restart();
    admin.close();
    admin = await AdminClient.connect(coordinator.address);
    await assert.rejects(admin.order(rollbackOf('nothing')), { code: 'TRANSACTION_NOT_FOUND' });
    const lines = await auditLines();
    assert.deepEqual(
      lines.map(({ event, order, xid: about, user, host }) => [event, order, about, user, host]),
      [
        ['ordered', 'rollback', xid, 'ann', 'desk-1'],
        ['carried out', 'rollback', xid, 'ann', 'desk-1'],
        ['ordered', 'rollback', xid, 'ann', 'desk-1'],
        ['refused', 'rollback', xid, 'ann', 'desk-1'],
        ['ordered', 'rollback', 'nothing', 'ann', 'desk-1'],
        ['refused', 'rollback', 'nothing', 'ann', 'desk-1'],
      ],
    );
    assert.equal(lines[0]?.id, lines[1]?.id);
    assert.notEqual(lines[0]?.id, lines[2]?.id);
  });

  it('carries no order out that it cannot note', async () => {
    const file = join(folder, 'orders', 'audit.log');
    await mkdir(join(folder, 'orders'));
    await start('--audit-log', file);
    const xid = await client.begin();
    await rm(join(folder, 'orders'), { recursive: true });
    await assert.rejects(admin.order(rollbackOf(xid)), { code: 'STORE_FAILED' });
    assert.equal(await client.status(xid), 'ACTIVE');
    assert.match(coordinator.log, /an operator's call failed/);
    await mkdir(join(folder, 'orders'));
    await admin.order(rollbackOf(xid));
    assert.equal((await auditLines(file)).length, 2);
  });

  it('does not start with an audit log that it cannot write', async () => {
    await start();
    const file = join(folder, 'a-directory');
    await mkdir(file);
    await assert.rejects(
      startCoordinator({ args: ['--audit-log', file] }),
      /audit log cannot be written.*INVALID_OPTION/s,
    );
  });

  it('refuses what is not in the contract, and goes on', async () => {
    await start();
    const bad = { ...rollbackOf('a b'), user: 'x'.repeat(5_000) };
    await assert.rejects(admin.order(bad), { code: 'MALFORMED_FRAME' });
    await assert.rejects(admin.order({ ...rollbackOf('x'), branchId: '-1' }), { code: 'MALFORMED_FRAME' });
    await assert.rejects(all(admin.transactions({ begunBeforeMs: '-1' }, 1)), {
      code: 'MALFORMED_FRAME',
    });
    assert.equal((await admin.summary()).transactions, 0);
  });

  it('stops nobody with texts that are as long as allowed', async () => {
    await start();
    const xid = await client.begin();
    await admin.order({ ...rollbackOf(xid), user: 'u'.repeat(100_000), host: '\n"' });
    const [line] = await auditLines();
    assert.equal(line?.user?.length, 256);
    assert.equal(line?.host, '\n"');
  });
});
