import assert from 'node:assert/strict';
import { AsyncResource } from 'node:async_hooks';
import { EventEmitter, on, once } from 'node:events';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { bind, currentTransaction, withoutTransaction } from '../../../src/client/index.js';
import { current, write } from './fake-work.js';
import { useFakeWorld } from './fake-world.js';

const xid = () => currentTransaction()?.xid;

/** Workers that were started once, outside of everything, and take jobs from a queue, as pools do. */
class Workers {
  readonly #jobs = new EventEmitter();
  readonly #seen: Promise<void>;

  constructor() {
    this.#seen = (async () => {
      for await (const [job] of on(this.#jobs, 'job', { close: ['end'] })) (job as () => void)();
    })();
  }

  run<Result>(job: () => Result): Promise<Result> {
    return new Promise((resolve) => this.#jobs.emit('job', () => resolve(job())));
  }

  async end(): Promise<void> {
    this.#jobs.emit('end');
    await this.#seen;
  }
}

describe('the context of a global transaction', () => {
  const world = useFakeWorld();

  /** Every one of what the work saw must be the transaction itself. */
  async function survives(work: () => unknown): Promise<void> {
    await world.gtx.run(async () => {
      const here = current().xid;
      const seen = await work();
      assert.deepEqual(
        seen,
        Array.from(seen as unknown[], () => here),
      );
      assert.equal(xid(), here);
    });
    assert.equal(xid(), undefined);
  }

  it('survives await, in functions that were made elsewhere too', async () => {
    const elsewhere = async () => {
      await null;
      await delay(1);
      return xid();
    };
    await survives(() => Promise.all([elsewhere(), elsewhere(), Promise.resolve().then(xid)]));
  });

  it('survives timers of every kind', async () => {
    await survives(() =>
      Promise.all([
        new Promise((resolve) => setTimeout(() => resolve(xid()), 2)),
        new Promise((resolve) => setImmediate(() => resolve(xid()))),
        new Promise((resolve) => process.nextTick(() => resolve(xid()))),
        new Promise((resolve) => queueMicrotask(() => resolve(xid()))),
        new Promise((resolve) => {
          const timer = setInterval(() => {
            clearInterval(timer);
            resolve(xid());
          }, 1);
        }),
      ]),
    );
  });

  it('survives events that are emitted inside, whoever listens', async () => {
    const emitter = new EventEmitter();
    const seen: unknown[] = [];
    emitter.on('row', () => seen.push(xid()));
    await survives(async () => {
      emitter.emit('row');
      const waited = once(emitter, 'later').then(() => seen.push(xid()));
      setTimeout(() => emitter.emit('later'), 1);
      await waited;
      return seen;
    });
  });

  it('survives streams that are read and written inside', async () => {
    await survives(async () => {
      const seen: unknown[] = [];
      const noting = new Transform({
        objectMode: true,
        transform(row, _encoding, done) {
          seen.push(xid());
          setImmediate(done, null, row);
        },
      });
      await pipeline(Readable.from([1, 2, 3]), noting, async (rows) => {
        for await (const _ of rows) seen.push(xid());
      });
      assert.equal(seen.length, 6);
      return seen;
    });
  });

  it('is handed to workers that were started before by bind', async () => {
    const workers = new Workers();
    await survives(async () => {
      assert.equal(await workers.run(xid), undefined);
      return [await workers.run(bind(xid))];
    });
    assert.equal(await workers.run(xid), undefined);
    await workers.end();
  });

  it('is handed to a listener by bind, with this, arguments and result', () =>
    world.gtx.run(async () => {
      const here = current().xid;
      const bound = bind(function take(this: { factor: number }, value: number) {
        return [this.factor * value, xid()];
      });
      assert.deepEqual(
        withoutTransaction(() => bound.call({ factor: 3 }, 14)),
        [42, here],
      );
      assert.deepEqual([bound.name, bound.length], ['take', 1]);
    }));

  it('is none for a function that was bound outside, wherever it is called', async () => {
    const outside = bind(xid);
    await world.gtx.run(() => assert.equal(outside(), undefined));
  });

  it("is Node's own: what keeps asynchronous context keeps it", async () => {
    let resource: AsyncResource | undefined;
    await survives(() => {
      resource = new AsyncResource('job');
      return [withoutTransaction(() => resource?.runInAsyncScope(xid))];
    });
  });

  it('does not leak to the caller, or to a call beside it', async () => {
    const beside = async () => {
      await delay(5);
      return xid();
    };
    const [first, second, none] = await Promise.all([
      world.gtx.run(beside),
      world.gtx.run(beside),
      beside(),
      world.gtx.run(() => Promise.reject(new Error('x'))).catch(() => {}),
    ]);
    assert.ok(first && second && first !== second);
    assert.equal(none, undefined);
    assert.equal(xid(), undefined);
  });

  it('does not leak into a job that was started inside with withoutTransaction', async () => {
    let job: Promise<unknown> = Promise.resolve();
    await world.gtx.run(async () => {
      await write();
      job = withoutTransaction(async () => {
        await delay(20);
        return [xid(), await world.gtx.run(async () => current().role)];
      });
    });
    assert.deepEqual(await job, [undefined, 'launcher']);
  });

  it('does not let a job write that was merely started inside and outlives the transaction', async () => {
    let job: Promise<unknown> = Promise.resolve();
    await world.gtx.run(async () => {
      await write();
      job = delay(20).then(() => write());
      job.catch(() => {});
    });
    await assert.rejects(job, { code: 'TRANSACTION_NOT_ACTIVE' });
    assert.equal(world.fake.all('registerBranch').length, 1);
  });

  it('does not leak into the events of an emitter that was made inside', async () => {
    const seen: unknown[] = [];
    const emitter = await world.gtx.run(async () => new EventEmitter().on('tick', () => seen.push(xid())));
    emitter.emit('tick');
    assert.deepEqual(seen, [undefined]);
  });
});

describe('the state of a global transaction', () => {
  const world = useFakeWorld();

  it('is what the coordinator says of its xid', async () => {
    assert.deepEqual(await world.gtx.stateOf('xid-1'), {
      xid: 'xid-1',
      status: 'NOT_FOUND',
      reason: '',
      unfinishedBranches: 0,
    });
  });

  it('is not asked for when the text is no xid', async () => {
    await assert.rejects(world.gtx.stateOf('a b'), { code: 'INVALID_XID' });
  });
});
