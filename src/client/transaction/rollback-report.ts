import type { TransactionStatus } from '../../protocol/frames.js';

/** What became of the rollback that an error has caused. */
export interface RollbackReport {
  readonly xid: string;
  /**
   * ROLLED_BACK: every write has been taken back. ROLLING_BACK: decided, and finished later by the coordinator.
   * NEEDS_ATTENTION: a branch cannot be compensated without a person. UNKNOWN: the coordinator could not be
   * told; its time-out rolls the transaction back. NOT_FOUND: it knew the transaction once and does not any more; it has
   * timed out and is forgotten, unless the coordinator has lost its store.
   */
  readonly status: TransactionStatus | 'UNKNOWN';
  readonly unfinishedBranches: number;
  /** Why the status is UNKNOWN. */
  readonly cause?: unknown;
}

const REPORTS = Symbol.for('globaltx.rollback-reports');

type Holder = { [REPORTS]?: WeakMap<object, RollbackReport> };

/** Shared by every copy of the package. The error itself is left as it was thrown: it may be frozen. */
function reports(): WeakMap<object, RollbackReport> {
  const holder = globalThis as Holder;
  holder[REPORTS] ??= new WeakMap();
  return holder[REPORTS];
}

/**
 * What became of the global transaction that `error` has rolled back; undefined when it rolled back none, or is
 * no object.
 *
 * @example
 * try { await placeOrder(order); } catch (error) {
 *   if (rollbackReport(error)?.status === 'NEEDS_ATTENTION') alert(rollbackReport(error).xid);
 *   throw error;
 * }
 */
export function rollbackReport(error: unknown): RollbackReport | undefined {
  return typeof error === 'object' && error !== null ? reports().get(error) : undefined;
}

export function attachRollbackReport(error: unknown, report: RollbackReport): void {
  if (typeof error === 'object' && error !== null) reports().set(error, report);
}
