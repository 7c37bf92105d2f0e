import assert from 'node:assert/strict';
import { GlobalTx, rollbackReport } from '../../../src/client/index.js';
import type { Transaction } from '../../../src/client/transaction/transaction.js';
import { FakeCoordinator, failureReply, transactionReply } from '../../support/fake-coordinator.js';
import { Log } from '../../support/log.js';

import { current, FakeWork, write } from './fake-work.js';

describe('a global transaction', () => {
  let fake: FakeCoordinator;
  let gtx: GlobalTx;
  let log: Log;

  async function connect(): Promise<void> {
    log = new Log();
    gtx = await GlobalTx.connect({
      ...{ coordinator: fake.address, application: 'test', logger: log },
      ...{ requestTimeout: 1_000, commitDeadline: 1_000, rollbackWait: 200 },
    });
  }

  beforeEach(async () => {
    fake = await FakeCoordinator.start();
    await connect();
  });

  afterEach(async () => {
    await gtx.close(0);
    await fake.stop();
  });

  const decisions = () =>
    fake.received.flatMap((frame) =>
      frame.body === 'commit' || frame.body === 'rollback' ? [frame.body] : [],
    );

  describe('whose function throws', () => {
    it('is rolled back, and the caller gets the very error', async () => {
      const error = Object.freeze(new Error('no money'));
      const thrown = await gtx
        .run(async () => {
          await write();
          throw error;
        })
        .catch((caught: unknown) => caught);
      assert.equal(thrown, error);
      assert.equal(rollbackReport(thrown)?.status, 'ROLLED_BACK');
      const [rollback] = fake.all('rollback');
      assert.deepEqual(
        { ...rollback?.rollback, xid: '' },
        { xid: '', reason: 'Error: no money', waitMs: 200 },
      );
      assert.deepEqual(log.warnings, []);
    });

    it('is rolled back when it throws before its first await', async () => {
      const run = gtx.run(() => {
        throw new TypeError('at once');
      });
      await assert.rejects(run, TypeError);
    });

    it('needs no coordinator when it wrote nothing', async () => {
      await fake.stop();
      await assert.rejects(
        gtx.run(() => Promise.reject(new Error('early'))),
        { message: 'early' },
      );
    });

    for (const status of ['ROLLING_BACK', 'NEEDS_ATTENTION'] as const) {
      it(`says so when the compensation is not finished: ${status}`, async () => {
        fake.script = (frame) =>
          frame.body === 'rollback'
            ? transactionReply(frame.rollback.xid, status, { unfinishedBranches: 1 })
            : undefined;
        const error = new Error('no money');
        const run = gtx.run(async () => {
          await write();
          throw error;
        });
        await assert.rejects(run, error);
        const report = rollbackReport(error);
        assert.equal(report?.status, status);
        assert.equal(report?.unfinishedBranches, 1);
        assert.match(log.warnings.join(), /is not finished/);
      });
    }

    for (const [what, refused, status] of [
      ['a transaction that it had acknowledged', false, 'NOT_FOUND'],
      ['one that never reached it', true, 'ROLLED_BACK'],
    ] as const) {
      it(`says ${status} when the coordinator does not know ${what}`, async () => {
        fake.script = (frame) => {
          if (frame.body === 'rollback') return transactionReply(frame.rollback.xid, 'NOT_FOUND');
          return refused && frame.body === 'registerBranch'
            ? failureReply('RESOURCE_EXHAUSTED', 'full')
            : undefined;
        };
        const error = new Error('no money');
        const run = gtx.run(async () => {
          await write().catch(() => 'refused');
          throw error;
        });
        await assert.rejects(run, error);
        assert.equal(rollbackReport(error)?.status, status);
      });
    }

    it('says so when the coordinator could not be told', async function () {
      this.timeout(15_000);
      const error = new Error('no money');
      const run = gtx.run(async () => {
        await write();
        await fake.stop();
        throw error;
      });
      await assert.rejects(run, error);
      assert.equal(rollbackReport(error)?.status, 'UNKNOWN');
      assert.match(log.warnings.join(), /time-out will roll the transaction back/);
    });

    it('lets nothing commit locally afterwards: what still runs is waited for, refused and given up', async () => {
      const frames: string[] = [];
      let transaction: Transaction | undefined;
      const open = new FakeWork();
      open.open = true;
      let late: Promise<void> = Promise.resolve();
      const run = gtx.run(async () => {
        transaction = current();
        await write();
        transaction.addParticipant(open);
        late = new Promise((resolve) => setTimeout(resolve, 50)).then(async () => {
          frames.push(...fake.received.map((frame) => frame.body));
          await assert.rejects(write(), { code: 'TRANSACTION_NOT_ACTIVE' });
        });
        transaction.addParticipant(new FakeWork(late));
        throw new Error('one of them failed');
      });
      await assert.rejects(run, { message: 'one of them failed' });
      await late;
      assert.equal(transaction?.ended, true);
      assert.ok(!frames.includes('rollback'), 'the rollback did not wait');
      assert.equal(open.abandoned, 1);
      assert.equal(fake.all('registerBranch').length, 1);
      assert.throws(() => transaction?.addParticipant(open), { code: 'TRANSACTION_NOT_ACTIVE' });
    });

    it('refuses a registration that was on its way, and reports its branch as given up', async () => {
      let answer = (): void => {};
      fake.script = async (frame) => {
        if (frame.body === 'registerBranch') await new Promise<void>((resolve) => (answer = resolve));
        return undefined;
      };
      let registered: Promise<void> = Promise.resolve();
      const run = gtx.run(async () => {
        registered = assert.rejects(write(), { code: 'TRANSACTION_NOT_ACTIVE' });
        current().addParticipant(new FakeWork(registered));
        await fake.arrived('registerBranch');
        setTimeout(() => answer(), 20);
        throw new Error('one of them failed');
      });
      await assert.rejects(run, { message: 'one of them failed' });
      await registered;
      assert.deepEqual(
        fake.all('reportBranch').map((frame) => frame.reportBranch.outcome),
        ['PHASE_ONE_FAILED'],
      );
    });
  });

  describe('inside another', () => {
    it('joins it', async () => {
      const [outer, inner] = await gtx.run(async () => [
        current().xid,
        await gtx.run({ name: 'inner' }, async () => {
          await write();
          return current().xid;
        }),
      ]);
      assert.equal(outer, inner);
      assert.deepEqual(decisions(), ['commit']);
    });

    it('takes the whole with it when it throws, even if the outer function goes on', async () => {
      const inner = new Error('inner failed');
      const run = gtx.run(async () => {
        await write();
        await gtx.run(() => Promise.reject(inner)).catch(() => 'ignored');
        return 'fine';
      });
      await assert.rejects(run, { code: 'ROLLBACK_ONLY', cause: inner });
    });

    it('is refused once the outer one has ended', async () => {
      let late: Promise<unknown> = Promise.resolve();
      await gtx.run(async () => {
        late = new Promise((resolve) => setTimeout(resolve, 20)).then(() => gtx.run(() => 1));
        late.catch(() => {});
      });
      await assert.rejects(late, { code: 'TRANSACTION_NOT_ACTIVE', message: /withoutTransaction/ });
    });
  });

  describe('that another process has begun', () => {
    const XID = 'launched-elsewhere:1';

    it('is joined for the time of a function, and left undecided', async () => {
      const result = await gtx.join(XID, async () => {
        assert.equal(current().role, 'participant');
        await current().ensureBegun();
        await write();
        return current().xid;
      });
      assert.equal(result, XID);
      const [registration] = fake.all('registerBranch');
      assert.equal(registration?.registerBranch.xid, XID);
      assert.equal(registration?.registerBranch.begin, null);
      assert.deepEqual(decisions(), []);
      assert.equal(fake.all('begin').length, 0);
    });

    it('is not decided when the function throws: the error goes to the caller', async () => {
      const error = new Error('no stock');
      const open = new FakeWork();
      open.open = true;
      const joined = gtx.join(XID, async () => {
        current().addParticipant(open);
        throw error;
      });
      await assert.rejects(joined, error);
      assert.equal(open.abandoned, 1);
      assert.deepEqual(decisions(), []);
    });

    it('must hear of local work that was left open, and of a mark to roll back', async () => {
      const open = new FakeWork();
      open.open = true;
      await assert.rejects(
        gtx.join(XID, () => void current().addParticipant(open)),
        { code: 'LOCAL_TRANSACTION_OPEN', xid: XID },
      );
      assert.equal(open.abandoned, 1);
      await assert.rejects(
        gtx.join(XID, () => current().setRollbackOnly('no stock')),
        { code: 'ROLLBACK_ONLY', xid: XID },
      );
    });

    it('is rolled back when it was marked here, whatever the caller makes of the answer', async () => {
      await assert.rejects(
        gtx.join(XID, () => current().setRollbackOnly('no stock')),
        { code: 'ROLLBACK_ONLY' },
      );
      const [told] = await fake.arrived('rollback');
      assert.deepEqual({ ...told?.rollback }, { xid: XID, reason: 'ROLLBACK_ONLY: no stock', waitMs: 0 });
    });

    it('is rolled back when work that was not awaited comes after a good answer', async () => {
      let late: Promise<unknown> = Promise.resolve();
      await gtx.join(XID, () => {
        late = new Promise((resolve) => setTimeout(resolve, 10)).then(write);
        late.catch(() => {});
      });
      assert.deepEqual(decisions(), []);
      await assert.rejects(late, { code: 'TRANSACTION_NOT_ACTIVE' });
      await fake.arrived('rollback');
    });

    it('takes in no more work of a function that has thrown, though it waits for what is under way', async () => {
      let late: Promise<unknown> = Promise.resolve();
      const joined = gtx.join(XID, () => {
        late = new Promise((resolve) => setTimeout(resolve, 10)).then(write);
        current().addParticipant(new FakeWork(late.then(() => {}).catch(() => {})));
        throw new Error('no stock');
      });
      await assert.rejects(joined, { message: 'no stock' });
      await assert.rejects(late, { code: 'TRANSACTION_NOT_ACTIVE' });
      assert.equal(fake.all('registerBranch').length, 0);
    });

    it('is left to its caller when work that was not awaited comes after a failure', async () => {
      let late: Promise<unknown> = Promise.resolve();
      const joined = gtx.join(XID, () => {
        late = new Promise((resolve) => setTimeout(resolve, 10)).then(write);
        late.catch(() => {});
        throw new Error('no stock');
      });
      await assert.rejects(joined, { message: 'no stock' });
      await assert.rejects(late, { code: 'TRANSACTION_NOT_ACTIVE' });
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual(decisions(), []);
    });

    it('says so in the log when the coordinator could not be told of the mark', async () => {
      fake.script = (frame) => (frame.body === 'rollback' ? 'silence' : undefined);
      await assert.rejects(
        gtx.join(XID, () => current().setRollbackOnly('no stock')),
        { code: 'ROLLBACK_ONLY' },
      );
      assert.match(log.warnings.join(), /could not be told/);
    });

    it('is refused with INVALID_XID when the text is no xid', async () => {
      for (const text of ['', 'a b', "x'; DROP", 'x'.repeat(129)]) {
        await assert.rejects(
          gtx.join(text, () => 1),
          { code: 'INVALID_XID' },
        );
      }
    });
  });
});
