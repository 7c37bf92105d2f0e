import { createHash } from 'node:crypto';
import type { SqlExecutor } from '../executor.js';
import type { UndoRecord } from '../image/row.js';
import { deflateRecord } from './deflated-record.js';
import { encodeUndoRecord, inParts, recordBytes } from './encoding.js';
import { insertPartSql, insertUndoLogSql, PART_BYTES } from './undo-log.js';

/** A record of less than this is written in one row, deflated where that pays: it is no larger than a part then. */
const WHOLE_BYTES = PART_BYTES / 2;

/** Bytes that a statement has beside its literal. */
const STATEMENT_BYTES = 1024;

/** A part is sent as hexadecimal digits, in one packet. */
async function partBytes(executor: SqlExecutor): Promise<number> {
  const { rows } = await executor.query('SELECT @@max_allowed_packet');
  return Math.min(PART_BYTES, Math.floor((Number(rows[0]?.[0]) - STATEMENT_BYTES) / 2));
}

/**
 * Writes a branch's undo record in the branch's own local transaction. The parts of a large one are written at once.
 * @returns the statement that is left, for the caller to run
 * @throws GlobalTxError UNDO_RECORD_TOO_LARGE, INVALID_XID
 */
export function undoLogStatement(
  executor: SqlExecutor,
  schema: string,
  record: UndoRecord,
): string | Promise<string> {
  if (recordBytes(record) < WHOLE_BYTES) return insertUndoLogSql(schema, record, encodeUndoRecord(record));
  return writeParts(executor, schema, record);
}

async function writeParts(executor: SqlExecutor, schema: string, record: UndoRecord): Promise<string> {
  const hash = createHash('sha256');
  let parts = 0;
  await deflateRecord(record, await partBytes(executor), async (part) => {
    hash.update(part);
    await executor.query(insertPartSql(schema, record, parts++, part));
  });
  return insertUndoLogSql(schema, record, inParts(parts, hash.digest()));
}

/**
 * Writes a branch's undo record.
 * @throws as `undoLogStatement`; the server's error 1062 when the branch's rollback has been there before
 */
export async function writeUndoLog(executor: SqlExecutor, schema: string, record: UndoRecord): Promise<void> {
  await executor.query(await undoLogStatement(executor, schema, record));
}
