import { runInContext } from './context.js';

/**
 * Runs `fn` outside of any global transaction: for work that is merely started inside of one and outlives it, a
 * background job or a log entry that must stay whatever becomes of the transaction.
 *
 * @example
 * withoutTransaction(() => queue.add(job));
 */
export function withoutTransaction<Result>(fn: () => Result): Result {
  return runInContext(undefined, fn);
}
