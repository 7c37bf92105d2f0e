import { GlobalTxError } from '../../../protocol/errors.js';
import type { SqlExecutor } from '../executor.js';
import type { EncodedUndoRecord } from './encoding.js';
import { CHUNK_BYTES, insertUndoLogSql } from './undo-log.js';

/** What the server of this session takes in one packet, and lets one string function make. */
async function maxAllowedPacket(executor: SqlExecutor): Promise<number> {
  const { rows } = await executor.query('SELECT @@max_allowed_packet');
  return Number(rows[0]?.[0]);
}

/**
 * Writes a branch's undo record in the branch's own local transaction. A large one takes several statements.
 * @returns the one statement of a record that takes no more, for the caller to run
 * @throws GlobalTxError UNDO_RECORD_TOO_LARGE, INVALID_XID; the server's error 1062 when the branch's
 * rollback has been there before
 */
export async function undoLogStatement(
  executor: SqlExecutor,
  schema: string,
  xid: string,
  branchId: string,
  encoded: EncodedUndoRecord,
): Promise<string | undefined> {
  const large = encoded.rollbackInfo.length > CHUNK_BYTES;
  const limit = large ? await maxAllowedPacket(executor) : undefined;
  const statements = insertUndoLogSql(schema, xid, branchId, encoded, limit);
  if (statements.length === 1) return statements[0];
  for (const sql of statements) {
    const { affectedRows } = await executor.query(sql);
    if (affectedRows !== 1) {
      throw new GlobalTxError('INTERNAL', 'The undo record could not be written whole.', { xid });
    }
  }
  return undefined;
}

/** Writes a branch's undo record, whatever its size. @throws as `undoLogStatement` */
export async function writeUndoLog(...record: Parameters<typeof undoLogStatement>): Promise<void> {
  const [executor] = record;
  const statement = await undoLogStatement(...record);
  if (statement !== undefined) await executor.query(statement);
}
