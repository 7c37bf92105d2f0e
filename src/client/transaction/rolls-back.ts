import type { Logger } from '../logger.js';
import type { ResolvedRunOptions } from './run-options.js';
import type { Transaction } from './transaction.js';

/** Whether what a function threw rolls back: always when it was aborted, or when its rule fails. */
export function rollsBack(
  error: unknown,
  { rollsBack: rule, signal }: ResolvedRunOptions,
  { xid }: Transaction,
  logger: Logger,
): boolean {
  if (rule === undefined || signal?.aborted === true) return true;
  try {
    return rule(error);
  } catch (failure) {
    logger.warn({ xid, err: failure }, `a rollback rule of ${xid} threw, so it is rolled back`);
    return true;
  }
}
