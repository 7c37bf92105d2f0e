import assert from 'node:assert/strict';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { GlobalTxError } from '../../src/protocol/errors.js';
import { Clock } from '../../src/server/clock.js';
import type { CoreEvent, Effect } from '../../src/server/core/events.js';
import { type Core, Engine, type Message } from '../../src/server/engine.js';
import type { Store, StoreChange, StoreRecord } from '../../src/server/store/store.js';
import { fact, transaction } from './store/records.js';

/** A disk that is as slow as the test says, or broken. */
class HeldStore implements Store {
  readonly records: StoreRecord[] = [];
  readonly writes: { readonly changes: readonly StoreChange[]; done(): void; fail(): void }[] = [];

  async *load(): AsyncIterable<StoreRecord> {
    yield* this.records;
  }

  write(changes: readonly StoreChange[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.writes.push({ changes, done: resolve, fail: () => reject(new Error('no space left')) });
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Stores when told to `begin`, answers when told to `getTransaction`, does both for `commit`, breaks at `rollback`. */
class EchoCore implements Core {
  wakeAt: number | undefined;
  readonly ticks: number[] = [];
  /** Stored when the engine closes. */
  deferred: Effect[] = [];
  recovered = 0;

  recover(records: Iterable<StoreRecord>): Effect[] {
    this.recovered = [...records].length;
    return [];
  }

  step(event: CoreEvent, now: number): Effect[] {
    if (event.type === 'tick') {
      this.ticks.push(now);
      this.wakeAt = undefined;
    }
    if (event.type === 'closing') return this.deferred;
    if (event.type !== 'frame') return [];
    const { session, id } = event;
    const stored: Effect = { type: 'store', change: { op: 'put', record: fact('id', String(id)) } };
    const answer: Effect = { type: 'send', session, id, body: { body: 'done', done: {} } };
    if (event.body.body === 'begin') return [stored];
    if (event.body.body === 'getTransaction') return [answer];
    if (event.body.body === 'commit') return [answer, stored];
    throw new Error('a mistake in the core');
  }

  nextWake(): number | undefined {
    return this.wakeAt;
  }
}

/** Waits for what must come; what comes late on a busy machine comes all the same. */
async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds() && tries < 2_000; tries += 1) await sleep(1);
}

describe('The engine', () => {
  let core: EchoCore;
  let store: HeldStore;
  let engine: Engine;
  let delivered: number[];
  let failures: GlobalTxError[];
  const flushes: number[] = [];

  beforeEach(async () => {
    core = new EchoCore();
    store = new HeldStore();
    delivered = [];
    failures = [];
    engine = new Engine({
      core,
      store,
      clock: new Clock(),
      deliver: (message: Message) => delivered.push(message.type === 'send' ? message.id : -1),
      fail: (error) => failures.push(error),
      observer: { stepped: () => undefined, flushed: (changes) => flushes.push(changes) },
    });
    await engine.start();
    await turn();
  });

  const commit = (id: number) =>
    engine.submit({ type: 'frame', session: 1, id, body: { body: 'commit', commit: { xid: 'x' } } });
  const ask = (id: number) =>
    engine.submit({
      type: 'frame',
      session: 1,
      id,
      body: { body: 'getTransaction', getTransaction: { xid: 'x' } },
    });
  const breakDown = () =>
    engine.submit({
      type: 'frame',
      session: 1,
      id: 1,
      body: { body: 'rollback', rollback: { xid: 'x', reason: '', waitMs: 0 } },
    });

  it('delivers nothing before the write of its step is on the disk', async () => {
    commit(1);
    await until(() => store.writes.length > 0);
    await sleep(20);
    assert.equal(store.writes.length, 1);
    assert.deepEqual(delivered, []);
    store.writes[0]!.done();
    await until(() => delivered.length > 0);
    assert.deepEqual(delivered, [1]);
  });

  it('holds back what has nothing to store behind the writes before it', async () => {
    commit(1);
    ask(2);
    await until(() => store.writes.length > 0);
    ask(3);
    commit(4);
    ask(5);
    await sleep(20);
    assert.deepEqual(delivered, []);
    store.writes[0]!.done();
    await until(() => store.writes.length > 1 && delivered.length > 1);
    assert.deepEqual(delivered, [1, 2]);
    store.writes[1]!.done();
    await until(() => delivered.length > 4);
    assert.deepEqual(delivered, [1, 2, 3, 4, 5]);
  });

  it('answers at once when nothing is under way', async () => {
    ask(1);
    await until(() => delivered.length > 0);
    assert.deepEqual(delivered, [1]);
    assert.equal(store.writes.length, 0);
  });

  it('keeps one write in flight, and puts all that happens meanwhile into the next, in order', async () => {
    commit(1);
    await until(() => store.writes.length > 0);
    for (let id = 2; id <= 100; id += 1) {
      commit(id);
      if (id % 10 === 0) await turn();
    }
    assert.equal(store.writes.length, 1);
    store.writes[0]!.done();
    await until(() => store.writes.length > 1);
    assert.equal(store.writes.length, 2);
    const ids = store.writes[1]!.changes.map(
      (change) => change.op === 'put' && change.record.type === 'fact' && change.record.value,
    );
    assert.deepEqual(
      ids,
      Array.from({ length: 99 }, (_, index) => String(index + 2)),
    );
  });

  it('says nothing more once a write has failed, and reports it once', async () => {
    commit(1);
    await until(() => store.writes.length > 0);
    ask(2);
    store.writes[0]!.fail();
    await until(() => failures.length > 0);
    ask(3);
    commit(4);
    await sleep(20);
    assert.deepEqual(delivered, []);
    assert.equal(store.writes.length, 1);
    assert.equal(failures.length, 1);
    assert.match(failures[0]!.message, /no space left/);
  });

  it('says nothing more once the core has failed in the middle of a step', async () => {
    ask(1);
    breakDown();
    await until(() => failures.length > 0);
    await sleep(20);
    assert.deepEqual(delivered, []);
    assert.equal(failures[0]?.code, 'INTERNAL');
  });

  it('asks its feeders to stop while too much waits for the disk, and calls them back', async () => {
    commit(1);
    await until(() => store.writes.length > 0);
    let id = 2;
    for (; !engine.full; id += 1) commit(id);
    for (const last = id + 10; id < last; id += 1) commit(id);
    assert.ok(engine.backlog > 10_000);
    let relieved = false;
    engine.whenRelieved(() => {
      relieved = true;
    });
    store.writes[0]!.done();
    await until(() => store.writes.length > 1);
    assert.equal(relieved, false);
    store.writes[1]!.done();
    await until(() => relieved);
    assert.equal(relieved, true);
  });

  it('closes once what was taken is durable and delivered, and takes nothing more', async () => {
    commit(1);
    await until(() => store.writes.length > 0);
    commit(2);
    let closed = false;
    const closing = engine.close().then(() => {
      closed = true;
    });
    ask(3);
    store.writes[0]!.done();
    await until(() => store.writes.length > 1);
    assert.equal(closed, false);
    store.writes[1]!.done();
    await closing;
    assert.deepEqual(delivered, [1, 2]);
  });

  it('closes only once what the core had put off is durable', async () => {
    core.deferred = [{ type: 'store', change: { op: 'put', record: fact('id', 'put off') } }];
    let closed = false;
    const closing = engine.close().then(() => {
      closed = true;
    });
    await until(() => store.writes.length > 0);
    await sleep(20);
    assert.equal(closed, false);
    assert.deepEqual(store.writes[0]!.changes, [{ op: 'put', record: fact('id', 'put off') }]);
    store.writes[0]!.done();
    await closing;
  });

  it('ticks when the core wants to be woken, and not before', async () => {
    const begun = new Clock().now();
    core.wakeAt = begun + 60;
    ask(1);
    await sleep(30);
    assert.deepEqual(core.ticks, []);
    await until(() => core.ticks.length > 0);
    assert.equal(core.ticks.length, 1);
    assert.ok(core.ticks[0]! >= begun + 60);
  });

  it('hands every stored record to the core, and lets no time pass backwards since they were written', async () => {
    const future = Date.now() + 1_000_000;
    const clock = new Clock();
    store.records.push(transaction('x', { begunAt: future }), fact('a', 'b'));
    const { now } = clock;
    const next = new Engine({
      core,
      store,
      clock,
      deliver: () => undefined,
      fail: () => undefined,
      observer: { stepped: () => undefined, flushed: () => undefined },
    });
    await next.start();
    assert.equal(core.recovered, 2);
    assert.ok(now.call(clock) >= future);
    await next.close();
  });
});
