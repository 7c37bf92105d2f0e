import type { TransactionStatus } from '../../protocol/frames.js';

/** What the coordinator says of a global transaction. */
export interface TransactionState {
  readonly xid: string;
  /**
   * COMMITTING and COMMITTED: the decision to commit is durable. ROLLING_BACK, ROLLED_BACK and NEEDS_ATTENTION: it
   * is, or will be, taken back. NOT_FOUND: it never reached the coordinator, or ended and was forgotten.
   */
  readonly status: TransactionStatus;
  /** Why it was rolled back; empty when it was not. */
  readonly reason: string;
  readonly unfinishedBranches: number;
}
