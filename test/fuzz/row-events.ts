/** A change of one row as the binary log has it, each image in the bytes of the storage format. */
export interface RowChange {
  readonly schema: string;
  readonly table: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

interface ColumnFormat {
  readonly type: number;
  readonly meta: number;
}

interface TableMap {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly ColumnFormat[];
}

const HEADER_LENGTH = 19;
const TABLE_MAP = 19;

/** Event types of MariaDB, and of MySQL, which has a longer head. */
const ROW_EVENTS: ReadonlyMap<
  number,
  { readonly kind: 'write' | 'update' | 'delete'; readonly extra: boolean }
> = new Map([
  [23, { kind: 'write', extra: false }],
  [24, { kind: 'update', extra: false }],
  [25, { kind: 'delete', extra: false }],
  [30, { kind: 'write', extra: true }],
  [31, { kind: 'update', extra: true }],
  [32, { kind: 'delete', extra: true }],
]);

/** Column types by their numbers in the protocol. */
const YEAR = 13;
const VARCHAR = 15;
const BIT = 16;
const TIMESTAMP2 = 17;
const DATETIME2 = 18;
const TIME2 = 19;
const VECTOR = 242;
const JSON_TYPE = 245;
const NEWDECIMAL = 246;
const ENUM = 247;
const SET = 248;
const BLOB = 252;
const VAR_STRING = 253;
const STRING = 254;
const GEOMETRY = 255;
const FLOAT = 4;
const DOUBLE = 5;

/** Bytes of types that have no description of their own. */
const FIXED: ReadonlyMap<number, number> = new Map([
  [1, 1],
  [2, 2],
  [9, 3],
  [3, 4],
  [8, 8],
  [7, 4],
  [10, 3],
  [14, 3],
  [11, 3],
  [12, 8],
  [YEAR, 1],
]);

const ONE_BYTE = new Set([FLOAT, DOUBLE, BLOB, GEOMETRY, JSON_TYPE, VECTOR, TIMESTAMP2, DATETIME2, TIME2]);
const TWO_BYTES = new Set([VARCHAR, BIT, NEWDECIMAL, STRING, ENUM, SET, VAR_STRING]);

class Reader {
  offset = 0;
  constructor(readonly bytes: Buffer) {}

  take(length: number): Buffer {
    if (this.offset + length > this.bytes.length)
      throw new Error('an event of the binary log ends too early');
    this.offset += length;
    return this.bytes.subarray(this.offset - length, this.offset);
  }

  number(length: number): number {
    return this.take(length).readUIntLE(0, length);
  }

  /** Lengths in the binary log stay below 2^16. */
  packed(): number {
    const first = this.number(1);
    return first === 252 ? this.number(2) : first;
  }

