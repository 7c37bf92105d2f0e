import { GlobalTxError } from '../../../protocol/errors.js';
import { isXid } from '../../../protocol/xid.js';
import { qualifiedName, UNDO_LOG_KEY, UNDO_LOG_TABLE } from './ddl.js';
import type { EncodedUndoRecord } from './encoding.js';

/** One row of the undo log. */
export interface BranchKey {
  readonly xid: string;
  /** Decimal. */
  readonly branchId: string;
}

/** The row holds images. */
export const LOG_STATUS_IMAGES = 0;
/** The row is a defence record: it holds nothing, stands in a late phase one's way, and says that the branch is undone. */
export const LOG_STATUS_DEFENCE = 1;

/**
 * Bytes of one statement's hexadecimal literal: twice this many characters are sent, which is below the
 * smallest max_allowed_packet that a server comes with (4 MiB).
 */
export const CHUNK_BYTES = 1024 * 1024;

/** Bytes that a statement has beside its literal, and a string function beside its result. */
const STATEMENT_OVERHEAD_BYTES = 1024;

const BRANCH_ID = /^\d{1,19}$/;

/** Both values go into statements as they are, so they are checked here and not escaped. */
function checked({ xid, branchId }: BranchKey): BranchKey {
  if (!isXid(xid)) throw new GlobalTxError('INVALID_XID', `'${xid}' is not an xid.`);
  if (!BRANCH_ID.test(branchId)) {
    throw new GlobalTxError('INTERNAL', `'${branchId}' is not a branch id.`, { xid });
  }
  return { xid, branchId };
}

function keyCondition(key: BranchKey): string {
  const { xid, branchId } = checked(key);
  return `xid = '${xid}' AND branch_id = ${branchId}`;
}

function insertSql(schema: string, key: BranchKey, context: string, info: Buffer, status: number): string {
  const { xid, branchId } = checked(key);
  return (
    `INSERT INTO ${qualifiedName(schema, UNDO_LOG_TABLE)} ` +
    '(branch_id, xid, context, rollback_info, log_status, log_created, log_modified) VALUES ' +
    `(${branchId}, '${xid}', '${context}', x'${info.toString('hex')}', ${status}, ` +
    'UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))'
  );
}

/** The largest encoded record that a server with this max_allowed_packet can keep, in bytes. */
export function largestRecordBytes(maxAllowedPacket: number): number {
  return maxAllowedPacket - STATEMENT_OVERHEAD_BYTES;
}

/**
 * The statements that write a branch's undo record, to be run in this order in the branch's own local
 * transaction. A large record takes several: one branch has one row (its key is unique), so the rest is
 * appended. The server lets no string function make more than max_allowed_packet bytes, and outside of
 * strict mode it would store nothing instead of failing, so the whole must stay below it.
 * @param maxAllowedPacket the session's, in bytes; default: the smallest that a server comes with
 * @throws GlobalTxError UNDO_RECORD_TOO_LARGE, INVALID_XID
 */
export function insertUndoLogSql(
  schema: string,
  xid: string,
  branchId: string,
  encoded: EncodedUndoRecord,
  maxAllowedPacket = 4 * 1024 * 1024,
): string[] {
  const { context, rollbackInfo } = encoded;
  const key = { xid, branchId };
  if (rollbackInfo.length > largestRecordBytes(maxAllowedPacket)) {
    throw new GlobalTxError(
      'UNDO_RECORD_TOO_LARGE',
      `The undo record has ${rollbackInfo.length} bytes; the server's max_allowed_packet is ${maxAllowedPacket}. ` +
        'Change fewer rows in one local transaction, or raise max_allowed_packet.',
      { xid, details: { bytes: String(rollbackInfo.length), maxAllowedPacket: String(maxAllowedPacket) } },
    );
  }
  const chunkBytes = Math.min(CHUNK_BYTES, Math.floor((maxAllowedPacket - STATEMENT_OVERHEAD_BYTES) / 2));
  const statements = [
    insertSql(schema, key, context, rollbackInfo.subarray(0, chunkBytes), LOG_STATUS_IMAGES),
  ];
  for (let from = chunkBytes; from < rollbackInfo.length; from += chunkBytes) {
    const chunk = rollbackInfo.subarray(from, from + chunkBytes).toString('hex');
    statements.push(
      `UPDATE ${qualifiedName(schema, UNDO_LOG_TABLE)} SET rollback_info = CONCAT(rollback_info, x'${chunk}') ` +
        `WHERE ${keyCondition(key)}`,
    );
  }
  return statements;
}

const DEFENCE_CONTEXT = 'serializer=globaltx-1&compress=none';

/** Stands in the way of a phase one that comes after its rollback: that one meets a duplicate key. */
export function insertDefenceSql(schema: string, key: BranchKey): string {
  return insertSql(schema, key, DEFENCE_CONTEXT, Buffer.alloc(0), LOG_STATUS_DEFENCE);
}

/** The branch is undone: its images go, and its keeping time as a defence record begins. */
export function turnIntoDefenceSql(schema: string, key: BranchKey): string {
  return (
    `UPDATE ${qualifiedName(schema, UNDO_LOG_TABLE)} SET context = '${DEFENCE_CONTEXT}', rollback_info = '', ` +
    `log_status = ${LOG_STATUS_DEFENCE}, log_created = UTC_TIMESTAMP(6), log_modified = UTC_TIMESTAMP(6) ` +
    `WHERE ${keyCondition(key)}`
  );
}

/** Reads and locks a branch's row: context, rollback_info, log_status. */
export function lockUndoLogSql(schema: string, key: BranchKey): string {
  return `${readUndoLogSql(schema, key)} FOR UPDATE`;
}

export function readUndoLogSql(schema: string, key: BranchKey): string {
  return (
    `SELECT context, rollback_info, log_status FROM ${qualifiedName(schema, UNDO_LOG_TABLE)} ` +
    `WHERE ${keyCondition(key)}`
  );
}

/**
 * Removes the rows of many branches at once. The index is forced: in a small table the server would rather
 * read every row, and so wait for those that phase ones have not committed yet. (The form for several
 * tables, because the one for a single table takes no index hint.) One pair is not written as
 * `(xid, branch_id) IN ((?, ?))`: MariaDB reads the whole table for that, and uses the index for two and more.
 */
export function deleteUndoLogsSql(schema: string, keys: readonly BranchKey[]): string {
  const pairs = keys.map(checked);
  const table = qualifiedName(schema, UNDO_LOG_TABLE);
  const condition =
    pairs.length === 1
      ? keyCondition(pairs[0]!)
      : `(xid, branch_id) IN (${pairs.map(({ xid, branchId }) => `('${xid}', ${branchId})`).join(', ')})`;
  return `DELETE ${table} FROM ${table} FORCE INDEX (${UNDO_LOG_KEY}) WHERE ${condition}`;
}

/** Removes defence records that are older than their keeping time, oldest first, at most `limit` of them. */
export function removeDefenceRecordsSql(schema: string, keepMs: number, limit: number): string {
  return (
    `DELETE FROM ${qualifiedName(schema, UNDO_LOG_TABLE)} WHERE log_status = ${LOG_STATUS_DEFENCE} ` +
    `AND log_created < UTC_TIMESTAMP(6) - INTERVAL ${Math.round(keepMs * 1000)} MICROSECOND ` +
    `ORDER BY log_created LIMIT ${limit}`
  );
}
