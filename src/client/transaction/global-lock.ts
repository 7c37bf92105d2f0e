import { AsyncLocalStorage } from 'node:async_hooks';
import { GlobalTxError } from '../../protocol/errors.js';
import { DEFAULT_LOCK_WAIT_MS, milliseconds } from './run-options.js';

export interface GlobalLockOptions {
  /** Milliseconds that one write may wait for a row that a global transaction holds. @default 5000 */
  readonly lockWait?: number;
}

/** How the local transactions of a function or of a pool respect the global locks. */
export interface GlobalLock {
  readonly lockWaitMs: number;
}

const STORAGE = Symbol.for('globaltx.global-lock');

type Holder = { [STORAGE]?: AsyncLocalStorage<GlobalLock | undefined> };

/** One storage a process, shared by every copy of the package that is loaded. */
function storage(): AsyncLocalStorage<GlobalLock | undefined> {
  const holder = globalThis as Holder;
  holder[STORAGE] ??= new AsyncLocalStorage<GlobalLock | undefined>();
  return holder[STORAGE];
}

const context = storage();

/** That of the running code, or undefined. */
export function currentGlobalLock(): GlobalLock | undefined {
  return context.getStore();
}

/** Runs `fn` so that its local transactions respect the global locks, or not with undefined. */
export function runInGlobalLock<Result>(lock: GlobalLock | undefined, fn: () => Result): Result {
  return context.run(lock, fn);
}

/** @throws GlobalTxError INVALID_OPTION */
export function resolveGlobalLock({ lockWait }: GlobalLockOptions): GlobalLock {
  return { lockWaitMs: milliseconds('lockWait', lockWait ?? DEFAULT_LOCK_WAIT_MS, 0) };
}

/**
 * Runs `fn` so that the local transactions in it respect the locks of global ones, without being global: before a local
 * COMMIT, or the end of an autocommit statement, the coordinator is asked for the rows that were written, and it is
 * waited for until no global transaction holds them; SELECT ... FOR UPDATE waits at once. So `fn` never writes over
 * what an undecided global transaction has written. Each local transaction stands for itself: what it has committed
 * stays, whatever becomes of the others. Inside a global transaction `fn` is a part of that.
 *
 * @throws what `fn` throws; GlobalTxError INVALID_OPTION. Writes in it throw LOCK_WAIT_TIMEOUT, LOCK_CONFLICT, DEADLOCK
 * (their local transaction is rolled back: run it again), COORDINATOR_UNAVAILABLE, NOT_CONNECTED, and refuse
 * what is refused inside a global transaction
 *
 * @example
 * await globalLock(() => pool.execute('UPDATE account SET balance = balance + ? WHERE id = ?', [interest, id]));
 */
export function globalLock<Result>(fn: () => Result): Result;
export function globalLock<Result>(options: GlobalLockOptions, fn: () => Result): Result;
export function globalLock<Result>(
  ...[first, second]: [() => Result] | [GlobalLockOptions, () => Result]
): Result {
  if (typeof first === 'function') return context.run(resolveGlobalLock({}), first);
  if (typeof second === 'function') return context.run(resolveGlobalLock(first), second);
  throw new GlobalTxError('INVALID_OPTION', 'globalLock needs a function to run');
}
