import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { open, type RootDatabase } from 'lmdb';
import { encodeRecord, keyText, seal, sealOf } from '../../../src/server/store/record-codec.js';
import type { StoreRecord } from '../../../src/server/store/store.js';
import {
  decodeHeader,
  EMPTY_HEADER,
  encodeHeader,
  type StoreHeader,
  withValue,
} from '../../../src/server/store/store-header.js';
import { verifyStore } from '../../../src/server/store/verify.js';
import { conformanceSuite } from './conformance.js';
import { openStore } from './open-lmdb-store.js';
import { branch, fact, loadAll, transaction } from './records.js';

conformanceSuite({
  name: 'LmdbStore',
  openStore,
  module: new URL('./open-lmdb-store.js', import.meta.url).href,
});

describe('A store directory', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'globaltx-store-'));
    const store = await openStore(directory);
    await store.write([
      { op: 'put', record: transaction('x') },
      { op: 'put', record: branch('x', '1') },
      { op: 'put', record: fact('branchIdLimit', '10') },
    ]);
    await store.close();
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  /** Changes the file behind the store's back. */
  async function tamper(change: (database: RootDatabase<Buffer, Buffer>) => Promise<unknown>): Promise<void> {
    const database = open<Buffer, Buffer>({
      path: join(directory, 'store.mdb'),
      noSubdir: true,
      encoding: 'binary',
      keyEncoding: 'binary',
      overlappingSync: false,
    });
    await change(database);
    await database.close();
  }

  /** What was written together stands in one value, in the order of writing; a branch with many locks has its own. */
  const key = Buffer.from('s0000000000000000');
  const manyLocks = branch('x', '2', {
    locks: [
      { resourceId: 'r', table: 't', mode: 'SHARED', keys: Array.from({ length: 20 }, (_, n) => `k${n}`) },
    ],
  });

  it('is refused to a second process while the first has it', async () => {
    const store = await openStore(directory);
    try {
      await assert.rejects(openStore(directory), {
        code: 'STORE_FAILED',
        message: /in use by the process \d+/,
      });
      await assert.rejects(verifyStore(directory), { code: 'STORE_FAILED' });
    } finally {
      await store.close();
    }
    await (await openStore(directory)).close();
  });

  it('can be taken at once when its holder was killed', async () => {
    const store = await openStore(directory);
    const lock = join(directory, 'lock');
    const holder = JSON.parse(await readFile(lock, 'utf8')) as Record<string, unknown>;
    await store.close();
    await writeFile(lock, JSON.stringify({ ...holder, nonce: 'of the dead', pid: 2 ** 22 + 1 }));
    const begun = Date.now();
    await (await openStore(directory)).close();
    assert.ok(Date.now() - begun < 1_000);
  });

  it('can be taken when another process has got the pid of its dead holder', async () => {
    const store = await openStore(directory);
    const lock = join(directory, 'lock');
    const holder = JSON.parse(await readFile(lock, 'utf8')) as Record<string, unknown>;
    await store.close();
    await writeFile(lock, JSON.stringify({ ...holder, nonce: 'of the dead', started: '1' }));
    await (await openStore(directory)).close();
  });

  it('stops to write when another process has taken it', async () => {
    const store = await openStore(directory);
    await writeFile(join(directory, 'lock'), JSON.stringify({ nonce: 'of another' }));
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await assert.rejects(store.write([{ op: 'put', record: fact('a', 'b') }]), { code: 'STORE_FAILED' });
    await assert.rejects(store.write([]), { code: 'STORE_FAILED' });
    await store.close();
  }).timeout(10_000);

  it('is sound, and said to be', async () => {
    assert.deepEqual(await verifyStore(directory), { transactions: 1, branches: 1, locks: 2, facts: 1 });
  });

  it('is refused with the key when any bit of a value was flipped', async () => {
    const store = await openStore(directory);
    await store.write([{ op: 'put', record: manyLocks }]);
    await store.close();
    for (const damaged of [key, Buffer.from('bx/2')]) {
      let value: Buffer = Buffer.alloc(0);
      await tamper(async (database) => {
        value = Buffer.from(database.get(damaged)!);
      });
      for (let byte = 0; byte < value.length; byte += 5) {
        const flipped = Buffer.from(value);
        flipped[byte]! ^= 1 << (byte % 8);
        await tamper((database) => database.put(damaged, flipped));
        await assert.rejects(verifyStore(directory), {
          code: 'STORE_CORRUPT',
          details: { key: damaged.toString() },
        });
      }
      await tamper((database) => database.put(damaged, value));
    }
  }).timeout(30_000);

  it('is refused when a value was lost', async () => {
    const before = await openStore(directory);
    await before.write([{ op: 'put', record: manyLocks }]);
    await before.close();
    await tamper((database) => database.remove(key));
    await assert.rejects(verifyStore(directory), {
      code: 'STORE_CORRUPT',
      message: /2 values .* 1 with/,
    });
    const store = await openStore(directory);
    await assert.rejects(loadAll(store), { code: 'STORE_CORRUPT' });
    await store.close();
  });

  it('is not sound when a branch has no transaction, locks no branch, or two transactions one lock', async () => {
    const store = await openStore(directory);
    const contradictions: readonly (readonly [StoreRecord, RegExp])[] = [
      [branch('nobody', '2'), /branch 2 belongs to no unfinished transaction/],
      [branch('x', '2', { partOf: '7' }), /belong to branch 7, which is not there/],
      [branch('y', '2'), /the lock PRIMARY\/1 is also held by x/],
      [branch('x', '10', { locks: [] }), /branch 10 is beyond the ids that were given out/],
    ];
    await store.write([{ op: 'put', record: transaction('y') }]);
    await store.close();
    for (const [record, message] of contradictions) {
      if (record.type !== 'branch') continue;
      const before = await openStore(directory);
      await before.write([{ op: 'put', record }]);
      await before.close();
      await assert.rejects(verifyStore(directory), { code: 'STORE_CORRUPT', message });
      const after = await openStore(directory);
      const { xid, branchId } = record;
      await after.write([{ op: 'delete', key: { type: 'branch', xid, branchId } }]);
      await after.close();
    }
    assert.equal((await verifyStore(directory)).transactions, 2);
  });

  it('on a disk that cannot be written is refused with a clear error, and verified all the same', async () => {
    const modules = ['lmdb-store', 'verify'].map(
      (name) => new URL(`../../../src/server/store/${name}.js`, import.meta.url).href,
    );
    // As root every file can be written: the process gives that up once it has loaded what it needs.
    const script = `
      const [{ LmdbStore }, { verifyStore }] = await Promise.all(${JSON.stringify(modules)}.map((m) => import(m)));
      if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }
      const directory = ${JSON.stringify(directory)};
      const refused = await LmdbStore.open({ directory }).then(() => 'opened', ({ code, message }) => code + ' ' + message);
      const verified = await verifyStore(directory).catch(({ message }) => message);
      console.log(JSON.stringify({ refused, verified }));
    `;
    for (const name of await readdir(directory)) await chmod(join(directory, name), 0o444);
    await chmod(directory, 0o555);
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    await chmod(directory, 0o755);
    const { refused, verified } = JSON.parse(stdout) as { refused: string; verified: unknown };
    assert.match(refused, /^STORE_FAILED .*(permission denied|read-only)/i);
    assert.deepEqual(verified, { transactions: 1, branches: 1, locks: 2, facts: 1 });
  });

  it('is refused when a value stands under another key', async () => {
    const other = Buffer.from('s0000000000000001');
    await tamper((database) => database.put(other, Buffer.from(database.get(key)!)));
    await assert.rejects(verifyStore(directory), {
      code: 'STORE_CORRUPT',
      details: { key: other.toString() },
    });
  });

  it('is refused when its header is gone', async () => {
    await tamper((database) => database.remove(Buffer.from('header')));
    await assert.rejects(openStore(directory), { code: 'STORE_CORRUPT' });
  });

  it('is refused when a newer version has written it, and says so', async () => {
    await tamper((database) =>
      database.put(Buffer.from('header'), encodeHeader({ format: 3, records: 3, sum: 0 })),
    );
    await assert.rejects(openStore(directory), { code: 'STORE_FORMAT', message: /format 3.*up to 2/ });
  });

  it('of format 1 is read as it is, and is one of format 2 from its first write on', async () => {
    const records = [transaction('old'), branch('old', '3', { locks: [] }), fact('branchIdLimit', '10')];
    await tamper(async (database) => {
      await database.clearAsync();
      let header: StoreHeader = { ...EMPTY_HEADER, format: 1 };
      for (const record of records) {
        const name = Buffer.from(keyText(record));
        const value = seal(name, encodeRecord(record));
        header = withValue(header, sealOf(value));
        await database.put(name, value);
      }
      await database.put(Buffer.from('header'), encodeHeader(header));
    });
    assert.deepEqual(await verifyStore(directory), { transactions: 1, branches: 1, locks: 0, facts: 1 });
    const store = await openStore(directory);
    assert.equal((await loadAll(store)).length, 3);
    await store.write([
      { op: 'put', record: transaction('new') },
      { op: 'put', record: transaction('old', { name: 'changed' }) },
      { op: 'delete', key: { type: 'branch', xid: 'old', branchId: '3' } },
    ]);
    await store.close();
    const after = await openStore(directory);
    const found = await loadAll(after);
    await after.close();
    assert.deepEqual(
      found.map((record) => (record.type === 'transaction' ? record.name : record.type)).sort(),
      ['changed', 'fact', transaction('new').name].sort(),
    );
    await tamper(async (database) => {
      assert.equal(decodeHeader(Buffer.from(database.get(Buffer.from('header'))!)).format, 2);
      assert.equal(database.get(Buffer.from('bold/3')), undefined);
    });
  });

  describe('whose file was damaged', () => {
    const file = () => join(directory, 'store.mdb');
    let whole: Buffer;

    beforeEach(async () => {
      const store = await openStore(directory);
      for (let write = 0; write < 20; write += 1) {
        const xids = Array.from({ length: 20 }, (_, n) => `x${write}-${n}`);
        await store.write(xids.map((xid) => ({ op: 'put', record: transaction(xid) })));
      }
      const keys = Array.from({ length: 1_000 }, (_, n) => `PRIMARY/${n}`);
      const locks = [{ resourceId: 'r', table: 't', mode: 'SHARED', keys }] as const;
      await store.write([{ op: 'put', record: branch('x', '2', { locks }) }]);
      await store.close();
      whole = await readFile(file());
    });

    it('is refused wherever it was cut off, unless only free pages are gone', async () => {
      let refused = 0;
      for (let length = 0; length < whole.length; length += 2_048) {
        await writeFile(file(), whole.subarray(0, length));
        const outcome = await verifyStore(directory).catch((error: { code: string }) => error.code);
        if (outcome === 'STORE_CORRUPT') refused += 1;
        else assert.deepEqual(outcome, { transactions: 401, branches: 2, locks: 1_002, facts: 1 });
      }
      assert.ok(refused > (0.9 * whole.length) / 2_048);
    });

    it('is refused or whole, never another state, whichever bit was flipped in each page', async () => {
      for (let page = 0; page < whole.length / 4_096; page += 1) {
        // The heads of the pages, where everything hangs, get more than their share.
        for (const at of [page % 24, 24 + ((page * 7) % 130), (page * 613) % 4_096]) {
          const flipped = Buffer.from(whole);
          flipped[page * 4_096 + at]! ^= 1 << (page % 8);
          await writeFile(file(), flipped);
          const outcome = await verifyStore(directory).catch((error: { code: string }) => error.code);
          if (outcome === 'STORE_CORRUPT') continue;
          assert.deepEqual(outcome, { transactions: 401, branches: 2, locks: 1_002, facts: 1 });
        }
      }
    });
  });
});
