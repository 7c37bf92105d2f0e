import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Store } from '../../../src/server/store/store.js';
import { branch, fact, loadAll, nameOf, transaction } from './records.js';

export interface StoreUnderTest {
  readonly name: string;
  readonly openStore: (directory: string) => Promise<Store>;
  /** The URL of a module that exports `openStore`, for a process that is killed. */
  readonly module: string;
}

const WRITER = fileURLToPath(new URL('./store-writer.js', import.meta.url));
const KILLS = 8;

/** What every store must do. */
export function conformanceSuite({ name, openStore, module }: StoreUnderTest): void {
  describe(`${name} keeps the store's promises`, () => {
    let directory: string;
    let store: Store;

    async function reopen(): Promise<void> {
      await store.close();
      store = await openStore(directory);
    }

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'globaltx-store-'));
      store = await openStore(directory);
    });

    afterEach(async () => {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    });

    it('is empty when new', async () => {
      assert.deepEqual(await loadAll(store), []);
    });

    it('gives back every field of every record after reopening', async () => {
      const records = [
        branch('x', '1', {
          phaseOne: 'PHASE_ONE_UNKNOWN',
          locksOnly: true,
          attention: {
            decision: 'ROLLBACK',
            code: 'DIRTY_WRITE',
            detail: 'row 1 of `t` — "changed"\n\u0000',
            resolution: 'ACCEPT_CURRENT',
          },
        }),
        branch('x', '2', { partOf: '1', locks: [] }),
        fact('coordinatorId', 'a name'),
        transaction('x', { status: 'ROLLING_BACK', reason: 'TIMED_OUT', decidedAt: 5, endedAt: 6 }),
        transaction('y', { name: 'Bestellung – 注文 🧾' }),
      ];
      await store.write(records.map((record) => ({ op: 'put', record })));
      await reopen();
      assert.deepEqual(await loadAll(store), records);
    });

    it('keeps 64-bit ids to the last digit', async () => {
      const ids = ['9007199254740993', '9223372036854775806', '9223372036854775807'];
      await store.write(ids.map((id) => ({ op: 'put', record: branch('x', id) })));
      await reopen();
      assert.deepEqual(
        (await loadAll(store)).map((record) => (record.type === 'branch' ? record.branchId : record)),
        ids,
      );
    });

    it('takes an xid of the longest kind, and names that begin with another', async () => {
      const xids = ['a'.repeat(128), 'a', 'a:1', 'a.b_c-D'];
      await store.write(
        xids.flatMap((xid) => [transaction(xid), branch(xid, '1')].map((record) => ({ op: 'put', record }))),
      );
      await store.write([{ op: 'delete', key: { type: 'transaction', xid: 'a' } }]);
      await reopen();
      const left = (await loadAll(store)).map(nameOf);
      assert.equal(left.length, 7);
      assert.ok(!left.includes('transaction a'));
      assert.ok(left.includes('branch a 1'));
    });

    it('applies changes in their order, within a write and over many', async () => {
      await store.write([
        { op: 'put', record: fact('a', 'first') },
        { op: 'put', record: fact('b', 'first') },
        { op: 'delete', key: { type: 'fact', name: 'b' } },
        { op: 'put', record: fact('a', 'second') },
        { op: 'delete', key: { type: 'fact', name: 'c' } },
        { op: 'put', record: fact('c', 'after its deletion') },
      ]);
      const writes: Promise<void>[] = [];
      for (let n = 1; n <= 100; n += 1)
        writes.push(store.write([{ op: 'put', record: fact('n', String(n)) }]));
      await Promise.all(writes);
      await reopen();
      assert.deepEqual(await loadAll(store), [
        fact('a', 'second'),
        fact('c', 'after its deletion'),
        fact('n', '100'),
      ]);
    });

    it('takes the deletion of what is not there, and a write without changes', async () => {
      await store.write([
        { op: 'delete', key: { type: 'transaction', xid: 'x' } },
        { op: 'delete', key: { type: 'branch', xid: 'x', branchId: '1' } },
        { op: 'delete', key: { type: 'fact', name: 'x' } },
      ]);
      await store.write([]);
      await reopen();
      assert.deepEqual(await loadAll(store), []);
    });

    it('keeps a branch with 100,000 locks', async () => {
      const keys = Array.from({ length: 100_000 }, (_, n) => `PRIMARY/${n}/${'k'.repeat(100)}`);
      const record = branch('x', '1', { locks: [{ resourceId: 'r', table: 't', mode: 'SHARED', keys }] });
      await store.write([{ op: 'put', record }]);
      await reopen();
      assert.deepEqual(await loadAll(store), [record]);
    }).timeout(20_000);

    it('finishes the writes that are under way before it closes', async () => {
      const write = store.write([{ op: 'put', record: fact('a', 'b') }]);
      await reopen();
      await write;
      assert.deepEqual(await loadAll(store), [fact('a', 'b')]);
    });

    it(`loses no acknowledged write and keeps each write whole, over ${KILLS} kills with -9`, async () => {
      await store.close();
      let acknowledged = 0;
      for (let kill = 1; kill <= KILLS; kill += 1) {
        acknowledged = Math.max(await writeUntilKilled(module, directory, 150 + kill * 37), 1);
        store = await openStore(directory);
        const records = await loadAll(store);
        const last = records.find((record) => record.type === 'fact' && record.name === 'last');
        const n = last?.type === 'fact' ? Number(last.value) : 0;
        assert.ok(
          n >= acknowledged,
          `write ${acknowledged} was acknowledged, ${n} is the last that is there`,
        );
        const first = Math.max(1, n - 9);
        const expected = Array.from({ length: n - first + 1 }, (_, index) => String(first + index));
        const names = new Set(records.map(nameOf));
        assert.equal(names.size, 1 + 2 * expected.length);
        for (const xid of expected) {
          assert.ok(
            names.has(`transaction ${xid}`) && names.has(`branch ${xid} ${xid}`),
            `write ${xid} is not whole`,
          );
        }
        await store.write(records.map((record) => ({ op: 'delete', key: record })));
        await store.close();
      }
      store = await openStore(directory);
      assert.ok(acknowledged > 1, 'too few writes to prove anything');
      // Most of it is starting processes, which a busy machine does slowly.
    }).timeout(120_000);
  });
}

/** Resolves with the last write that the process called durable before it was killed. */
async function writeUntilKilled(module: string, directory: string, afterMs: number): Promise<number> {
  const child = spawn(process.execPath, [WRITER, module, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const closed = once(child, 'close');
  while (output === '' && child.exitCode === null) await sleep(5);
  await sleep(afterMs);
  child.kill('SIGKILL');
  await closed;
  // The last line may have been cut off by the kill.
  const lines = output.slice(0, output.lastIndexOf('\n')).split('\n');
  return Number(lines.at(-1));
}
