import type { ResultField } from '../executor.js';
import { type ColumnFamily, columnFamily } from '../table/column-family.js';
import type { ColumnDefinition, ColumnIndexed, TableDefinition } from '../table/definition.js';
import { TableChanged } from './table-changed.js';

const NOT_NULL = 1;
const UNSIGNED = 32;
const ENUM = 256;
const SET = 2048;
/** Flags that say what the column is; the rest (keys, AUTO_INCREMENT) may be lost on the way through a sort. */
const STABLE_FLAGS = NOT_NULL | UNSIGNED | ENUM | SET | 16 | 64;
const PRIMARY_KEY = 2;
const UNIQUE_KEY = 4;
const MULTIPLE_KEY = 8;
/** Part of a key; a column that is alone in one that is not unique has it not. */
const PART_KEY = 16384;
/** What indexes a column is in. */
const KEYS = PRIMARY_KEY | UNIQUE_KEY | MULTIPLE_KEY | PART_KEY;
const BINARY_CHARSET = 63;

/** Character sets in which even digits are not ASCII. */
export const WIDE_CHARSETS: ReadonlySet<string> = new Set(['ucs2', 'utf16', 'utf16le', 'utf32']);

const TYPE_NUMBERS: ReadonlyMap<string, readonly number[]> = new Map([
  ['tinyint', [1]],
  ['smallint', [2]],
  ['mediumint', [9]],
  ['int', [3]],
  ['bigint', [8]],
  ['decimal', [0, 246]],
  ['float', [4]],
  ['double', [5]],
  ['bit', [16]],
  ['year', [13]],
  ['date', [10, 14]],
  ['time', [11]],
  ['datetime', [12]],
  ['timestamp', [7]],
  ['json', [245]],
  ['vector', [242, 249, 250, 251, 252, 253, 254]],
]);

/** Types that come as one of several numbers, as their length and the server have it. */
function typeNumbers(
  column: ColumnDefinition,
  family: ColumnFamily | undefined,
): readonly number[] | undefined {
  const known = TYPE_NUMBERS.get(column.dataType);
  if (known !== undefined) return known;
  switch (family) {
    case 'text':
    case 'bytes':
      return [15, 249, 250, 251, 252, 253, 254, 255];
    case 'enum':
    case 'set':
    case 'address':
      return [247, 248, 253, 254];
    default:
      return undefined;
  }
}

/** Compares the columns that a star gave with what the definition says, and with what it gave at first. */
export class StarFields {
  readonly #table: TableDefinition;
  readonly #columns: readonly ColumnDefinition[];
  /** Flags that are compared. NOT NULL is lost in a query with an aggregating subquery, which JSON needs. */
  readonly #flags: number;
  #first: readonly string[] | undefined;
  #firstKeys: readonly number[] | undefined;

  constructor(table: TableDefinition) {
    this.#table = table;
    const json = table.columns.some((column) => column.dataType === 'json');
    this.#flags = json ? STABLE_FLAGS & ~NOT_NULL : STABLE_FLAGS;
    this.#columns = table.columns.filter((column) => !column.invisible);
  }

  /** How many columns the star has. */
  get count(): number {
    return this.#columns.length;
  }

  /** The fields of a query in which the table is the optional one of an outer join, as if it were not. */
  withoutOuterJoin(fields: readonly ResultField[]): readonly ResultField[] {
    return fields.map((field, index) =>
      this.#columns[index]?.nullable === false ? { ...field, flags: field.flags | NOT_NULL } : field,
    );
  }

  /**
   * @param results the session's character_set_results; undefined where no row told it
   * @throws TableChanged
   */
  check(fields: readonly ResultField[], results: string | undefined): void {
    if (fields.length !== this.#columns.length) {
      throw this.#changed(`${this.#columns.length} columns are known, there are ${fields.length}`);
    }
    this.#columns.forEach((column, index) => {
      const field = fields[index];
      if (field !== undefined) this.#checkColumn(column, field, results);
    });
    const signatures = fields.map((field) => signature(field, this.#flags));
    this.#first ??= signatures;
    const place = signatures.findIndex((text, index) => text !== this.#first?.[index]);
    if (place >= 0) throw this.#changed(`column ${this.#columns[place]?.name} has another type`);
    this.#checkKeys(fields.map(({ flags }) => flags & KEYS));
  }

  #checkColumn(column: ColumnDefinition, field: ResultField, results: string | undefined): void {
    // Other names pass through the session's character set and may be spoilt on the way; and where results are
    // not converted, mysql2 reads names in the character set of the values.
    const misread = WIDE_CHARSETS.has(column.charset ?? '') && (results ?? 'binary') === 'binary';
    const comparable = /^[\x20-\x7e]*$/.test(column.name) && !misread;
    if (comparable && field.name !== column.name) {
      throw this.#changed(`column ${column.name} is now ${field.name}`);
    }
    const numbers = typeNumbers(column, columnFamily(column));
    const unsigned = column.columnType.includes('unsigned') === ((field.flags & UNSIGNED) !== 0);
    const numeric = ['tinyint', 'smallint', 'mediumint', 'int', 'bigint'].includes(column.dataType);
    if ((numbers !== undefined && !numbers.includes(field.columnType)) || (numeric && !unsigned)) {
      throw this.#changed(`column ${column.name} is no ${column.columnType} any more`);
    }
    const notNull = (field.flags & NOT_NULL) !== 0;
    if ((this.#flags & NOT_NULL) !== 0 && column.nullable === notNull) {
      throw this.#changed(`column ${column.name} is ${column.nullable ? 'NOT NULL' : 'nullable'} now`);
    }
  }

  /** A sort that takes a temporary table loses them, then for all columns of the table. */
  #checkKeys(keys: readonly number[]): void {
    if (keys.every((flags) => flags === 0)) return;
    this.#firstKeys ??= keys;
    const place = keys.findIndex(
      (flags, index) =>
        flags !== this.#firstKeys?.[index] || indexedBy(flags) !== this.#columns[index]?.indexed,
    );
    if (place >= 0) throw this.#changed(`column ${this.#columns[place]?.name} is in other indexes`);
  }

  #changed(difference: string): TableChanged {
    return new TableChanged(this.#table.schema, this.#table.name, difference);
  }
}

/** As both servers make COLUMN_KEY of a column's flags. */
function indexedBy(flags: number): ColumnIndexed {
  if ((flags & PRIMARY_KEY) !== 0) return 'PRI';
  if ((flags & UNIQUE_KEY) !== 0) return 'UNI';
  return (flags & MULTIPLE_KEY) !== 0 ? 'MUL' : '';
}

/** What stays the same under every character_set_results: text changes its length with it. */
function signature(field: ResultField, mask: number): string {
  const { columnType, flags, decimals, columnLength, characterSet } = field;
  const length = characterSet === BINARY_CHARSET && columnType < 15 ? columnLength : 0;
  return `${columnType}/${flags & mask}/${columnType < 15 || columnType === 246 ? decimals : 0}/${length}`;
}
