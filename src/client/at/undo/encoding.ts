import { createHash } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';
import { GlobalTxError } from '../../../protocol/errors.js';
import type { ColumnValue, Row, TableChanges, UndoRecord } from '../image/row.js';

/** The two columns of the undo log that hold a record. */
export interface EncodedUndoRecord {
  readonly context: string;
  readonly rollbackInfo: Buffer;
}

export interface EncodingLimits {
  /** Records larger than this, in bytes before compression, are refused. @default 64 MiB */
  readonly maxBytes?: number;
}

const SERIALIZER = 'globaltx-1';
const DIGEST_BYTES = 16;
const MAX_BYTES = 64 * 1024 * 1024;
/** Smaller records gain nothing: the work of deflate costs more than the bytes that it saves. */
const COMPRESS_ABOVE_BYTES = 4096;

/** Text as it is, bytes as base64 in an array of one, so that the two cannot be taken for each other. */
type StoredValue = string | null | readonly [string];

function storeValue(value: ColumnValue): StoredValue {
  return Buffer.isBuffer(value) ? [value.toString('base64')] : value;
}

function restoreValue(value: StoredValue): ColumnValue {
  return typeof value === 'string' || value === null ? value : Buffer.from(value[0], 'base64');
}

function rowBytes(row: Row | null): number {
  return row === null
    ? 4
    : row.reduce<number>((sum, value) => sum + (value === null ? 5 : value.length + 3), 2);
}

/** A lower bound, found before the text is made: a record that is far too large must not be built in memory. */
function leastBytes(record: UndoRecord): number {
  let bytes = 0;
  for (const { changes } of record.tables) {
    for (const change of changes) bytes += rowBytes(change.before) + rowBytes(change.after);
  }
  return bytes;
}

function refuseAbove(maxBytes: number, bytes: number, record: UndoRecord): void {
  if (bytes <= maxBytes) return;
  throw new GlobalTxError(
    'UNDO_RECORD_TOO_LARGE',
    `The images of this local transaction take ${bytes} bytes, more than the ${maxBytes} that one undo record ` +
      'may have. Change fewer rows in one local transaction.',
    { xid: record.xid, details: { bytes: String(bytes), maxBytes: String(maxBytes) } },
  );
}

function digest(body: Buffer): Buffer {
  return createHash('sha256').update(body).digest().subarray(0, DIGEST_BYTES);
}

/**
 * Makes the bytes that the undo log keeps of a branch: a digest, then JSON, deflated where that pays. JSON
 * keeps every JavaScript string exactly, lone surrogates included, and a person can read it.
 * @throws GlobalTxError UNDO_RECORD_TOO_LARGE
 */
export function encodeUndoRecord(record: UndoRecord, limits: EncodingLimits = {}): EncodedUndoRecord {
  const maxBytes = limits.maxBytes ?? MAX_BYTES;
  refuseAbove(maxBytes, leastBytes(record), record);
  const storeRow = (row: Row | null) => row?.map(storeValue) ?? null;
  const text = JSON.stringify({
    xid: record.xid,
    branchId: record.branchId,
    tables: record.tables.map(({ schema, table, columns, key, triggers, changes }) => ({
      schema,
      table,
      columns,
      key,
      triggers,
      changes: changes.map(({ before, after }) => [storeRow(before), storeRow(after)]),
    })),
  });
  const plain = Buffer.from(text);
  refuseAbove(maxBytes, plain.length, record);
  const compressed = plain.length > COMPRESS_ABOVE_BYTES;
  const body = compressed ? deflateSync(plain, { level: 1 }) : plain;
  return {
    context: `serializer=${SERIALIZER}&compress=${compressed ? 'deflate' : 'none'}`,
    rollbackInfo: Buffer.concat([digest(body), body]),
  };
}

interface StoredTable extends Omit<TableChanges, 'changes'> {
  readonly changes: readonly (readonly [readonly StoredValue[] | null, readonly StoredValue[] | null])[];
}

interface StoredRecord extends Omit<UndoRecord, 'tables'> {
  readonly tables: readonly StoredTable[];
}

function unreadable(why: string, context: string, cause?: unknown): GlobalTxError {
  return new GlobalTxError(
    'COMPENSATION_REFUSED',
    `The undo record cannot be read: ${why}. The rows of this branch must be restored by a person.`,
    { details: { context }, cause },
  );
}

function inflate(body: Buffer, context: string): Buffer {
  try {
    return inflateSync(body);
  } catch (error) {
    throw unreadable('its bytes do not inflate', context, error);
  }
}

/**
 * Reads back what `encodeUndoRecord` made.
 * @throws GlobalTxError COMPENSATION_REFUSED when the record is of another maker (Seata's own, a newer
 * globaltx) or its bytes are not those that were written
 */
export function decodeUndoRecord(context: string, rollbackInfo: Buffer): UndoRecord {
  const named = new URLSearchParams(context);
  const serializer = named.get('serializer');
  const compress = named.get('compress');
  if (serializer !== SERIALIZER) {
    throw unreadable(
      `it was written with the serializer '${serializer ?? ''}', not '${SERIALIZER}'`,
      context,
    );
  }
  if (compress !== 'none' && compress !== 'deflate') {
    throw unreadable(`it was compressed with '${compress ?? ''}'`, context);
  }
  const body = rollbackInfo.subarray(DIGEST_BYTES);
  if (rollbackInfo.length < DIGEST_BYTES || !digest(body).equals(rollbackInfo.subarray(0, DIGEST_BYTES))) {
    throw unreadable('its bytes do not match their digest', context);
  }
  const plain = compress === 'deflate' ? inflate(body, context) : body;
  const stored = JSON.parse(plain.toString()) as StoredRecord;
  const restoreRow = (row: readonly StoredValue[] | null) => row?.map(restoreValue) ?? null;
  return {
    xid: stored.xid,
    branchId: stored.branchId,
    tables: stored.tables.map(({ changes, ...table }) => ({
      ...table,
      changes: changes.map(([before, after]) => ({ before: restoreRow(before), after: restoreRow(after) })),
    })),
  };
}
