import assert from 'node:assert/strict';
import { rollbackReport } from '../../../src/client/index.js';
import { current, FakeWork, write } from './fake-work.js';
import { useFakeWorld } from './fake-world.js';

describe('an AbortSignal', () => {
  const world = useFakeWorld();

  it('that is aborted before keeps the function from being called', async () => {
    const reason = new Error('the client went away');
    const signal = AbortSignal.abort(reason);
    await assert.rejects(
      world.gtx.run({ signal }, () => assert.fail('it was called')),
      reason,
    );
  });

  it('that is aborted while hooks are called keeps the function from being called, too', async () => {
    const controller = new AbortController();
    const hooks = { beforeBegin: () => controller.abort() };
    await assert.rejects(
      world.gtx.run({ signal: controller.signal, hooks }, () => assert.fail('it was called')),
      { name: 'AbortError' },
    );
  });

  it('rolls back, and the caller gets its reason once that is done', async () => {
    const reason = new Error('the client went away');
    const controller = new AbortController();
    const run = world.gtx.run({ signal: controller.signal }, async () => {
      await write();
      controller.abort(reason);
      await new Promise(() => {});
    });
    await assert.rejects(run, (error) => error === reason);
    assert.equal(rollbackReport(reason)?.status, 'ROLLED_BACK');
    assert.deepEqual(world.decisions(), ['rollback']);
  });

  it('lets nothing of what still runs commit locally, and waits for it', async () => {
    const controller = new AbortController();
    let late: Promise<unknown> = Promise.resolve();
    let over = false;
    const run = world.gtx.run({ signal: controller.signal }, async () => {
      await write();
      late = new Promise((resolve) => setTimeout(resolve, 40))
        .then(() => assert.rejects(write(), { code: 'TRANSACTION_NOT_ACTIVE' }))
        .finally(() => {
          over = true;
        });
      current().addParticipant(new FakeWork(late.then(() => {})));
      setTimeout(() => controller.abort(), 10);
      await late;
    });
    await assert.rejects(run, { name: 'AbortError' });
    assert.equal(over, true);
    await late;
    assert.equal(world.fake.all('registerBranch').length, 1);
  });

  it('rolls back though its reason is one that does not', async () => {
    const controller = new AbortController();
    const run = world.gtx.run({ signal: controller.signal, noRollbackFor: Error }, async () => {
      await write();
      controller.abort();
      controller.signal.throwIfAborted();
    });
    await assert.rejects(run, { name: 'AbortError' });
    assert.deepEqual(world.decisions(), ['rollback']);
  });

  it('of a nested call takes the whole with it', async () => {
    const run = world.gtx.run(async () => {
      await write();
      const options = { signal: AbortSignal.timeout(10), noRollbackFor: Error };
      await assert.rejects(
        world.gtx.run(options, () => new Promise(() => {})),
        { name: 'TimeoutError' },
      );
    });
    await assert.rejects(run, { code: 'ROLLBACK_ONLY' });
  });

  it('is not heeded once the function has returned, and is not listened to any more', async () => {
    const controller = new AbortController();
    world.fake.script = (frame) => {
      if (frame.body === 'commit') controller.abort();
      return undefined;
    };
    await world.gtx.run({ signal: controller.signal }, write);
    assert.deepEqual(world.decisions(), ['commit']);
  });

  it('leaves what the function throws after it to the log', async () => {
    const controller = new AbortController();
    let release = (): void => {};
    const run = world.gtx.run({ signal: controller.signal }, async () => {
      controller.abort();
      await new Promise<void>((resolve) => (release = resolve));
      throw new Error('too late');
    });
    await assert.rejects(run, { name: 'AbortError' });
    release();
    await new Promise((resolve) => setImmediate(resolve));
    assert.match(world.log.lines.map(({ message }) => message).join(), /after it had been aborted/);
  });

  it('that is none is refused with INVALID_OPTION', async () => {
    await assert.rejects(
      world.gtx.run({ signal: {} as AbortSignal }, () => 1),
      { code: 'INVALID_OPTION' },
    );
  });
});