  get done(): boolean {
    return this.offset >= this.bytes.length;
  }
}

function tableMap(reader: Reader): TableMap {
  reader.take(2);
  const schema = reader.take(reader.number(1)).toString('utf8');
  reader.take(1);
  const table = reader.take(reader.number(1)).toString('utf8');
  reader.take(1);
  const types = Array.from(reader.take(reader.packed()));
  const metas = new Reader(reader.take(reader.packed()));
  const columns = types.map((type) => {
    if (ONE_BYTE.has(type)) return { type, meta: metas.number(1) };
    if (TWO_BYTES.has(type)) return { type, meta: metas.number(2) };
    return { type, meta: 0 };
  });
  return { schema, table, columns };
}

function decimalLength(precision: number, scale: number): number {
  const bytes = (digits: number) => Math.floor(digits / 9) * 4 + [0, 1, 1, 2, 2, 3, 3, 4, 4][digits % 9]!;
  return bytes(precision - scale) + bytes(scale);
}

function fractionLength(digits: number): number {
  return Math.ceil(digits / 2);
}

/** The true type and the longest length of what the binary log calls a STRING. */
function stringFormat(meta: number): { readonly type: number; readonly length: number } {
  const [first, second] = [meta & 0xff, meta >> 8];
  if ((first & 0x30) === 0x30) return { type: first, length: second };
  return { type: first | 0x30, length: second | (((first & 0x30) ^ 0x30) << 4) };
}

function value(reader: Reader, { type, meta }: ColumnFormat): Buffer {
  const fixed = FIXED.get(type);
  if (fixed !== undefined) return reader.take(fixed);
  switch (type) {
    case FLOAT:
    case DOUBLE:
      return reader.take(meta);
    case TIMESTAMP2:
      return reader.take(4 + fractionLength(meta));
    case DATETIME2:
      return reader.take(5 + fractionLength(meta));
    case TIME2:
      return reader.take(3 + fractionLength(meta));
    case NEWDECIMAL:
      return reader.take(decimalLength(meta & 0xff, meta >> 8));
    case BIT:
      return reader.take((meta >> 8) + ((meta & 0xff) > 0 ? 1 : 0));
    case BLOB:
    case GEOMETRY:
    case VECTOR:
      return reader.take(reader.number(meta));
    case JSON_TYPE:
      // MySQL stores one document in several layouts, and a partial update leaves gaps.
      reader.take(reader.number(meta));
      return Buffer.from('json');
    case VARCHAR:
    case VAR_STRING:
      return reader.take(reader.number(meta > 255 ? 2 : 1));
    case STRING: {
      const format = stringFormat(meta);
      if (format.type === ENUM || format.type === SET) return reader.take(format.length);
      return reader.take(reader.number(format.length > 255 ? 2 : 1));
    }
    default:
      throw new Error(`the column type ${type} of the binary log is not known here`);
  }
}

function image({ columns }: TableMap, reader: Reader): string {
  const nulls = reader.take(Math.ceil(columns.length / 8));
  const values = columns.map((column, at) =>
    (nulls[at >> 3]! >> (at & 7)) & 1 ? 'NULL' : value(reader, column).toString('hex'),
  );
  return values.join(' ');
}

function checkFull(bitmap: Buffer, columns: number): void {
  for (let at = 0; at < columns; at++) {
    if (((bitmap[at >> 3]! >> (at & 7)) & 1) === 0) throw new Error('a row event lacks columns');
  }
}

/** Reads the events of a binary log one after the other; made anew for each log file. */
export class RowEvents {
  readonly #tables = new Map<number, TableMap>();
  readonly #wanted: (schema: string) => boolean;

  constructor(wanted: (schema: string) => boolean) {
    this.#wanted = wanted;
  }

  /**
   * The changes of rows in whole events.
   * @param bytes from the beginning of an event
   * @returns the changes, and how many bytes were whole events
   */
  read(bytes: Buffer): { readonly changes: readonly RowChange[]; readonly length: number } {
    const changes: RowChange[] = [];
    let offset = 0;
    while (offset + HEADER_LENGTH <= bytes.length) {
      const length = bytes.readUInt32LE(offset + 9);
      if (offset + length > bytes.length) break;
      const body = new Reader(bytes.subarray(offset + HEADER_LENGTH, offset + length));
      changes.push(...this.#event(bytes[offset + 4]!, body));
      offset += length;
    }
    return { changes, length: offset };
  }

  #event(type: number, body: Reader): readonly RowChange[] {
    if (type === TABLE_MAP) {
      this.#tables.set(body.number(6), tableMap(body));
      return [];
    }
    const event = ROW_EVENTS.get(type);
    if (event === undefined) return [];
    const table = this.#tables.get(body.number(6));
    if (table === undefined) throw new Error('rows of a table that the binary log has not described');
    if (!this.#wanted(table.schema)) return [];
    body.take(2);
    if (event.extra) body.take(body.number(2) - 2);
    const columns = body.packed();
    const images = event.kind === 'update' ? 2 : 1;
    for (let at = 0; at < images; at++) checkFull(body.take(Math.ceil(columns / 8)), columns);
    const changes: RowChange[] = [];
    while (!body.done) {
      const before = event.kind === 'write' ? undefined : image(table, body);
      const after = event.kind === 'delete' ? undefined : image(table, body);
      changes.push({ schema: table.schema, table: table.table, before, after });
    }
    return changes;
  }
}
