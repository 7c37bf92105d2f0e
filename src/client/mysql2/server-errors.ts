import { GlobalTxError } from '../../protocol/errors.js';

const ER_LOCK_WAIT_TIMEOUT = 1205;
/** InnoDB has no room left for locks. */
const ER_LOCK_TABLE_FULL = 1206;
const ER_LOCK_DEADLOCK = 1213;
/** MariaDB 11: a snapshot that others have overtaken (innodb_snapshot_isolation). */
const ER_CHECKREAD = 1020;

function errnoOf(error: unknown): unknown {
  return error instanceof Error ? (error as { errno?: unknown }).errno : undefined;
}

/** Whether the server has rolled the whole local transaction back with this error, not only the statement. */
export function endsLocalTransaction(error: unknown, rollbackOnTimeout: boolean): boolean {
  const errno = errnoOf(error);
  return (
    errno === ER_LOCK_DEADLOCK ||
    errno === ER_LOCK_TABLE_FULL ||
    errno === ER_CHECKREAD ||
    (errno === ER_LOCK_WAIT_TIMEOUT && rollbackOnTimeout)
  );
}

/** Whether the connection is gone, and with it the local transaction. */
export function endsConnection(error: unknown): boolean {
  return error instanceof Error && (error as { fatal?: unknown }).fatal === true;
}

/** Whether mysql2 has stopped waiting (`timeout`): the server goes on, and what it did is not told. */
export function isInactivity(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === 'PROTOCOL_SEQUENCE_TIMEOUT';
}

/** Whether running the local transaction again may succeed at once: the holder of the lock is on its way out. */
export function isLockConflict(error: unknown): boolean {
  return error instanceof GlobalTxError && error.code === 'LOCK_CONFLICT';
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
