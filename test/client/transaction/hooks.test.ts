import assert from 'node:assert/strict';
import { currentTransaction, type TransactionHooks } from '../../../src/client/index.js';
import { failureReply, transactionReply } from '../../support/fake-coordinator.js';
import { current, FakeWork, write } from './fake-work.js';
import { useFakeWorld } from './fake-world.js';

const NAMES = [
  'beforeBegin',
  'afterBegin',
  'beforeCommit',
  'afterCommit',
  'beforeRollback',
  'afterRollback',
  'afterCompletion',
] as const;

/** Hooks that note when they are called, with what, and where. */
function noting(notes: string[], name = ''): TransactionHooks {
  const note = (hook: string, more = '') => {
    const where = currentTransaction() === undefined ? '' : ' inside';
    notes.push(`${name}${hook}${where}${more}`);
  };
  return {
    beforeBegin: () => note('beforeBegin'),
    afterBegin: async () => note('afterBegin'),
    beforeCommit: () => note('beforeCommit'),
    afterCommit: () => note('afterCommit'),
    beforeRollback: (_, error) => note('beforeRollback', ` ${(error as Error).message.slice(0, 8)}`),
    afterRollback: (_, { status }) => note('afterRollback', ` ${status}`),
    afterCompletion: (_, outcome) => note('afterCompletion', ` ${outcome}`),
  };
}

