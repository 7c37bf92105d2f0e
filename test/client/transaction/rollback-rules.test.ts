import assert from 'node:assert/strict';
import { type RunOptions, rollbackReport } from '../../../src/client/index.js';
import { rollbackRule } from '../../../src/client/transaction/rollback-rules.js';
import { current, write } from './fake-work.js';
import { useFakeWorld } from './fake-world.js';

class Refusal extends Error {}
class NoStock extends Refusal {}
class NoStockForever extends NoStock {}

describe('a rule of rollback', () => {
  const back = (
    error: unknown,
    rollbackFor?: RunOptions['rollbackFor'],
    kept?: RunOptions['noRollbackFor'],
  ) => rollbackRule(rollbackFor, kept)?.(error) ?? true;

  it('is that every error rolls back, unless told otherwise', () => {
    for (const error of [new Error('x'), new NoStock(), 'a text', undefined]) {
      assert.equal(back(error), true);
      assert.equal(back(error, NoStock), true);
      assert.equal(back(error, undefined, []), true);
    }
  });

  it('keeps what noRollbackFor names, with its subclasses', () => {
    assert.equal(back(new NoStock(), undefined, Refusal), false);
    assert.equal(back(new Refusal(), undefined, [TypeError, Refusal]), false);
    assert.equal(back(new Refusal(), undefined, NoStock), true);
    assert.equal(back({ name: 'Refusal' }, undefined, Refusal), true);
    assert.equal(back(new TypeError('x'), undefined, Error), false);
  });

  it('is the one whose class is nearest to the error, and rollback in a tie', () => {
    assert.equal(back(new NoStockForever(), NoStock, Refusal), true);
    assert.equal(back(new Refusal(), NoStock, Refusal), false);
    assert.equal(back(new NoStockForever(), Refusal, NoStock), false);
    assert.equal(back(new NoStock(), Refusal, Refusal), true);
  });

  it('may be a function, which is as near as the class itself', () => {
    const stock = (error: unknown) => error instanceof NoStock;
    assert.equal(back(new NoStockForever(), Refusal, stock), false);
    assert.equal(back(new Refusal(), undefined, stock), true);
    assert.equal(back(new NoStock(), stock, NoStock), true);
    assert.equal(back('busy', undefined, [(error) => error === 'busy']), false);
  });

  it('is refused when it is neither, or gives neither true nor false', () => {
    assert.throws(() => back(1, undefined, 'NoStock' as never), { code: 'INVALID_OPTION' });
    assert.throws(() => back(1, [7 as never]), { code: 'INVALID_OPTION' });
    assert.throws(() => back(1, undefined, (async () => true) as never), { code: 'INVALID_OPTION' });
  });
});

describe('an error that is not to roll back', () => {
  const world = useFakeWorld();
  const error = new NoStock('none left');

  it('reaches the caller after the commit', async () => {
    const run = world.gtx.run({ noRollbackFor: NoStock }, async () => {
      await write();
      throw error;
    });
    await assert.rejects(run, (thrown) => thrown === error);
    assert.deepEqual(world.decisions(), ['commit']);
    assert.equal(rollbackReport(error), undefined);
  });

  it('gives way to the error of a commit that fails', async () => {
    const run = world.gtx.run({ noRollbackFor: NoStock }, async () => {
      await write();
      current().setRollbackOnly('another part failed');
      throw error;
    });
    await assert.rejects(run, { code: 'ROLLBACK_ONLY' });
    assert.deepEqual(world.decisions(), ['rollback']);
    assert.match(world.log.warnings.join(), /the commit failed, too/);
  });

  it('lets the transaction of the caller go on when a nested call throws it', async () => {
    await world.gtx.run(async () => {
      await write();
      const nested = world.gtx.run({ noRollbackFor: NoStock }, () => Promise.reject(error));
      await assert.rejects(nested, error);
    });
    assert.deepEqual(world.decisions(), ['commit']);
  });

  it('rolls back all the same when the rule itself throws', async () => {
    const rule = (): boolean => {
      throw new Error('a slip');
    };
    const run = world.gtx.run({ noRollbackFor: rule }, async () => {
      await write();
      throw error;
    });
    await assert.rejects(run, error);
    assert.deepEqual(world.decisions(), ['rollback']);
    assert.match(world.log.warnings.join(), /a rollback rule/);
  });
});
