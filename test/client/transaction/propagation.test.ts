import assert from 'node:assert/strict';
import { currentTransaction, type Propagation, withoutTransaction } from '../../../src/client/index.js';
import { current, FakeWork, write } from './fake-work.js';
import { useFakeWorld } from './fake-world.js';

describe('a function with propagation', () => {
  const world = useFakeWorld();

  const xid = () => currentTransaction()?.xid;
  const inside = (propagation: Propagation) =>
    world.gtx.run(async () => [xid(), await world.gtx.run({ propagation }, async () => xid()), xid()]);
  const alone = (propagation: Propagation) => world.gtx.run({ propagation }, async () => xid());

  for (const propagation of ['REQUIRED', 'SUPPORTS', 'MANDATORY'] as const) {
    it(`${propagation} joins the transaction of its caller`, async () => {
      const [before, within, after] = await inside(propagation);
      assert.ok(before);
      assert.deepEqual([within, after], [before, before]);
    });

    it(`${propagation} is refused in a transaction that has ended`, async () => {
      let late: Promise<unknown> = Promise.resolve();
      await world.gtx.run(async () => {
        late = new Promise((resolve) => setTimeout(resolve, 20)).then(() => alone(propagation));
        late.catch(() => {});
      });
      await assert.rejects(late, { code: 'TRANSACTION_NOT_ACTIVE', message: /withoutTransaction/ });
    });
  }

  for (const propagation of ['REQUIRED', 'REQUIRES_NEW'] as const) {
    it(`${propagation} begins one when there is none`, async () => {
      assert.ok(await alone(propagation));
    });
  }

  for (const propagation of ['SUPPORTS', 'NOT_SUPPORTED', 'NEVER'] as const) {
    it(`${propagation} runs outside of any when there is none`, async () => {
      assert.equal(await alone(propagation), undefined);
    });
  }

  it('REQUIRES_NEW suspends the transaction of its caller and begins its own', async () => {
    const [before, within, after] = await inside('REQUIRES_NEW');
    assert.ok(before && within);
    assert.notEqual(within, before);
    assert.equal(after, before);
  });

  it('REQUIRES_NEW is committed though the transaction of its caller is rolled back', async () => {
    const own: string[] = [];
    const run = world.gtx.run(async () => {
      await write();
      own.push(
        await world.gtx.run({ propagation: 'REQUIRES_NEW' }, async () => {
          await write();
          return current().xid;
        }),
      );
      throw new Error('no money');
    });
    await assert.rejects(run, { message: 'no money' });
    assert.deepEqual(world.decisions(), ['commit', 'rollback']);
    assert.deepEqual(
      world.fake.all('commit').map((frame) => frame.commit.xid),
      own,
    );
  });

  it('REQUIRES_NEW is rolled back alone when the caller catches what it threw', async () => {
    await world.gtx.run(async () => {
      await write();
      const failed = world.gtx.run({ propagation: 'REQUIRES_NEW' }, async () => {
        await write();
        throw new Error('the audit failed');
      });
      await assert.rejects(failed, { message: 'the audit failed' });
      assert.equal(current().rollbackOnly, false);
    });
    assert.deepEqual(world.decisions(), ['rollback', 'commit']);
  });

  it('NOT_SUPPORTED suspends the transaction of its caller and runs outside of any', async () => {
    const [before, within, after] = await inside('NOT_SUPPORTED');
    assert.ok(before);
    assert.equal(within, undefined);
    assert.equal(after, before);
  });

  it('NOT_SUPPORTED leaves the transaction of its caller alone when it throws', async () => {
    await world.gtx.run(async () => {
      await write();
      const outside = world.gtx.run({ propagation: 'NOT_SUPPORTED' }, () => Promise.reject(new Error('x')));
      await assert.rejects(outside, { message: 'x' });
    });
    assert.deepEqual(world.decisions(), ['commit']);
  });

  it('MANDATORY is refused outside of any, and is not called', async () => {
    let called = false;
    const run = world.gtx.run({ propagation: 'MANDATORY' }, () => {
      called = true;
    });
    await assert.rejects(run, { code: 'PROPAGATION_REFUSED', message: /MANDATORY/ });
    assert.equal(called, false);
  });

  it('NEVER is refused inside of one, which goes on when the caller catches that', async () => {
    await world.gtx.run(async () => {
      await write();
      const refused = world.gtx.run({ propagation: 'NEVER' }, () => assert.fail('it was called'));
      await assert.rejects(refused, { code: 'PROPAGATION_REFUSED', xid: current().xid });
      assert.equal(
        await withoutTransaction(() => world.gtx.run({ propagation: 'NEVER' }, () => 'called')),
        'called',
      );
    });
    assert.deepEqual(world.decisions(), ['commit']);
  });

  it('that is not known is refused with INVALID_OPTION', async () => {
    const propagation = 'NESTED' as Propagation;
    await assert.rejects(
      world.gtx.run({ propagation }, () => 1),
      { code: 'INVALID_OPTION', message: /REQUIRES_NEW/ },
    );
  });
});

describe('a transaction of another process', () => {
  const world = useFakeWorld();

  it('gives those who join it no way to end it but to mark it', async () => {
    await world.gtx.join('launched-elsewhere:1', async () => {
      const transaction = current();
      for (const way of ['commit', 'rollback', 'begin']) assert.equal(way in transaction, false, way);
      await world.gtx.run(write);
      await write();
    });
    assert.deepEqual(world.decisions(), []);
  });
});

describe('branches of Promise.all', () => {
  const world = useFakeWorld();

  it('of which one fails: the others are waited for, and those that had not registered never do', async () => {
    const refused: unknown[] = [];
    const late = (ms: number) => {
      const work = (async () => {
        await new Promise((resolve) => setTimeout(resolve, ms));
        await write();
      })();
      const seen = work.catch((error: unknown) => refused.push((error as { code?: unknown }).code));
      current().addParticipant(new FakeWork(seen.then(() => {})));
      return work;
    };
    const run = world.gtx.run(() =>
      Promise.all([
        write(),
        late(30),
        late(60),
        new Promise((_, reject) => setTimeout(() => reject(new Error('one of them')), 10)),
      ]),
    );
    await assert.rejects(run, { message: 'one of them' });
    assert.deepEqual(refused, ['TRANSACTION_NOT_ACTIVE', 'TRANSACTION_NOT_ACTIVE']);
    assert.equal(world.fake.all('registerBranch').length, 1);
    assert.deepEqual(world.decisions(), ['rollback']);
  });
});
