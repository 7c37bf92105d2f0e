import type { ColumnValue, Row, RowChange, TableChanges, UndoRecord } from '../image/row.js';

/**
 * A record as a row of frames, written and read one at a time, so that a large one never stands in memory a second
 * time as text: a byte for the kind, four for the length, and the content.
 */
export interface Frame {
  readonly kind: number;
  readonly content: Buffer;
}

/** JSON of the record without its tables; of a table without its changes; a change of the table before it. */
export const RECORD = 1;
export const TABLE = 2;
export const CHANGE = 3;

export const FRAME_HEAD_BYTES = 5;

const NULL = 0;
const TEXT = 1;
const BYTES = 2;
/** Text with a lone surrogate, which UTF-8 has no bytes for. */
const WIDE_TEXT = 3;

const LONE_SURROGATE = /\p{Surrogate}/u;

const VALUE_HEAD_BYTES = 5;

function head(kind: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEAD_BYTES);
  bytes.writeUInt8(kind);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

function valuePieces(value: ColumnValue): readonly Buffer[] {
  if (value === null) return [head(NULL, 0)];
  if (Buffer.isBuffer(value)) return [head(BYTES, value.length), value];
  const wide = LONE_SURROGATE.test(value);
  const text = Buffer.from(value, wide ? 'utf16le' : 'utf8');
  return [head(wide ? WIDE_TEXT : TEXT, text.length), text];
}

function rowPieces(row: Row | null): readonly Buffer[] {
  if (row === null) return [Buffer.of(0)];
  return [Buffer.of(1), ...row.flatMap(valuePieces)];
}

function frame(kind: number, pieces: readonly Buffer[]): readonly Buffer[] {
  return [
    head(
      kind,
      pieces.reduce((sum, piece) => sum + piece.length, 0),
    ),
    ...pieces,
  ];
}

function json(kind: number, value: object): readonly Buffer[] {
  return frame(kind, [Buffer.from(JSON.stringify(value))]);
}

/** The bytes of a record, frame by frame; long values are given as they are, without a copy. */
export function* recordPieces({ tables, ...record }: UndoRecord): Generator<readonly Buffer[]> {
  yield json(RECORD, record);
  for (const { changes, ...table } of tables) {
    yield json(TABLE, table);
    for (const { before, after } of changes) yield frame(CHANGE, [...rowPieces(before), ...rowPieces(after)]);
  }
}

function stored(kind: number, bytes: Buffer): ColumnValue {
  if (kind === NULL) return null;
  if (kind === BYTES) return bytes;
  return bytes.toString(kind === WIDE_TEXT ? 'utf16le' : 'utf8');
}

/** Reads one value after the other from the content of a frame. */
class Values {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  row(columns: number): Row | null {
    const there = this.#bytes.readUInt8(this.#at++);
    return there === 0 ? null : Array.from({ length: columns }, () => this.#value());
  }

  #value(): ColumnValue {
    const kind = this.#bytes.readUInt8(this.#at);
    const from = this.#at + VALUE_HEAD_BYTES;
    this.#at = from + this.#bytes.readUInt32BE(this.#at + 1);
    return stored(kind, this.#bytes.subarray(from, this.#at));
  }
}

/** Puts a record together again. @throws RangeError, SyntaxError when a frame is not whole */
export class RecordReader {
  #record: Omit<UndoRecord, 'tables'> = { xid: '', branchId: '' };
  readonly #tables: (Omit<TableChanges, 'changes'> & { readonly changes: RowChange[] })[] = [];

  add({ kind, content }: Frame): void {
    if (kind === CHANGE) this.#addChange(new Values(content));
    else if (kind === TABLE) this.#tables.push({ ...JSON.parse(content.toString()), changes: [] });
    else this.#record = JSON.parse(content.toString()) as Omit<UndoRecord, 'tables'>;
  }

  #addChange(values: Values): void {
    const table = this.#tables.at(-1);
    if (table === undefined) throw new RangeError('a change without its table');
    const columns = table.columns.length;
    table.changes.push({ before: values.row(columns), after: values.row(columns) });
  }

  get record(): UndoRecord {
    return { ...this.#record, tables: this.#tables };
  }
}