describe('hooks', () => {
  const world = useFakeWorld();
  let notes: string[];

  beforeEach(() => {
    notes = [];
  });

  const run = (work: () => unknown, hooks: TransactionHooks = noting(notes)) =>
    world.gtx.run({ hooks }, async () => {
      notes.push('work');
      await write();
      await work();
    });

  const failing = (hook: (typeof NAMES)[number]): TransactionHooks => ({
    ...noting(notes),
    [hook]: () => Promise.reject(new Error(`${hook} failed`)),
  });

  it('are called in order around a commit', async () => {
    await run(() => {});
    assert.deepEqual(notes, [
      'beforeBegin',
      'afterBegin inside',
      'work',
      'beforeCommit inside',
      'afterCommit',
      'afterCompletion COMMITTED',
    ]);
  });

  it('are called in order around a rollback', async () => {
    const error = new Error('no money');
    await assert.rejects(
      run(() => Promise.reject(error)),
      error,
    );
    assert.deepEqual(notes.slice(3), [
      'beforeRollback no money',
      'afterRollback ROLLED_BACK',
      'afterCompletion ROLLED_BACK',
    ]);
  });

  it('are told of a rollback that the function did not ask for', async () => {
    await assert.rejects(
      run(() => current().setRollbackOnly('no stock')),
      { code: 'ROLLBACK_ONLY' },
    );
    assert.deepEqual(notes.slice(3), [
      'beforeRollback the glob',
      'afterRollback ROLLED_BACK',
      'afterCompletion ROLLED_BACK',
    ]);
  });

  it('are told of a rollback that the coordinator decided, once it is', async () => {
    world.fake.script = (frame) =>
      frame.body === 'commit'
        ? transactionReply(frame.commit.xid, 'NEEDS_ATTENTION', { reason: 'TIMED_OUT' })
        : undefined;
    await assert.rejects(
      run(() => {}),
      { code: 'TIMED_OUT' },
    );
    assert.deepEqual(notes.slice(3), [
      'beforeCommit inside',
      'afterRollback NEEDS_ATTENTION',
      'afterCompletion ROLLED_BACK',
    ]);
  });

  it('hear of the end alone when it cannot be learnt', async () => {
    world.fake.script = (frame) =>
      frame.body === 'commit' ? failureReply('RESOURCE_EXHAUSTED', 'full') : undefined;
    await assert.rejects(
      run(() => {}),
      { code: 'OUTCOME_UNKNOWN' },
    );
    assert.deepEqual(notes.slice(3), ['beforeCommit inside', 'afterCompletion UNKNOWN']);
  });

  it('of beforeCommit may write', async () => {
    await run(() => {}, { beforeCommit: async () => void (await write()) });
    assert.equal(world.fake.all('registerBranch').length, 2);
    assert.deepEqual(world.decisions(), ['commit']);
  });

  it('of afterCommit are not called before the decision is known', async () => {
    let decided = false;
    world.fake.script = async (frame) => {
      if (frame.body === 'commit') await new Promise((resolve) => setTimeout(resolve, 30));
      decided ||= frame.body === 'commit';
      return undefined;
    };
    let seen: boolean | undefined;
    await run(() => {}, {
      afterCommit: () => {
        seen = decided;
      },
    });
    assert.equal(seen, true);
  });

  it('that fail before the beginning keep it from beginning', async () => {
    await assert.rejects(
      run(() => {}, failing('beforeBegin')),
      { message: 'beforeBegin failed' },
    );
    assert.deepEqual(notes, []);
    assert.deepEqual(world.decisions(), []);
  });

  it('that fail after the beginning keep the function from being called', async () => {
    await assert.rejects(
      run(() => {}, failing('afterBegin')),
      { message: 'afterBegin failed' },
    );
    assert.deepEqual(notes, [
      'beforeBegin',
      'beforeRollback afterBeg',
      'afterRollback ROLLED_BACK',
      'afterCompletion ROLLED_BACK',
    ]);
  });

  it('that fail before the commit make it a rollback', async () => {
    await assert.rejects(
      run(() => {}, failing('beforeCommit')),
      { message: 'beforeCommit failed' },
    );
    assert.deepEqual(world.decisions(), ['rollback']);
  });

  it('that fail later change nothing and are logged', async () => {
    for (const hook of ['afterCommit', 'afterCompletion'] as const) {
      await run(() => {}, failing(hook));
      assert.match(world.log.warnings.join(), new RegExp(`a hook ${hook} .* threw`));
    }
    for (const hook of ['beforeRollback', 'afterRollback'] as const) {
      const error = new Error('no money');
      await assert.rejects(
        run(() => Promise.reject(error), failing(hook)),
        error,
      );
      assert.match(world.log.warnings.join(), new RegExp(`a hook ${hook} .* threw`));
    }
    assert.deepEqual(world.decisions(), ['commit', 'commit', 'rollback', 'rollback']);
  });

  it('of a nested call, and those added on the way, are called at the end of the whole, in that order', async () => {
    await run(async () => {
      await world.gtx.run({ hooks: noting(notes, 'nested.') }, () => notes.push('nested work'));
      current().addHooks(noting(notes, 'added.'));
    });
    assert.deepEqual(notes.slice(3), [
      'nested work',
      'beforeCommit inside',
      'nested.beforeCommit inside',
      'added.beforeCommit inside',
      'afterCommit',
      'nested.afterCommit',
      'added.afterCommit',
      'afterCompletion COMMITTED',
      'nested.afterCompletion COMMITTED',
      'added.afterCompletion COMMITTED',
    ]);
  });

  it('are left to the process that began the transaction', async () => {
    await world.gtx.join('launched-elsewhere:1', async () => {
      assert.throws(() => current().addHooks({}), { code: 'INVALID_OPTION' });
      await world.gtx.run({ hooks: noting(notes) }, write);
    });
    assert.deepEqual(notes, []);
  });

  it('cannot be added once the end has begun', async () => {
    let refused: unknown;
    await run(() => {
      const transaction = current();
      const settled = async () => {
        if (!transaction.ended) return;
        assert.throws(
          () => transaction.addHooks({}),
          (error) => {
            refused = error;
            return true;
          },
        );
      };
      transaction.addParticipant(Object.assign(new FakeWork(), { settled }));
    }).catch(() => 'rolled back');
    assert.equal((refused as { code?: string }).code, 'TRANSACTION_NOT_ACTIVE');
  });

  it('that are no functions are refused with INVALID_OPTION', async () => {
    for (const hooks of [{ afterCommit: 'send' }, 7, null]) {
      await assert.rejects(
        run(() => {}, hooks as never),
        { code: 'INVALID_OPTION' },
      );
    }
  });
});
