import { writeSync } from 'node:fs';
import type { Store } from '../../../src/server/store/store.js';
import { branch, fact, transaction } from './records.js';

/**
 * A process of its own that writes to a store without end and says on standard output, after each write,
 * which one is durable: `store-writer.js MODULE DIRECTORY`, where the module exports `openStore(directory)`.
 * Write n puts the transaction n with its branch, sets the fact 'last' to n, and deletes the transaction n - 10.
 */
const [module, directory] = process.argv.slice(2) as [string, string];
const { openStore } = (await import(module)) as { openStore: (directory: string) => Promise<Store> };
const store = await openStore(directory);
for await (const _ of store.load());

const IN_FLIGHT = 3;
const writes: Promise<void>[] = [];
for (let n = 1; ; n += 1) {
  const write = store
    .write([
      { op: 'put', record: fact('last', String(n)) },
      { op: 'put', record: transaction(String(n)) },
      { op: 'put', record: branch(String(n), String(n)) },
      { op: 'delete', key: { type: 'transaction', xid: String(n - 10) } },
      { op: 'delete', key: { type: 'branch', xid: String(n - 10), branchId: String(n - 10) } },
    ])
    .then(() => void writeSync(1, `${n}\n`));
  writes.push(write);
  if (writes.length >= IN_FLIGHT) await writes.shift();
}
