import { crc32 } from 'node:zlib';
import { GlobalTxError } from '../../protocol/errors.js';
import type { Decision, LockMode, PhaseOneOutcome, Resolution } from '../../protocol/frames.js';
import type {
  Attention,
  BranchRecord,
  RecordKey,
  StoredStatus,
  StoreRecord,
  TransactionRecord,
} from './store.js';

/**
 * How records lie in a key-value store. A value is the CRC-32 of key and payload, big endian, then the payload. A
 * checksum that covers the key also finds a value that has come to stand under another key.
 *
 * - A record of its own: the key is a letter and the names, the payload the record's fields, in fixed order, as a JSON
 *   array. In format 1 all records are such.
 * - Since format 2, a segment: the key is 's' and a number, sixteen hexadecimal digits; the payload a JSON array of
 *   changes in their order, each a letter and the record's fields, or '-' and the key of a record that is deleted.
 */
export const RECORD_FORMAT = 2;

const CHECKSUM_BYTES = 4;
/** No key that was written is longer, in characters; one that is read from a damaged page may be. */
const LONGEST_KEY = 160;

type LockSetFields = [resourceId: string, table: string, mode: LockMode, keys: readonly string[]];

type BranchFields = [
  xid: string,
  branchId: string,
  kind: string,
  resourceId: string,
  clientId: string,
  requestId: string,
  locksOnly: 0 | 1,
  locks: LockSetFields[],
  registeredAt: number,
  phaseOne: PhaseOneOutcome | '',
  attention: [decision: Decision, code: string, detail: string, resolution: Resolution] | 0,
  partOf?: string,
];

type TransactionFields = [
  xid: string,
  name: string,
  application: string,
  status: StoredStatus,
  reason: string,
  begunAt: number,
  timeoutMs: number,
  decidedAt: number,
  endedAt: number,
];

type FactFields = [name: string, value: string];

/** A change within a segment. */
export type Entry =
  | readonly ['t', ...TransactionFields]
  | readonly ['b', ...BranchFields]
  | readonly ['f', ...FactFields]
  | readonly ['-', key: string];

/** Beyond so many lock keys a branch is large. */
const MANY_KEYS = 16;

/** Whether a record is so large, and so rare, that it is better kept as a value of its own than in a segment. */
export function standsAlone(record: StoreRecord): boolean {
  if (record.type !== 'branch') return false;
  if (record.attention !== null) return true;
  let keys = 0;
  for (const set of record.locks) keys += set.keys.length;
  return keys > MANY_KEYS;
}

export function entryOf(record: StoreRecord): Entry {
  switch (record.type) {
    case 'transaction':
      return ['t', ...transactionFields(record)];
    case 'branch':
      return ['b', ...branchFields(record)];
    case 'fact':
      return ['f', record.name, record.value];
  }
}

/** The key of the record that an entry is about. */
export function keyOfEntry(entry: Entry): string {
  switch (entry[0]) {
    case 't':
      return `t${entry[1]}`;
    case 'b':
      return `b${entry[1]}/${entry[2]}`;
    case 'f':
      return `f${entry[1]}`;
    case '-':
      return entry[1];
  }
}

/** The record that an entry puts, or undefined when it deletes one. */
export function recordOf(entry: Entry): StoreRecord | undefined {
  switch (entry[0]) {
    case 't': {
      const [, ...fields] = entry;
      return transactionOf(fields);
    }
    case 'b': {
      const [, ...fields] = entry;
      return branchOf(fields);
    }
    case 'f':
      return { type: 'fact', name: entry[1], value: entry[2] };
    case '-':
      return undefined;
  }
}

export function encodeEntries(entries: readonly Entry[]): string {
  return JSON.stringify(entries);
}

/** @throws GlobalTxError STORE_CORRUPT, with the key among the details. */
export function decodeEntries(key: Buffer, value: Buffer): readonly Entry[] {
  return JSON.parse(unseal(key, value)) as Entry[];
}

const SEGMENT_DIGITS = 16;

export function segmentKey(sequence: number): string {
  return `s${sequence.toString(16).padStart(SEGMENT_DIGITS, '0')}`;
}

/** The number of the segment that has this key; undefined when it is the key of something else. */
export function segmentOf(key: Buffer): number | undefined {
  return key[0] === 0x73 ? Number.parseInt(key.toString('latin1', 1), 16) : undefined;
}

/** The key's text; xids have no '/'. */
export function keyText(key: RecordKey): string {
  switch (key.type) {
    case 'transaction':
      return `t${key.xid}`;
    case 'branch':
      return `b${key.xid}/${key.branchId}`;
    case 'fact':
      return `f${key.name}`;
  }
}

