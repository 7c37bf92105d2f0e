import { AsyncLocalStorage } from 'node:async_hooks';
import type { Transaction } from './transaction.js';

const STORAGE = Symbol.for('globaltx.context');

type Holder = { [STORAGE]?: AsyncLocalStorage<Transaction | undefined> };

/** One storage a process, shared by every copy of the package that is loaded. */
function storage(): AsyncLocalStorage<Transaction | undefined> {
  const holder = globalThis as Holder;
  holder[STORAGE] ??= new AsyncLocalStorage<Transaction | undefined>();
  return holder[STORAGE];
}

const context = storage();

/** The global transaction of the running code, or undefined. */
export function currentTransaction(): Transaction | undefined {
  return context.getStore();
}

/** Runs `fn` inside `transaction`, or outside of any with undefined. */
export function runInContext<Result>(transaction: Transaction | undefined, fn: () => Result): Result {
  return context.run(transaction, fn);
}
