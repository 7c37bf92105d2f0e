import { createHash } from 'node:crypto';
import type { RawValue, SqlExecutor } from '../executor.js';
import type { UndoRecord } from '../image/row.js';
import { inflateRecord } from './deflated-record.js';
import { decodeUndoRecord, partsOf, unreadable } from './encoding.js';
import { type BranchKey, deletePartsSql, readPartSql } from './undo-log.js';

/**
 * Reads the record of a branch from its row of the undo log, and from the rows beside it that have its parts.
 * @throws GlobalTxError COMPENSATION_REFUSED
 */
export async function readRecord(
  executor: SqlExecutor,
  schema: string,
  key: BranchKey,
  [context, rollbackInfo]: readonly (RawValue | undefined)[],
): Promise<UndoRecord> {
  const named = String(context);
  const bytes = rollbackInfo ?? Buffer.alloc(0);
  const parts = partsOf(named);
  if (parts === undefined) return decodeUndoRecord(named, bytes);
  const hash = createHash('sha256');
  async function* read(): AsyncGenerator<Buffer> {
    for (let part = 0; part < parts!; part += 1) {
      const { rows } = await executor.query(readPartSql(schema, key, part));
      const [value] = rows[0] ?? [];
      if (!value) throw unreadable(`its part ${part} of ${parts} is missing`, named);
      hash.update(value);
      yield value;
    }
  }
  let record: UndoRecord;
  try {
    record = await inflateRecord(read());
  } catch (error) {
    throw isOfBytes(error) ? unreadable('its bytes do not inflate', named, error) : error;
  }
  if (!hash.digest().equals(bytes)) throw unreadable('its bytes do not match their digest', named);
  return record;
}

/** What zlib and the reader of the bytes say; all else is the server's, or has a code of ours. */
function isOfBytes(error: unknown): boolean {
  if (error instanceof RangeError || error instanceof SyntaxError) return true;
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}

/** Removes the parts that belong to a row of the undo log. */
export async function deleteParts(
  executor: SqlExecutor,
  schema: string,
  key: BranchKey,
  context: RawValue | undefined,
): Promise<void> {
  const parts = partsOf(String(context));
  if (parts !== undefined) await executor.query(deletePartsSql(schema, key, parts));
}
