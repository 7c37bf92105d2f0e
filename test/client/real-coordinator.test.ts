import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  currentTransaction,
  GlobalTx,
  type GlobalTxError,
  rollbackReport,
  withoutTransaction,
} from '../../src/client/index.js';
import { processClient } from '../../src/client/process-client.js';
import type { PhaseTwoAnswer, Resource } from '../../src/client/resource/resource.js';
import type { BranchRequest, Transaction } from '../../src/client/transaction/transaction.js';
import type { PhaseTwo } from '../../src/protocol/frames.js';
import { type RunningCoordinator, startCoordinator } from '../support/coordinator.js';
import { Log } from '../support/log.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** A database that only remembers which phase two it was given. */
class Ledger implements Resource {
  readonly identity;
  readonly done: string[] = [];
  answer: () => PhaseTwoAnswer = () => ({ outcome: 'PHASE_TWO_DONE', code: '', detail: '' });

  constructor(resourceId: string) {
    this.identity = { resourceId, kind: 'AT', serverId: 'server-1', label: resourceId };
  }

  async phaseTwo(branches: readonly PhaseTwo[]): Promise<readonly PhaseTwoAnswer[]> {
    return branches.map((branch) => {
      const answer = this.answer();
      if (answer.outcome === 'PHASE_TWO_DONE') this.done.push(`${branch.decision} ${branch.branchId}`);
      return answer;
    });
  }
}

function current(): Transaction {
  return currentTransaction() ?? assert.fail('there is no transaction');
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `not within 20 s: ${condition}`);
    await sleep(10);
  }
}

