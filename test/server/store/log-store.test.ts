import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { encodeFrame, readFrame } from '../../../src/server/store/frame.js';
import { LogStore } from '../../../src/server/store/log-store.js';
import { keyText } from '../../../src/server/store/record-codec.js';
import type { StoreChange, StoreRecord } from '../../../src/server/store/store.js';
import { verifyStore } from '../../../src/server/store/verify.js';
import { conformanceSuite } from './conformance.js';
import { openStore } from './open-log-store.js';
import { branch, fact, loadAll, nameOf, transaction } from './records.js';

conformanceSuite({
  name: 'LogStore',
  openStore,
  module: new URL('./open-log-store.js', import.meta.url).href,
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

  const file = (number = 0) => join(directory, `log-${number.toString(16).padStart(16, '0')}`);

  /** The first file without the zeros behind its last frame. */
  async function framesOf(): Promise<Buffer> {
    const bytes = await readFile(file());
    let end = 0;
    for (let frame = readFrame(0, bytes, 0); frame !== undefined; frame = readFrame(0, bytes, end))
      end = frame.end;
    return bytes.subarray(0, end);
  }

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

  it('that is made has a durable name, and so have those above that are made with it', async () => {
    const real = { openSync: fs.openSync, fsyncSync: fs.fsyncSync };
    const paths = new Map<number, string>();
    const synced: string[] = [];
    Object.assign(fs, {
      openSync: (...given: Parameters<typeof fs.openSync>) => {
        const descriptor = real.openSync(...given);
        paths.set(descriptor, String(given[0]));
        return descriptor;
      },
      fsyncSync: (descriptor: number) => {
        real.fsyncSync(descriptor);
        synced.push(paths.get(descriptor) ?? '');
      },
    });
    syncBuiltinESMExports();
    try {
      await (await openStore(join(directory, 'a', 'b'))).close();
    } finally {
      Object.assign(fs, real);
      syncBuiltinESMExports();
    }
    assert.deepEqual(synced, [join(directory, 'a'), directory, join(directory, 'a', 'b')]);
  });

  for (const slow of ['linkSync', 'renameSync']) {
    it(`is taken from a dead holder by one process alone, and one that hangs before ${slow} has it not, too`, async () => {
      const store = await openStore(directory);
      const lock = join(directory, 'lock');
      const holder = JSON.parse(await readFile(lock, 'utf8')) as Record<string, unknown>;
      await store.close();
      await writeFile(lock, JSON.stringify({ ...holder, nonce: 'of the dead', started: '1' }));
      const [hangs, goesOn] = ['hangs', 'goes-on'].map((name) => join(directory, name)) as [string, string];
      const script = `
        import fs from 'node:fs';
        import { syncBuiltinESMExports } from 'node:module';
        const original = fs.${slow};
        fs.${slow} = (from, to) => {
          // The lock that is there is found by a first link, which fails.
          if ('${slow}' === 'renameSync' || to !== ${JSON.stringify(lock)}) {
            fs.writeFileSync(${JSON.stringify(hangs)}, '');
            const asleep = new Int32Array(new SharedArrayBuffer(4));
            while (!fs.existsSync(${JSON.stringify(goesOn)})) Atomics.wait(asleep, 0, 0, 20);
          }
          original(from, to);
        };
        syncBuiltinESMExports();
        const { LogStore } = await import(${JSON.stringify(new URL('../../../src/server/store/log-store.js', import.meta.url).href)});
        const directory = ${JSON.stringify(directory)};
        console.log(await LogStore.open({ directory }).then(() => 'opened', ({ code }) => code));
      `;
      const other = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
      let isOver = false;
      const otherIsOver = other.finally(() => {
        isOver = true;
      });
      while (!isOver && !(await readdir(directory)).includes('hangs')) await sleep(20);
      const own = await openStore(directory).catch(({ code }: { code: string }) => code);
      await writeFile(goesOn, '');
      const { stdout } = await otherIsOver;
      const outcomes = [typeof own === 'string' ? own : 'opened', stdout.trim()].sort();
      if (typeof own !== 'string') await own.close();
      assert.deepEqual(outcomes, ['STORE_FAILED', 'opened']);
      const left = (await readdir(directory)).filter((name) => name.startsWith('lock.'));
      assert.deepEqual(left, []);
    }).timeout(20_000);
  }

  it('stops to write when another process has taken it', async () => {
    const store = await openStore(directory);
    await writeFile(join(directory, 'lock'), JSON.stringify({ nonce: 'of another' }));
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await assert.rejects(store.write([{ op: 'put', record: fact('a', 'b') }]), { code: 'STORE_FAILED' });
    await assert.rejects(store.write([]), { code: 'STORE_FAILED' });
    await store.close();
  }).timeout(10_000);

  it('stands it when its file of the lock cannot be read for a moment', async () => {
    const store = await openStore(directory);
    const { readFileSync } = fs;
    let failures = 0;
    fs.readFileSync = ((...given: Parameters<typeof readFileSync>) => {
      if (given[0] !== join(directory, 'lock')) return readFileSync(...given);
      failures += 1;
      throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
    }) as typeof readFileSync;
    syncBuiltinESMExports();
    try {
      for (let waited = 0; failures === 0 && waited < 10_000; waited += 20) await sleep(20);
    } finally {
      fs.readFileSync = readFileSync;
      syncBuiltinESMExports();
    }
    assert.ok(failures > 0);
    await store.write([{ op: 'put', record: fact('a', 'b') }]);
    await store.close();
  }).timeout(20_000);

  it('is sound, and said to be', async () => {
    assert.deepEqual(await verifyStore(directory), { transactions: 1, branches: 1, locks: 2, facts: 1 });
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
    const modules = ['log-store', 'verify'].map(
      (name) => new URL(`../../../src/server/store/${name}.js`, import.meta.url).href,
    );
    // As root every file can be written: the process gives that up once it has loaded what it needs.
    const script = `
      const [{ LogStore }, { verifyStore }] = await Promise.all(${JSON.stringify(modules)}.map((m) => import(m)));
      if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }
      const directory = ${JSON.stringify(directory)};
      const refused = await LogStore.open({ directory }).then(() => 'opened', ({ code, message }) => code + ' ' + message);
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

  it('is refused when a newer version has written it, and says so', async () => {
    await writeFile(file(), encodeFrame(0, 0, [Buffer.from('{"format":4,"oldest":0,"formerEnd":0}')]));
    await assert.rejects(openStore(directory), { code: 'STORE_FORMAT', message: /format 4.*up to 3/ });
  });

  it('is refused when a version before format 3 has written it', async () => {
    await writeFile(join(directory, 'store.mdb'), '');
    await assert.rejects(openStore(directory), {
      code: 'STORE_FORMAT',
      message: /before 3.*empty directory/,
    });
    await assert.rejects(verifyStore(directory), { code: 'STORE_FORMAT' });
  });

  it('keeps what it acknowledged when a write that was not finished is behind it, and goes on', async () => {
    const whole = await framesOf();
    const torn = encodeFrame(0, whole.length, [Buffer.from('tx\t[]\n'.repeat(100))]);
    for (const length of [1, 11, 12, 13, torn.length - 9]) {
      const zeros = Buffer.alloc(length % 2 === 0 ? 1_000 : 0);
      await writeFile(file(), Buffer.concat([whole, torn.subarray(0, length), zeros]));
      assert.equal((await verifyStore(directory)).transactions, 1);
      const store = await openStore(directory);
      await store.write([{ op: 'put', record: fact('length', String(length)) }]);
      await store.close();
      const after = await openStore(directory);
      assert.equal((await loadAll(after)).length, 4);
      await after.close();
    }
  });

  it('is made larger ahead of its writes, which then wait for no journal of the file system', async () => {
    const store = await openStore(directory);
    const { size } = await stat(file());
    for (let n = 0; n < 100; n += 1) {
      await store.write([{ op: 'put', record: fact('n', String(n)) }]);
      assert.equal((await stat(file())).size, size);
    }
    await store.write([{ op: 'put', record: fact('n', 'v'.repeat(size)) }]);
    assert.equal((await stat(file())).size, 2 * size);
    await store.close();
    assert.equal((await verifyStore(directory)).facts, 2);
  });

  it('takes a file for what it is only where it was written', async () => {
    await writeFile(file(1), await readFile(file()));
    await assert.rejects(openStore(directory), {
      code: 'STORE_CORRUPT',
      details: { file: file(1), position: '0' },
    });
  });

  describe('of several files', () => {
    const small = { fileBytes: 2_000, staleBytes: 4_000 };
    let expected: readonly StoreRecord[];

    beforeEach(async () => {
      const store = await LogStore.open({ directory, ...small });
      for (let n = 0; n < 100; n += 1) {
        await store.write([{ op: 'put', record: transaction(`x${n}`) }]);
        await store.write([{ op: 'delete', key: { type: 'transaction', xid: `x${n - 10}` } }]);
      }
      await store.close();
      const after = await openStore(directory);
      expected = await loadAll(after);
      await after.close();
    });

    const logs = async () => (await readdir(directory)).filter((name) => name.startsWith('log-')).sort();

    it('has lost those that were out of date, and nothing else', async () => {
      assert.equal(expected.length, 13);
      const found = await logs();
      assert.ok(found.length >= 3 && found.length < 10, `${found.length} files`);
      assert.ok(!found.includes('log-0000000000000000'));
    });

    it('is refused when one of them is missing', async () => {
      for (const name of (await logs()).slice(0, -1)) {
        const bytes = await readFile(join(directory, name));
        await rm(join(directory, name));
        await assert.rejects(verifyStore(directory), {
          code: 'STORE_CORRUPT',
          message: /file \d+ is missing/,
        });
        await writeFile(join(directory, name), bytes);
      }
      assert.equal((await verifyStore(directory)).transactions, 11);
    });

    it('passes by one that a crash of the machine has brought back, and takes it away', async () => {
      const [oldest] = await logs();
      const number = Number.parseInt(oldest!.slice(4), 16) - 1;
      const head = encodeFrame(number, 0, [Buffer.from('{"format":3,"oldest":0,"formerEnd":0}')]);
      await writeFile(
        file(number),
        Buffer.concat([head, encodeFrame(number, head.length, [Buffer.from('tzombie\t[]\n')])]),
      );
      await writeFile(`${file(999)}.new`, 'half');
      assert.equal((await verifyStore(directory)).transactions, 11);
      const store = await openStore(directory);
      assert.deepEqual(await loadAll(store), expected);
      await store.close();
      assert.deepEqual((await logs())[0], oldest);
      assert.ok(!(await readdir(directory)).includes('log-00000000000003e7.new'));
    });

    it('is refused wherever one but the last was cut off', async () => {
      const [oldest] = await logs();
      const bytes = await readFile(join(directory, oldest!));
      for (let length = 0; length < bytes.length - 8; length += 7) {
        await writeFile(join(directory, oldest!), bytes.subarray(0, length));
        const cut = await verifyStore(directory).catch((error: { code: string }) => error.code);
        assert.equal(cut, 'STORE_CORRUPT', `cut at ${length} of ${bytes.length}`);
      }
    }).timeout(30_000);
  });

  it('gives back the last of each record, whatever was written, in whatever portions, over any restarts', async () => {
    const step = fc.record({ changes: fc.array(change, { maxLength: 6 }), reopens: fc.boolean() });
    const limits = fc.record({ fileBytes: fc.integer({ min: 1, max: 2_000 }), staleBytes: fc.nat(2_000) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), limits, async (steps, sizes) => {
        await rm(directory, { recursive: true, force: true });
        const expected = new Map<string, StoreRecord>();
        let store = await LogStore.open({ directory, ...sizes });
        for (const { changes, reopens } of steps) {
          await store.write(changes);
          for (const each of changes) {
            if (each.op === 'put') expected.set(keyText(each.record), each.record);
            else expected.delete(keyText(each.key));
          }
          if (!reopens) continue;
          await store.close();
          store = await LogStore.open({ directory, ...sizes });
        }
        await store.close();
        store = await openStore(directory);
        const found = await loadAll(store);
        await store.close();
        assert.deepEqual(
          found,
          [...expected.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)),
        );
      }),
      { numRuns: 60 },
    );
  }).timeout(60_000);

  it('does not grow beyond what counts, three times, in the long run', async () => {
    const sizes = { fileBytes: 20_000, staleBytes: 50_000 };
    const store = await LogStore.open({ directory, ...sizes });
    const keys = Array.from({ length: 1_000 }, (_, n) => `PRIMARY/${n}`);
    await store.write([
      {
        op: 'put',
        record: branch('x', '2', { locks: [{ resourceId: 'r', table: 't', mode: 'SHARED', keys }] }),
      },
    ]);
    for (let write = 0; write < 400; write += 1) {
      const xids = Array.from({ length: 20 }, (_, n) => write * 20 + n);
      await store.write(
        xids.flatMap((n): StoreChange[] => [
          { op: 'put', record: transaction(`y${n}`) },
          { op: 'delete', key: { type: 'transaction', xid: `y${n - 100}` } },
        ]),
      );
    }
    await store.close();
    let bytes = 0;
    for (const name of await readdir(directory)) bytes += (await stat(join(directory, name))).size;
    assert.ok(bytes < 3 * 25_000 + 50_000 + 3 * 20_000, `${bytes} bytes`);
    assert.deepEqual(await verifyStore(directory), {
      transactions: 101,
      branches: 2,
      locks: 1_002,
      facts: 1,
    });
  }).timeout(60_000);

  describe('whose last file was damaged', () => {
    let whole: Buffer;
    /** Where a frame ends, and what is there then. */
    const prefixes: string[] = [];

    beforeEach(async () => {
      const store = await openStore(directory);
      for (let write = 0; write < 20; write += 1) {
        const xids = Array.from({ length: 5 }, (_, n) => `x${write}-${n}`);
        await store.write(xids.map((xid) => ({ op: 'put', record: transaction(xid) })));
      }
      await store.close();
      whole = await framesOf();
      prefixes.length = 0;
      prefixes.push(JSON.stringify({ transactions: 0, branches: 0, locks: 0, facts: 0 }));
      for (let writes = 0; writes <= 20; writes += 1) {
        prefixes.push(JSON.stringify({ transactions: 1 + 5 * writes, branches: 1, locks: 2, facts: 1 }));
      }
    });

    const outcome = () =>
      verifyStore(directory).then(
        (summary) => JSON.stringify(summary),
        (error: { code: string }) => error.code,
      );

    it('is what it was up to some write, wherever it was cut off, or refused', async () => {
      const begin = readFrame(0, whole, 0)!.end;
      let last = 0;
      const lengths = Array.from({ length: Math.ceil(whole.length / 3) }, (_, n) => 3 * n);
      for (const length of [...lengths, whole.length]) {
        await writeFile(file(), whole.subarray(0, length));
        const found = await outcome();
        if (length < begin - 8) assert.equal(found, 'STORE_CORRUPT');
        else if (found !== 'STORE_CORRUPT') {
          const at = prefixes.indexOf(found);
          assert.ok(at >= last, `${found} when cut at ${length}`);
          last = at;
        }
      }
      assert.equal(last, prefixes.length - 1);
    }).timeout(60_000);

    it('is refused, or whole but for the last write, whichever bit was flipped', async () => {
      for (let at = 0; at < whole.length; at += 1) {
        const flipped = Buffer.from(whole);
        flipped[at]! ^= 1 << (at % 8);
        await writeFile(file(), flipped);
        const found = await outcome();
        if (found !== 'STORE_CORRUPT') assert.ok(prefixes.slice(-2).includes(found), `${found} at ${at}`);
      }
    }).timeout(60_000);

    it('is refused when a part of it was overwritten by zeros', async () => {
      for (let at = 512; at + 1_024 < whole.length; at += 512) {
        await writeFile(
          file(),
          Buffer.concat([whole.subarray(0, at), Buffer.alloc(512), whole.subarray(at + 512)]),
        );
        assert.equal(await outcome(), 'STORE_CORRUPT');
      }
    });
  });
});

const KEYS = Array.from({ length: 20 }, (_, n) => `k${n}`);
const large = { locks: [{ resourceId: 'r', table: 't', mode: 'SHARED', keys: KEYS }] } as const;
const name = fc.constantFrom('a', 'b', 'c');
const change: fc.Arbitrary<StoreChange> = fc
  .record({ xid: name, branchId: fc.constantFrom('1', '2'), what: fc.nat(6), n: fc.nat(99) })
  .map(({ xid, branchId, what, n }): StoreChange => {
    const key = { type: 'branch', xid, branchId } as const;
    const changes: readonly StoreChange[] = [
      { op: 'put', record: transaction(xid, { timeoutMs: n }) },
      { op: 'put', record: branch(xid, branchId, { registeredAt: n }) },
      { op: 'put', record: branch(xid, branchId, { registeredAt: n, ...large }) },
      { op: 'put', record: fact(xid, String(n)) },
      { op: 'delete', key: { type: 'transaction', xid } },
      { op: 'delete', key },
      { op: 'delete', key },
    ];
    return changes[what]!;
  });
