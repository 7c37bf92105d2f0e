import { GlobalTxError } from '../../protocol/errors.js';
import type { GlobalTransaction } from './global-transaction.js';
import { DEFAULT_TIMEOUT_MS } from './run-options.js';
import { abandon, settle } from './settle.js';
import type { Transaction } from './transaction.js';

/** A transaction that came from another process, until its work here is over. */
export interface JoinedTransaction {
  readonly transaction: Transaction;
  /** Whether leaving it now would neither wait nor fail. */
  readonly idle: boolean;
  /**
   * Ends its work in this process, once however often it is called: waits for what is under way and gives up what is not committed locally.
   * The whole is left to the process that began it.
   * @throws GlobalTxError LOCAL_TRANSACTION_OPEN when something had to be given up; ROLLBACK_ONLY when the work
   * asked for that: who began the transaction must hear of it
   */
  leave(): Promise<void>;
}

/** Ends the work of this process in a transaction that another has begun. @throws as `JoinedTransaction.leave` */
export async function leave(transaction: GlobalTransaction): Promise<void> {
  if (transaction.participants.length > 0) {
    // Twice: what ran un-awaited may have begun something new while it was waited for.
    await settle(transaction.participants, DEFAULT_TIMEOUT_MS);
    transaction.end();
    await settle(transaction.participants, DEFAULT_TIMEOUT_MS);
  }
  transaction.end();
  const { xid, participants, rollbackOnlyReason } = transaction;
  const open = participants.filter((participant) => participant.open);
  const failures = await abandon(participants);
  if (open.length > 0 || failures.length > 0) {
    const descriptions = open.map((participant) => participant.description).join(', ');
    throw new GlobalTxError(
      'LOCAL_TRANSACTION_OPEN',
      `work in the global transaction ${xid} ended while a local transaction was not committed (${descriptions}); it was rolled back. Commit or roll back each local transaction before the work is over`,
      { xid, construct: descriptions, cause: failures[0] },
    );
  }
  if (rollbackOnlyReason !== undefined) {
    const { reason, cause } = rollbackOnlyReason;
    throw new GlobalTxError(
      'ROLLBACK_ONLY',
      `work in the global transaction ${xid} marked it rollback-only (${reason}); the process that began it must roll it back`,
      { xid, cause, details: { reason } },
    );
  }
}