describe('a client and the real coordinator', function () {
  this.timeout(60_000);
  let coordinator: RunningCoordinator;
  let proxy: TcpProxy;
  let gtx: GlobalTx;
  let shop: Ledger;
  let key = 0;

  before(async () => {
    coordinator = await startCoordinator();
  });

  after(() => coordinator.stop());

  beforeEach(async () => {
    proxy = await TcpProxy.start(coordinator.port);
    gtx = await GlobalTx.connect({
      ...{ coordinator: proxy.address, application: 'test', logger: new Log() },
      ...{ commitDeadline: 20_000, rollbackWait: 5_000 },
    });
    shop = new Ledger('shop');
    await processClient()?.resources.enlist(shop);
  });

  afterEach(async () => {
    await gtx.close(0);
    await proxy.stop();
  });

  function branch(row: string): BranchRequest {
    const locks = [{ resourceId: 'shop', table: 't', mode: 'EXCLUSIVE' as const, keys: [row] }];
    return { resourceId: 'shop', kind: 'AT', locks, locksOnly: false, branchId: '' };
  }

  async function write(row = `PRIMARY/${++key}`): Promise<string> {
    const transaction = current();
    const branchId = await transaction.registerBranch(branch(row));
    transaction.reportBranch(branchId, 'PHASE_ONE_DONE');
    return branchId;
  }

  it('commit, and phase two comes to the resource', async () => {
    const branches = await gtx.run(async () => [await write(), await write()]);
    await until(() => shop.done.length === 2);
    assert.deepEqual(shop.done.sort(), branches.map((id) => `COMMIT ${id}`).sort());
  });

  it('roll back, newest branch first, before the error reaches the caller', async () => {
    const branches: string[] = [];
    const error = new Error('no stock');
    const run = gtx.run(async () => {
      for (let index = 0; index < 3; index += 1) branches.push(await write());
      throw error;
    });
    await assert.rejects(run, error);
    assert.equal(rollbackReport(error)?.status, 'ROLLED_BACK');
    assert.deepEqual(
      shop.done,
      branches.reverse().map((id) => `ROLLBACK ${id}`),
    );
  });

  it('say that a person is needed', async () => {
    shop.answer = () => ({ outcome: 'PHASE_TWO_NEEDS_ATTENTION', code: 'DIRTY_WRITE', detail: 'row 7' });
    const error = new Error('no stock');
    const run = gtx.run(async () => {
      await write();
      throw error;
    });
    await assert.rejects(run, error);
    assert.equal(rollbackReport(error)?.status, 'NEEDS_ATTENTION');
  });

  it('roll back a transaction that took too long, and say TIMED_OUT', async () => {
    const run = gtx.run({ timeout: 200 }, async () => {
      await write();
      await sleep(600);
    });
    await assert.rejects(run, { code: 'TIMED_OUT' });
    await until(() => shop.done.length === 1);
  });

  it('let a write wait for a held row, no longer than lockWait', async () => {
    const row = `PRIMARY/${++key}`;
    const order: string[] = [];
    const first = gtx.run(async () => {
      await write(row);
      order.push('first has it');
      await sleep(400);
    });
    await until(() => order.length === 1);
    await assert.rejects(
      gtx.run({ lockWait: 50 }, () => write(row)),
      (error: GlobalTxError) => error.code === 'LOCK_WAIT_TIMEOUT',
    );
    await gtx.run(() => write(row));
    await first;
  });

  it('commit though the coordinator is killed between phase one and the decision', async () => {
    const branchId = await gtx.run(async () => {
      const id = await write();
      await coordinator.restart();
      return id;
    });
    await until(() => shop.done.includes(`COMMIT ${branchId}`));
  });

  it('commit though the coordinator is killed while transactions are under way', async () => {
    const runs = Array.from({ length: 40 }, async (_, index) => {
      await sleep(index * 20);
      return gtx.run(async () => {
        await write();
        await sleep(20);
        await write();
      });
    });
    await sleep(150);
    await coordinator.restart();
    await sleep(150);
    await coordinator.restart();
    await Promise.all(runs);
    await until(() => new Set(shop.done).size === 80);
    assert.ok(shop.done.every((line) => line.startsWith('COMMIT')));
  });

  it('commit once though the answer is lost: the client asks again', async () => {
    let cut = 0;
    const branchId = await gtx.run(async () => {
      const id = await write();
      // The commit goes up; what comes back is lost.
      proxy.inspect((_chunk, direction) => {
        if (direction === 'up' || cut > 0) return 'pass';
        cut += 1;
        return 'reset';
      });
      return id;
    });
    assert.equal(cut, 1);
    await until(() => shop.done.includes(`COMMIT ${branchId}`));
  });

  it('register once though the answer is lost: the client asks again, and gets the same branch', async () => {
    let cut = 0;
    const run = gtx.run(async () => {
      proxy.inspect((_chunk, direction) => {
        if (direction === 'up' || cut > 0) return 'pass';
        cut += 1;
        return 'reset';
      });
      return await write();
    });
    const branchId = await run;
    assert.equal(cut, 1);
    await until(() => shop.done.length > 0);
    assert.deepEqual(shop.done, [`COMMIT ${branchId}`]);
  });

  it('notice a half-open link and go on over another', async () => {
    await gtx.run(async () => {
      await write();
      proxy.halfOpen();
      await write();
    });
    assert.equal(proxy.accepted, 2);
  });

  it('say OUTCOME_UNKNOWN when the coordinator stays away after the commit was sent', async () => {
    await gtx.close();
    gtx = await GlobalTx.connect({ coordinator: proxy.address, logger: new Log(), commitDeadline: 1_000 });
    await processClient()?.resources.enlist(shop);
    const run = gtx.run(async () => {
      await write();
      await proxy.refuse();
    });
    await assert.rejects(run, { code: 'OUTCOME_UNKNOWN' });
    await proxy.accept();
  });

  it('share the transaction with another client that joins by its xid', async () => {
    const branches = await gtx.run(async () => {
      const transaction = current();
      await transaction.ensureBegun();
      // As another process would: from the xid alone.
      const joined = await withoutTransaction(() => gtx.join(transaction.xid, () => write()));
      return [joined, await write()];
    });
    await until(() => shop.done.length === 2);
    assert.deepEqual(shop.done.sort(), branches.map((id) => `COMMIT ${id}`).sort());
  });
});
