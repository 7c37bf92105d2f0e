import assert from 'node:assert/strict';
import { currentTransaction, GlobalTx, withoutTransaction } from '../../../src/client/index.js';
import type { GlobalTxError } from '../../../src/protocol/errors.js';
import { FakeCoordinator, failureReply, transactionReply } from '../../support/fake-coordinator.js';
import { Log } from '../../support/log.js';

import { BRANCH, current, FakeWork, write } from './fake-work.js';

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

  describe('whose function returns', () => {
    it('is committed, and gives what the function gave', async () => {
      const xid = await gtx.run({ name: 'order', timeout: 7_000 }, async () => {
        await write();
        return current().xid;
      });
      assert.match(xid, /^[0-9a-f]{32}$/);
      const [registration] = fake.all('registerBranch');
      assert.deepEqual(registration?.registerBranch.begin, { xid, name: 'order', timeoutMs: 7_000 });
      assert.equal(registration?.registerBranch.lockWaitMs, 5_000);
      assert.deepEqual(
        fake.received.slice(1).map((frame) => frame.body),
        ['registerBranch', 'reportBranch', 'commit'],
      );
    });

    it('costs the coordinator nothing when it wrote nothing and its xid never left', async () => {
      assert.equal(await gtx.run(() => 42), 42);
      assert.deepEqual(
        fake.received.map((frame) => frame.body),
        ['hello'],
      );
    });

    it('waits for locks as long as it says, else as the client does, as what comes from elsewhere', async () => {
      await gtx.close(0);
      gtx = await GlobalTx.connect({ coordinator: fake.address, logger: log, lockWait: 7 });
      await gtx.run({ lockWait: 9 }, write);
      await gtx.run(write);
      await gtx.join('xid-1', write);
      const waits = fake.all('registerBranch').map(({ registerBranch }) => registerBranch.lockWaitMs);
      assert.deepEqual(waits, [9, 7, 7]);
      await assert.rejects(GlobalTx.connect({ lockWait: -1 }), { code: 'INVALID_OPTION' });
    });

    it('may wait for a lock as long as a timer can', async () => {
      await gtx.run({ lockWait: 2 ** 31 - 1 }, write);
    });

    it('is rolled back with TIMED_OUT when work of it is under way beyond its time-out', async () => {
      const run = gtx.run({ timeout: 100 }, async () => {
        await write();
        current().addParticipant(new FakeWork(new Promise(() => {})));
      });
      await assert.rejects(run, { code: 'TIMED_OUT' });
      assert.deepEqual(decisions(), ['rollback']);
    });

    it('is in context across awaits and timers, and nowhere else', async () => {
      assert.equal(currentTransaction(), undefined);
      const seen = await gtx.run(async () => {
        const first = current().xid;
        await new Promise((resolve) => setTimeout(resolve, 5));
        return [first, current().xid, withoutTransaction(() => currentTransaction())];
      });
      assert.equal(seen[0], seen[1]);
      assert.equal(seen[2], undefined);
      assert.equal(currentTransaction(), undefined);
    });

    it('carries begin on every registration until one was acknowledged, and then no more', async () => {
      await gtx.run(async () => {
        await Promise.all([write(), write()]);
        await write();
      });
      const frames = fake.all('registerBranch').map((frame) => frame.registerBranch);
      assert.deepEqual(
        frames.map((frame) => frame.begin === null),
        [false, false, true],
      );
      assert.equal(new Set(frames.map((frame) => frame.requestId)).size, 3);
    });

    it('is not begun again by a registration that is sent again after another one was acknowledged', async () => {
      // By then it may have timed out and be forgotten: then it would begin anew, without what was rolled back.
      fake.script = (frame, stream) =>
        frame.body === 'registerBranch' && frame.registerBranch.requestId === '2' && stream === 1
          ? 'silence'
          : undefined;
      await gtx.run(async () => {
        const both = Promise.all([write(), write()]);
        await fake.arrived('reportBranch');
        fake.endStreams();
        await both;
      });
      const again = fake
        .all('registerBranch')
        .filter(({ registerBranch }) => registerBranch.requestId === '2');
      assert.deepEqual(
        again.map(({ stream, registerBranch }) => [stream, registerBranch.begin === null]),
        [
          [1, false],
          [2, true],
        ],
      );
    });

    it('is begun by the registration that is under way before its xid leaves the process', async () => {
      await gtx.run(async () => {
        const under = write();
        await current().ensureBegun();
        await under;
      });
      assert.equal(fake.all('begin').length, 0);
    });

    it('carries begin again when the first registration was refused', async () => {
      let refused = false;
      fake.script = (frame) => {
        if (frame.body !== 'registerBranch' || refused) return undefined;
        refused = true;
        return failureReply('LOCK_WAIT_TIMEOUT', 'held');
      };
      await gtx.run(async () => {
        await assert.rejects(write(), { code: 'LOCK_WAIT_TIMEOUT' });
        await write();
      });
      assert.ok(fake.all('registerBranch').every((frame) => frame.registerBranch.begin !== null));
    });

    it('begins once before its xid leaves the process', async () => {
      await gtx.run(async () => {
        await Promise.all([current().ensureBegun(), current().ensureBegun()]);
        await current().ensureBegun();
        await write();
      });
      assert.equal(fake.all('begin').length, 1);
      assert.equal(fake.all('registerBranch')[0]?.registerBranch.begin, null);
      assert.deepEqual(decisions(), ['commit']);
    });

    it('waits for work that was not awaited before it is committed', async () => {
      let over = false;
      await gtx.run(async () => {
        const work = (async () => {
          await new Promise((resolve) => setTimeout(resolve, 50));
          over = true;
        })();
        current().addParticipant(new FakeWork(work));
      });
      assert.equal(over, true);
    });

    it('is rolled back with LOCAL_TRANSACTION_OPEN when a local transaction was left uncommitted', async () => {
      const work = new FakeWork();
      const run = gtx.run(async () => {
        await write();
        current().addParticipant(work);
        work.open = true;
      });
      await assert.rejects(run, { code: 'LOCAL_TRANSACTION_OPEN', construct: 'UPDATE on pool shop' });
      assert.equal(work.abandoned, 1);
      assert.deepEqual(decisions(), ['rollback']);
    });

    it('is rolled back with ROLLBACK_ONLY when it was marked so, and keeps the cause', async () => {
      const cause = new Error('stock is gone');
      const run = gtx.run(async () => {
        await write();
        current().setRollbackOnly('no stock', cause);
        current().setRollbackOnly('a later reason');
        assert.equal(current().rollbackOnly, true);
      });
      await assert.rejects(run, (error: GlobalTxError) => {
        assert.equal(error.code, 'ROLLBACK_ONLY');
        assert.equal(error.cause, cause);
        assert.equal(error.details.reason, 'no stock');
        assert.equal(error.details.status, 'ROLLED_BACK');
        assert.match(error.stack ?? '', /run\.test/);
        return true;
      });
      assert.deepEqual(decisions(), ['rollback']);
    });

    it('is rolled back when the answer to a local COMMIT was lost', async () => {
      const run = gtx.run(async () => {
        const branchId = await current().registerBranch(BRANCH);
        current().reportBranch(branchId, 'PHASE_ONE_UNKNOWN');
      });
      await assert.rejects(run, { code: 'ROLLBACK_ONLY', message: /LOCAL_COMMIT_UNKNOWN/ });
    });

    it('is rolled back when work that was not awaited came too late', async () => {
      let late: Promise<unknown> = Promise.resolve();
      const work = new FakeWork(new Promise((resolve) => setTimeout(resolve, 30)));
      const run = gtx.run(async () => {
        await write();
        const transaction = current();
        transaction.addParticipant(work);
        work.settled = async () => {
          if (transaction.ended)
            late = assert.rejects(transaction.registerBranch(BRANCH), { code: 'TRANSACTION_NOT_ACTIVE' });
          await late;
        };
      });
      await assert.rejects(run, { code: 'ROLLBACK_ONLY', message: /TRANSACTION_NOT_ACTIVE/ });
      await late;
    });

    for (const [reason, code] of [
      ['TIMED_OUT', 'TIMED_OUT'],
      ['ROLLBACK_ONLY: no stock', 'ROLLBACK_ONLY'],
      ['LOCAL_COMMIT_UNKNOWN', 'LOCAL_COMMIT_UNKNOWN'],
      ['PHASE_ONE_UNFINISHED', 'PHASE_ONE_UNFINISHED'],
      ['an operator asked for it', 'ROLLED_BACK'],
    ] as const) {
      it(`throws ${code} when the coordinator has rolled it back (${reason})`, async () => {
        fake.script = (frame) =>
          frame.body === 'commit' ? transactionReply(frame.commit.xid, 'ROLLED_BACK', { reason }) : undefined;
        await assert.rejects(gtx.run(write), (error: GlobalTxError) => {
          assert.equal(error.code, code);
          assert.equal(error.details.status, 'ROLLED_BACK');
          assert.equal(error.details.reason, reason);
          return true;
        });
      });
    }

    it('tells of a rollback by the coordinator once it is finished, or says how much is left', async () => {
      let left = 0;
      fake.script = (frame) => {
        if (frame.body === 'commit') return transactionReply(frame.commit.xid, 'ROLLING_BACK');
        if (frame.body !== 'rollback' || left === 0) return undefined;
        return transactionReply(frame.rollback.xid, 'ROLLING_BACK', { unfinishedBranches: left });
      };
      await assert.rejects(gtx.run(write), { code: 'ROLLED_BACK', message: /has been taken back/ });
      left = 2;
      await assert.rejects(gtx.run(write), { code: 'ROLLED_BACK', message: /2 branches are still being/ });
    });

    it('is committed when the decision is made, though phase two is under way', async () => {
      fake.script = (frame) =>
        frame.body === 'commit' ? transactionReply(frame.commit.xid, 'COMMITTING') : undefined;
      await gtx.run(write);
    });

    it('throws OUTCOME_UNKNOWN when a transaction that had branches is not known any more', async () => {
      fake.script = (frame) =>
        frame.body === 'commit' ? transactionReply(frame.commit.xid, 'NOT_FOUND') : undefined;
      await assert.rejects(gtx.run(write), { code: 'OUTCOME_UNKNOWN' });
    });

    it('throws ROLLED_BACK when nothing of it ever reached the coordinator', async () => {
      fake.script = (frame) => {
        if (frame.body === 'commit') return transactionReply(frame.commit.xid, 'NOT_FOUND');
        return frame.body === 'registerBranch' ? failureReply('RESOURCE_EXHAUSTED', 'full') : undefined;
      };
      const run = gtx.run(() => write().catch(() => 'swallowed'));
      await assert.rejects(run, { code: 'ROLLED_BACK' });
    });

    it('asks again until the outcome is known', async () => {
      let asked = 0;
      fake.script = (frame) => {
        if (frame.body !== 'commit') return undefined;
        asked += 1;
        if (asked === 1) return 'end';
        return asked === 2 ? failureReply('RESOURCE_EXHAUSTED', 'too much') : undefined;
      };
      await gtx.run(write);
      assert.equal(asked, 3);
    });

    it('throws OUTCOME_UNKNOWN when no answer comes until the deadline', async () => {
      fake.script = (frame) => (frame.body === 'commit' ? 'silence' : undefined);
      await assert.rejects(gtx.run(write), (error: GlobalTxError) => {
        assert.equal(error.code, 'OUTCOME_UNKNOWN');
        assert.equal(error.xid, fake.all('commit')[0]?.commit.xid);
        assert.equal((error.cause as GlobalTxError).code, 'COORDINATOR_UNAVAILABLE');
        return true;
      });
    });
  });

  it('is waited for when the client is closed, and none begins after that', async () => {
    let release = (): void => {};
    const run = gtx.run(async () => {
      await write();
      await new Promise<void>((resolve) => (release = resolve));
      await write();
    });
    await fake.arrived('reportBranch');
    const closed = gtx.close(5_000);
    await assert.rejects(
      gtx.run(() => 1),
      { code: 'CLIENT_CLOSED' },
    );
    release();
    await run;
    await closed;
    assert.deepEqual(decisions(), ['commit']);
  });

  it('refuses options that make no sense with INVALID_OPTION', async () => {
    for (const options of [{ timeout: 0 }, { timeout: 1.5 }, { lockWait: -1 }, { timeout: 2 ** 31 }]) {
      await assert.rejects(
        gtx.run(options, () => 1),
        { code: 'INVALID_OPTION' },
      );
    }
  });

  it('refuses options of a wrapped function where it is wrapped, not when it is called', () => {
    assert.throws(() => gtx.transactional({ timeout: -1 }, async () => 1), { code: 'INVALID_OPTION' });
    assert.throws(() => gtx.transactional({}, undefined as never), { code: 'INVALID_OPTION' });
  });

  it('keeps this, arguments, name and length of a wrapped function', async () => {
    const till = {
      factor: 3,
      pay: gtx.transactional({ name: 'pay' }, async function pay(this: { factor: number }, amount: number) {
        return { xid: current().xid, name: current().name, paid: this.factor * amount };
      }),
    };
    const first = await till.pay(14);
    const second = await till.pay(1);
    assert.equal(first.paid, 42);
    assert.equal(first.name, 'pay');
    assert.notEqual(first.xid, second.xid);
    assert.equal(till.pay.name, 'pay');
    assert.equal(till.pay.length, 1);
  });
});
