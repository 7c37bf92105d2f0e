import { GlobalTxError } from '../../../protocol/errors.js';
import { isXid } from '../../../protocol/xid.js';
import { qualifiedName, UNDO_LOG_KEY, UNDO_LOG_TABLE } from './ddl.js';
import type { EncodedUndoRecord } from './encoding.js';

/** One row of the undo log. */
export interface BranchKey {
  readonly xid: string;
  /** Decimal; negative: of a part of a record. */
  readonly branchId: string;
}

/** The row holds images. */
export const LOG_STATUS_IMAGES = 0;
/** The row is a defence record: it holds nothing, stands in a late phase one's way, and says that the branch is undone. */
export const LOG_STATUS_DEFENCE = 1;

/** The row holds a part of a large record. */
const LOG_STATUS_PART = 2;

/**
 * Bytes of one row: twice this many hexadecimal digits are sent, which is below the smallest max_allowed_packet that a
 * server comes with (4 MiB).
 */
export const PART_BYTES = 1024 * 1024;

/** Parts that a record has at most: 4 GiB of them. */
const PARTS = 4096n;

const BRANCH_ID = /^-?\d{1,19}$/;

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

/** The statement that writes a branch's undo record, in the branch's own local transaction. @throws INVALID_XID */
export function insertUndoLogSql(schema: string, key: BranchKey, encoded: EncodedUndoRecord): string {
  return insertSql(schema, key, encoded.context, encoded.rollbackInfo, LOG_STATUS_IMAGES);
}

/**
 * The key of a part of a large record. The server lets no value be larger than max_allowed_packet, so such a record has
 * rows beside that of its branch; their ids are negative, and no other branch's.
 */
function partKey({ xid, branchId }: BranchKey, part: number): BranchKey {
  const number = BigInt(part);
  if (number >= PARTS || BigInt(branchId) >= 2n ** 51n) {
    throw new GlobalTxError(
      'UNDO_RECORD_TOO_LARGE',
      'The undo record has more parts than the undo log keeps.',
      {
        xid,
      },
    );
  }
  return { xid, branchId: String(-(BigInt(branchId) * PARTS + number)) };
}

export function insertPartSql(schema: string, key: BranchKey, part: number, bytes: Buffer): string {
  return insertSql(schema, partKey(key, part), '', bytes, LOG_STATUS_PART);
}

/** Reads a part: rollback_info. */
export function readPartSql(schema: string, key: BranchKey, part: number): string {
  const table = qualifiedName(schema, UNDO_LOG_TABLE);
  return `SELECT rollback_info FROM ${table} WHERE ${keyCondition(partKey(key, part))}`;
}

/**
 * Finds the parts of the records of ended transactions: xid, branch_id. It locks nothing: where it finds nothing, a
 * locking read would wait for whoever inserts behind the place.
 */
export function findPartsSql(schema: string, keys: readonly BranchKey[]): string {
  const xids = Array.from(new Set(keys.map((key) => checked(key).xid)), (xid) => `'${xid}'`);
  const table = qualifiedName(schema, UNDO_LOG_TABLE);
  return (
    `SELECT xid, branch_id FROM ${table} FORCE INDEX (${UNDO_LOG_KEY}) ` +
    `WHERE xid IN (${xids.join(', ')}) AND branch_id < 0`
  );
}

/** Removes the parts of one branch's record. */
export function deletePartsSql(schema: string, key: BranchKey, parts: number): string {
  return deleteUndoLogsSql(
    schema,
    Array.from({ length: parts }, (_, part) => partKey(key, part)),
  );
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

/**
 * Removes defence records that are older than their keeping time, oldest first, at most `limit` of them. A table that was
 * Seata's may hold some of its own, which are not ours to remove.
 */
export function removeDefenceRecordsSql(schema: string, keepMs: number, limit: number): string {
  return (
    `DELETE FROM ${qualifiedName(schema, UNDO_LOG_TABLE)} WHERE log_status = ${LOG_STATUS_DEFENCE} ` +
    `AND context = '${DEFENCE_CONTEXT}' ` +
    `AND log_created < UTC_TIMESTAMP(6) - INTERVAL ${Math.round(keepMs * 1000)} MICROSECOND ` +
    `ORDER BY log_created LIMIT ${limit}`
  );
}
