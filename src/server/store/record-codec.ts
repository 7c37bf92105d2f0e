import type { Decision, LockMode, PhaseOneOutcome, Resolution } from '../../protocol/frames.js';
import type {
  Attention,
  BranchRecord,
  FactRecord,
  RecordKey,
  StoreChange,
  StoredStatus,
  StoreRecord,
  TransactionRecord,
} from './store.js';

/**
 * How a change is written: one line. The key of the record is a letter and the names, in ASCII. A deletion is the key
 * alone; else a tab follows, and the record's fields, in fixed order, as a JSON array, without those that stand in the key.
 */
export const RECORD_FORMAT = 3;

const TAB = 0x09;
const NEWLINE = 0x0a;

type LockSetFields = [resourceId: string, table: string, mode: LockMode, keys: readonly string[]];

type BranchFields = [
  kind: string,
  resourceId: string,
  clientId: string,
  requestId: string,
  locksOnly: 0 | 1,
  locks: LockSetFields[],
  registeredAt: number,
  phaseOne: PhaseOneOutcome | '',
  attention: AttentionFields | 0,
  partOf?: string,
];

type AttentionFields = [decision: Decision, code: string, detail: string, resolution: Resolution];

type TransactionFields = [
  name: string,
  application: string,
  status: StoredStatus,
  reason: string,
  begunAt: number,
  timeoutMs: number,
  decidedAt: number,
  endedAt: number,
];

type FactFields = [value: string];

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

/** The line of a change of the record that has this key. */
export function lineOf(key: string, change: StoreChange): string {
  return change.op === 'delete' ? key : `${key}\t${JSON.stringify(fieldsOf(change.record))}`;
}

export function payloadOf(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** A line as it stands in the payload of a frame. */
export interface Line {
  readonly key: string;
  readonly isDeletion: boolean;
  readonly begin: number;
  readonly end: number;
}

export function linesOf(payload: Buffer): Line[] {
  const lines: Line[] = [];
  for (let begin = 0; begin < payload.length; ) {
    let end = begin;
    // Keys are short: indexOf would cost more than it saves.
    while (payload[end] !== NEWLINE && payload[end] !== TAB) end += 1;
    const isDeletion = payload[end] === NEWLINE;
    const key = payload.toString('latin1', begin, end);
    if (!isDeletion) end = payload.indexOf(NEWLINE, end);
    lines.push({ key, isDeletion, begin, end });
    begin = end + 1;
  }
  return lines;
}

/** The text of a line, to be written again. */
export function textOf(payload: Buffer, { begin, end }: Line): string {
  return payload.toString('utf8', begin, end);
}

/** The record that a line puts. */
export function recordOf(payload: Buffer, { key, begin, end }: Line): StoreRecord {
  const fields: unknown = JSON.parse(payload.toString('utf8', begin + key.length + 1, end));
  switch (key[0]) {
    case 't':
      return transactionOf(key.slice(1), fields as TransactionFields);
    case 'b': {
      const slash = key.lastIndexOf('/');
      return branchOf(key.slice(1, slash), key.slice(slash + 1), fields as BranchFields);
    }
    default:
      return factOf(key.slice(1), fields as FactFields);
  }
}

function fieldsOf(record: StoreRecord): TransactionFields | BranchFields | FactFields {
  switch (record.type) {
    case 'transaction':
      return transactionFields(record);
    case 'branch':
      return branchFields(record);
    case 'fact':
      return [record.value];
  }
}

function factOf(name: string, [value]: FactFields): FactRecord {
  return { type: 'fact', name, value };
}

function transactionFields(record: TransactionRecord): TransactionFields {
  return [
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

function transactionOf(xid: string, fields: TransactionFields): TransactionRecord {
  const [name, application, status, reason, begunAt, timeoutMs, decidedAt, endedAt] = fields;
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

function attentionFields({ decision, code, detail, resolution }: Attention): AttentionFields {
  return [decision, code, detail, resolution];
}

function attentionOf([decision, code, detail, resolution]: AttentionFields): Attention {
  return { decision, code, detail, resolution };
}

function branchFields(record: BranchRecord): BranchFields {
  return [
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

function branchOf(xid: string, branchId: string, fields: BranchFields): BranchRecord {
  const [kind, resourceId, clientId, requestId, locksOnly, locks, registeredAt, phaseOne, attention, partOf] =
    fields;
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
