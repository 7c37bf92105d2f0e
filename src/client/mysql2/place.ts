import { currentTransaction, runInContext } from '../transaction/context.js';
import { currentGlobalLock, type GlobalLock, runInGlobalLock } from '../transaction/global-lock.js';
import type { Transaction } from '../transaction/transaction.js';

/** Runs `fn` where its statements belong to `transaction` and respect `lock`; at once where that is so already. */
export function runAt<Result>(
  transaction: Transaction | undefined,
  lock: GlobalLock | undefined,
  fn: () => Result,
): Result {
  if (currentTransaction() !== transaction) {
    return runInContext(transaction, () => runAt(transaction, lock, fn));
  }
  return currentGlobalLock() === lock ? fn() : runInGlobalLock(lock, fn);
}

/** Makes a core object outside of everything: its sockets keep the context that they are made in. */
export function makeOutside<Result>(make: () => Result): Result {
  return runAt(undefined, undefined, make);
}
