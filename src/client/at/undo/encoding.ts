import { hash } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';
import { GlobalTxError } from '../../../protocol/errors.js';
import type { ColumnValue, Row, TableChanges, UndoRecord } from '../image/row.js';
import { rowBytes } from './undo-limit.js';

/** The two columns of the undo log that hold a record. */
export interface EncodedUndoRecord {
  readonly context: string;
  readonly rollbackInfo: Buffer;
}

const SERIALIZER = 'globaltx-1';
/** Of a large record: other bytes (see record-bytes.ts), always deflated, in rows of their own. */
const SERIALIZER_OF_PARTS = 'globaltx-2';
const DIGEST_BYTES = 16;
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

/** What the rows of a record count for: see `undo-limit.ts`. */
export function recordBytes(record: UndoRecord): number {
  let bytes = 0;
  for (const { changes } of record.tables) {
    for (const { before, after } of changes) {
      if (before !== null) bytes += rowBytes(before);
      if (after !== null) bytes += rowBytes(after);
    }
  }
  return bytes;
}

function digest(body: Buffer): Buffer {
  return hash('sha256', body, 'buffer').subarray(0, DIGEST_BYTES);
}

/**
 * Makes the bytes that the undo log keeps of a branch: a digest, then JSON, deflated where that pays. JSON
 * keeps every JavaScript string exactly, lone surrogates included, and a person can read it.
 */
export function encodeUndoRecord(record: UndoRecord): EncodedUndoRecord {
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
  const compressed = plain.length > COMPRESS_ABOVE_BYTES;
  const body = compressed ? deflateSync(plain, { level: 1 }) : plain;
  return {
    context: `serializer=${SERIALIZER}&compress=${compressed ? 'deflate' : 'none'}`,
    rollbackInfo: Buffer.concat([digest(body), body]),
  };
}

/** What a branch's own row says of a record that is kept in parts: how many they are, and the digest of them all. */
export function inParts(parts: number, digestOfParts: Buffer): EncodedUndoRecord {
  return {
    context: `serializer=${SERIALIZER_OF_PARTS}&compress=deflate&parts=${parts}`,
    rollbackInfo: digestOfParts,
  };
}

/** How many parts the record has; undefined: it is kept in its branch's own row. */
export function partsOf(context: string): number | undefined {
  const named = new URLSearchParams(context);
  return named.get('serializer') === SERIALIZER_OF_PARTS ? Number(named.get('parts')) : undefined;
}

interface StoredTable extends Omit<TableChanges, 'changes'> {
  readonly changes: readonly (readonly [readonly StoredValue[] | null, readonly StoredValue[] | null])[];
}

interface StoredRecord extends Omit<UndoRecord, 'tables'> {
  readonly tables: readonly StoredTable[];
}

export function unreadable(why: string, context: string, cause?: unknown): GlobalTxError {
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
