/**
 * Every code that a GlobalTxError or a Failure frame may carry. Codes are stable: match on them, not on
 * messages. docs/errors.md has an entry for each; a test holds the two lists equal.
 */
export const ERROR_CODES = [
  // The way to the coordinator
  'COORDINATOR_UNAVAILABLE',
  'NOT_CONNECTED',
  'CLIENT_CLOSED',
  'PROTOCOL_MISMATCH',
  'MALFORMED_FRAME',
  'RESOURCE_EXHAUSTED',
  'INVALID_OPTION',
  'INVALID_XID',
  'INTERNAL',
  // The transaction
  'TRANSACTION_NOT_FOUND',
  'TRANSACTION_NOT_ACTIVE',
  'PROPAGATION_REFUSED',
  'TIMED_OUT',
  'ROLLED_BACK',
  'ROLLBACK_ONLY',
  'PHASE_ONE_UNFINISHED',
  'OUTCOME_UNKNOWN',
  'BRANCH_NOT_FOUND',
  'ORDER_REFUSED',
  // Locks
  'LOCK_CONFLICT',
  'LOCK_WAIT_TIMEOUT',
  'DEADLOCK',
  // Resources
  'RESOURCE_CLAIMED_TWICE',
  'UNDO_LOG_MISSING',
  'NO_DATABASE',
  // Statements
  'STATEMENT_UNSUPPORTED',
  'STATEMENT_NOT_UNDERSTOOD',
  'TABLE_UNSUPPORTED',
  'TABLE_CHANGED',
  'IMAGE_MISMATCH',
  'UNDO_RECORD_TOO_LARGE',
  // Local transactions
  'LOCAL_TRANSACTION_OPEN',
  'LOCAL_TRANSACTION_FOREIGN',
  'LOCAL_COMMIT_UNKNOWN',
  'LATE_PHASE_ONE',
  // Phase two
  'DIRTY_WRITE',
  'UNDO_RECORD_MISSING',
  'COMPENSATION_REFUSED',
  // The coordinator's store
  'STORE_CORRUPT',
  'STORE_FORMAT',
  'STORE_FAILED',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export function isErrorCode(text: string): text is ErrorCode {
  return (ERROR_CODES as readonly string[]).includes(text);
}