/** Checksum and payload, as they stand under `key`. */
export function seal(key: Buffer, payload: string): Buffer {
  const value = Buffer.allocUnsafe(CHECKSUM_BYTES + Buffer.byteLength(payload));
  value.write(payload, CHECKSUM_BYTES);
  value.writeUInt32BE(crc32(value.subarray(CHECKSUM_BYTES), crc32(key)), 0);
  return value;
}

/** @throws GlobalTxError STORE_CORRUPT, with the key among the details, when the checksum is not that of the bytes. */
export function unseal(key: Buffer, value: Buffer): string {
  if (value.length > CHECKSUM_BYTES) {
    const payload = value.subarray(CHECKSUM_BYTES);
    if (crc32(payload, crc32(key)) === sealOf(value)) return payload.toString();
  }
  throw corrupt(key, 'its checksum is not that of its bytes');
}

/** The checksum that stands in a sealed value. */
export function sealOf(value: Buffer): number {
  return value.readUInt32BE(0);
}

export function encodeRecord(record: StoreRecord): string {
  switch (record.type) {
    case 'transaction':
      return JSON.stringify(transactionFields(record));
    case 'branch':
      return JSON.stringify(branchFields(record));
    case 'fact':
      return JSON.stringify([record.name, record.value] satisfies FactFields);
  }
}

/** @throws GlobalTxError STORE_CORRUPT, with the key among the details. */
export function decodeRecord(key: Buffer, value: Buffer): StoreRecord {
  const payload = unseal(key, value);
  const letter = String.fromCharCode(key[0] ?? 0);
  switch (letter) {
    case 't':
      return transactionOf(JSON.parse(payload) as TransactionFields);
    case 'b':
      return branchOf(JSON.parse(payload) as BranchFields);
    case 'f': {
      const [name, text] = JSON.parse(payload) as FactFields;
      return { type: 'fact', name, value: text };
    }
    default:
      throw corrupt(key, 'no record has such a key');
  }
}

export function corrupt(key: Buffer, what: string): GlobalTxError {
  const name = key.toString().slice(0, LONGEST_KEY);
  return new GlobalTxError(
    'STORE_CORRUPT',
    `The store is damaged at the key '${name}': ${what}. Restore the directory from a copy, or ask for help ` +
      'before anything else is done with it.',
    { details: { key: name } },
  );
}

function transactionFields(record: TransactionRecord): TransactionFields {
  return [
    record.xid,
    record.name,
    record.application,
    record.status,
    record.reason,
    record.begunAt,
    record.timeoutMs,
    record.decidedAt,
    record.endedAt,
  ];
}

function transactionOf(fields: TransactionFields): TransactionRecord {
  const [xid, name, application, status, reason, begunAt, timeoutMs, decidedAt, endedAt] = fields;
  return {
    type: 'transaction',
    xid,
    name,
    application,
    status,
    reason,
    begunAt,
    timeoutMs,
    decidedAt,
    endedAt,
  };
}

type AttentionFields = Exclude<BranchFields[10], 0>;

function attentionFields({ decision, code, detail, resolution }: Attention): AttentionFields {
  return [decision, code, detail, resolution];
}

function attentionOf([decision, code, detail, resolution]: AttentionFields): Attention {
  return { decision, code, detail, resolution };
}

function branchFields(record: BranchRecord): BranchFields {
  return [
    record.xid,
    record.branchId,
    record.kind,
    record.resourceId,
    record.clientId,
    record.requestId,
    record.locksOnly ? 1 : 0,
    record.locks.map(({ resourceId, table, mode, keys }): LockSetFields => [resourceId, table, mode, keys]),
    record.registeredAt,
    record.phaseOne,
    record.attention === null ? 0 : attentionFields(record.attention),
    ...(record.partOf === undefined ? ([] as const) : ([record.partOf] as const)),
  ];
}

function branchOf(fields: BranchFields): BranchRecord {
  const [
    xid,
    branchId,
    kind,
    resourceId,
    clientId,
    requestId,
    locksOnly,
    locks,
    registeredAt,
    phaseOne,
    attention,
    partOf,
  ] = fields;
  return {
    type: 'branch',
    xid,
    branchId,
    kind,
    resourceId,
    clientId,
    requestId,
    locksOnly: locksOnly === 1,
    locks: locks.map(([lockResourceId, table, mode, keys]) => ({
      resourceId: lockResourceId,
      table,
      mode,
      keys,
    })),
    registeredAt,
    phaseOne,
    attention: attention === 0 ? null : attentionOf(attention),
    ...(partOf === undefined ? {} : { partOf }),
  };
}
