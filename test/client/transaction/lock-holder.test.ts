import assert from 'node:assert/strict';
import { requireClient } from '../../../src/client/process-client.js';
import { LockHolder } from '../../../src/client/transaction/lock-holder.js';
import type { BranchRequest } from '../../../src/client/transaction/transaction.js';
import type { ClientBody } from '../../../src/protocol/frames.js';
import { failureReply } from '../../support/fake-coordinator.js';
import { useFakeWorld } from './fake-world.js';

const BRANCH: BranchRequest = { resourceId: 'r', kind: 'AT', locks: [], locksOnly: true, branchId: '' };

describe('a holder of global locks', () => {
  const world = useFakeWorld();

  function bodies(): readonly ClientBody['body'][] {
    return world.fake.received
      .map(({ body }) => body)
      .filter((body) => body === 'begin' || body === 'registerBranch' || body === 'commit');
  }

  function makeHolder(): LockHolder {
    return new LockHolder(() => requireClient().manager.lockServices());
  }

  async function given(count: number): Promise<void> {
    await world.fake.until(() => world.decisions().length === count);
  }

  it('waits for one answer in a local transaction, and begins in the same frame', async () => {
    const holder = makeHolder();
    await holder.registerBranch(BRANCH);
    holder.localTransactionOver();
    await given(1);
    assert.deepEqual(bodies(), ['registerBranch', 'commit']);
    const [first] = world.fake.received.flatMap((frame) =>
      frame.body === 'registerBranch' ? [frame.registerBranch] : [],
    );
    assert.equal(first?.begin?.xid, first?.xid);
  });

  it('takes the locks of each local transaction under a name of their own', async () => {
    const holder = makeHolder();
    for (const _ of [1, 2]) {
      await holder.registerBranch(BRANCH);
      await holder.registerBranch(BRANCH);
      holder.localTransactionOver();
    }
    await given(2);
    const xids = world.fake.received.flatMap((frame) =>
      frame.body === 'registerBranch' ? [frame.registerBranch.xid] : [],
    );
    assert.equal(new Set(xids).size, 2);
    assert.equal(xids[0], xids[1]);
    assert.equal(xids[2], xids[3]);
  });

  it('tells the coordinator nothing when no lock was asked for', async () => {
    makeHolder().localTransactionOver();
    assert.deepEqual(bodies(), []);
  });

  it('gives the locks back after a registration that failed, because it may have been carried out', async () => {
    world.fake.script = ({ body }) =>
      body === 'registerBranch' ? failureReply('LOCK_WAIT_TIMEOUT', 'held') : undefined;
    const holder = makeHolder();
    await assert.rejects(holder.registerBranch(BRANCH), { code: 'LOCK_WAIT_TIMEOUT' });
    holder.localTransactionOver();
    await given(1);
  });

  it('says so when the locks could not be given back', async () => {
    world.fake.script = ({ body }) => (body === 'commit' ? failureReply('INTERNAL', 'broken') : undefined);
    const holder = makeHolder();
    await holder.registerBranch(BRANCH);
    holder.localTransactionOver();
    await given(1);
    await world.gtx.close();
    assert.ok(world.log.warnings.some((message) => /are held until/.test(message)));
  });
});
