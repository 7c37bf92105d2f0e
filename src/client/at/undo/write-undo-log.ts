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
 * Writes a branch's undo record in the branch's own local transaction, in one round trip unless the record
 * is large.
 * @throws GlobalTxError UNDO_RECORD_TOO_LARGE, INVALID_XID; the server's error 1062 when the branch's
 * rollback has been there before
 */
export async function writeUndoLog(
  executor: SqlExecutor,
  schema: string,
  xid: string,
  branchId: string,
  encoded: EncodedUndoRecord,
): Promise<void> {
  const large = encoded.rollbackInfo.length > CHUNK_BYTES;
  const limit = large ? await maxAllowedPacket(executor) : undefined;
  for (const sql of insertUndoLogSql(schema, xid, branchId, encoded, limit)) {
    const { affectedRows } = await executor.query(sql);
    if (affectedRows !== 1) {
      throw new GlobalTxError('INTERNAL', 'The undo record could not be written whole.', { xid });
    }
  }
}
