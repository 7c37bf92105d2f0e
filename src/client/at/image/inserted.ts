import type { InsertStatement, InsertValue } from '../sql/analysis.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition, TableDefinition } from '../table/definition.js';
import { integerRange, isPlainValue } from './plain-value.js';

/** A condition that finds the inserted rows, or the construct because of which they cannot be found. */
export type InsertedKeys =
  | {
      readonly condition: string;
      readonly generated: boolean;
      /**
       * Given AUTO_INCREMENT values among generated ones: the counter must be beyond each of them, or it would go on
       * from there, at a place that it could share with others.
       */
      readonly passed: readonly string[];
    }
  | { readonly refused: string };

/** One part of one row's key, as an SQL expression, or the reason why it is not known. */
export type KeyPart =
  | { readonly expression: string }
  | { readonly generated: true; readonly zero: boolean }
  | { readonly refused: string };

const NULL_LITERAL = /^\s*null\s*$/i;
const ZERO_LITERAL = /^\s*(?:false|'?\s*[+-]?0*\.?0*(?:e[+-]?\d+)?\s*'?)\s*$/i;
const INTEGER_LITERAL = /^-?(?:0|[1-9]\d*)$/;
const ROUNDED_DOUBLE = /^\s*'?\s*[+-]?(?:\d*\.\d+e|[\d.]+e-)/i;
const DIGITS_OR_TEXT = /^\s*(?:['"]|[+-]?\s*(?!0[xb])[\d.])/i;
const QUOTED_NUMBER = /^\s*(?:_\w+\s*)?'\s*[+-]?\d/;
const FRACTION = /^\s*[+-]?\d*\.\d/;
const LARGEST_SIGNED = 2n ** 63n - 1n;
const NUMERIC_LITERAL = /^\s*[+-]?[\d.]/;

export function isZero(text: string): boolean {
  return ZERO_LITERAL.test(text) && /[0f]/i.test(text);
}

/** @param said the word DEFAULT stands in the row, which sql_mode may take for the value 0 */
function defaultPart(column: ColumnDefinition, name: string, said: boolean): KeyPart {
  if (column.autoIncrement) return { generated: true, zero: said };
  if (column.constantDefault) return { expression: asStored(column, `DEFAULT(${name})`) };
  return { refused: `INSERT without a value for key column ${quoteIdentifier(column.name)}` };
}

export function givenPart(column: ColumnDefinition, text: string): KeyPart {
  const name = quoteIdentifier(column.name);
  if (column.autoIncrement && NULL_LITERAL.test(text)) return { generated: true, zero: false };
  if (column.autoIncrement && isZero(text)) return { generated: true, zero: true };
  // In any other key column NULL is an error of the server's.
  if (column.dataType === 'timestamp' && NULL_LITERAL.test(text)) {
    return { refused: `NULL as value of the TIMESTAMP key column ${name}, which may mean now` };
  }
  switch (columnFamily(column)) {
    case 'text': {
      // Compared with a number, text would be read as one: '5', '05' and '5x' would all be the row with 5.
      const trimmed = text.trim();
      if (!NUMERIC_LITERAL.test(trimmed) || /^0x/i.test(trimmed)) return { expression: cut(column, text) };
      if (INTEGER_LITERAL.test(trimmed)) return { expression: cut(column, `'${trimmed}'`) };
      return { refused: `a number that is no integer as value of the text key column ${name}` };
    }
    case 'float':
      if (column.dataType === 'double' && !column.columnType.includes('(')) return { expression: text };
      return { refused: `INSERT with key column ${name} of type ${column.columnType}, which rounds` };
    case 'integer':
      if (isPlainValue(column, text.trim()) || !DIGITS_OR_TEXT.test(text)) return { expression: text };
      // A DOUBLE is rounded otherwise than it is cast.
      if (!ROUNDED_DOUBLE.test(text)) return { expression: clipped(column, text) };
      return { refused: `a number with a fraction as value of the integer key column ${name}` };
    case 'bit':
      // Stored, text is bytes; compared, it is a number.
      if (!text.trim().startsWith("'")) return { expression: text };
      return { refused: `text as value of the BIT key column ${name}` };
    case 'enum':
    case 'set':
      // Stored, it may be the member's number; compared, it is the member's name.
      if (QUOTED_NUMBER.test(text)) {
        return { refused: `a number in quotes as value of the key column ${name}, which has members` };
      }
      // Stored, it is rounded to a member's number; compared, it is not.
      if (FRACTION.test(text)) {
        return { refused: `a number with a fraction as value of the key column ${name}, which has members` };
      }
      // Compared with a SET, a number is signed.
      if (INTEGER_LITERAL.test(text.trim()) && BigInt(text) > LARGEST_SIGNED) {
        return { refused: `a number of 64 bits as value of the SET key column ${name}` };
      }
      return { expression: text };
    default:
      return { expression: asStored(column, text) };
  }
}

/** The value as an integer column takes it without strict mode: rounded, and no further than its ends. */
function clipped(column: ColumnDefinition, text: string): string {
  const { least, most } = integerRange(column);
  return `LEAST(GREATEST(CAST(${text} AS DECIMAL(65)),${least}),${most})`;
}

/** The value as a column of text takes it without strict mode: in its character set, and no longer than it is. */
function cut(column: ColumnDefinition, text: string): string {
  const { charset, collation, maxLength, spaceWeights } = column;
  const ownSpaces = column.dataType === 'char' && spaceWeights === null;
  if (charset === null || ownSpaces || isPlainValue(column, text.trim())) return asStored(column, text);
  return `LEFT(CONVERT(${text} USING ${charset}),${maxLength}) COLLATE ${collation}`;
}

/**
 * The value as the column rounds, cuts or fills it: a DATETIME(0) keeps no milliseconds of what it is given. May
 * be a list of several, of which one is found.
 */
export function asStored(column: ColumnDefinition, text: string): string {
  const size = /\([\d,]+\)/.exec(column.columnType)?.[0] ?? '';
  switch (column.dataType) {
    case 'decimal':
      return `CAST(${text} AS DECIMAL${size})`;
    case 'char':
      return column.spaceWeights === null ? withoutSpaces(column, text) : text;
    case 'binary':
      return `CAST(${text} AS BINARY${size})`;
    case 'datetime':
    case 'timestamp':
      return `CAST(${text} AS DATETIME${size})`;
    case 'date':
      return `CAST(${text} AS DATE)`;
    case 'time':
      return `CAST(${text} AS TIME${size})`;
    default:
      return text;
  }
}

/**
 * A CHAR drops the spaces at its end, which a collation without padding tells apart; under
 * PAD_CHAR_TO_FULL_LENGTH it compares with all of them instead. The collation is said, because two literals of
 * one character set may have different ones, and then have none together.
 */
function withoutSpaces({ charset, collation, maxLength }: ColumnDefinition, text: string): string {
  const own = `CONVERT(${text} USING ${charset})`;
  const forms = [`TRIM(TRAILING _latin1' ' FROM ${own})`, `RPAD(${own},${maxLength},_latin1' ')`];
  return forms.map((form) => `${form} COLLATE ${collation}`).join(',');
}

/**
 * How to find the rows of an INSERT that has just run on the same connection, by their keys. They are as many
 * as were inserted, or the condition has missed some: the caller must count.
 *
 * Generated keys are LAST_INSERT_ID() and those that follow: for an INSERT whose number of rows is known
 * beforehand, InnoDB hands them out in one piece in every innodb_autoinc_lock_mode.
 *
 * @param insert the columns as listed, or null, and the values of each row
 * @param expression the SQL of a value with its placeholders written in; null where it is not known
 */
export function insertedKeyCondition(
  table: TableDefinition,
  insert: Pick<InsertStatement, 'columns' | 'rows'>,
  _server: 'mysql' | 'mariadb',
  expression: (value: InsertValue) => string | null,
  reference?: string,
): InsertedKeys {
  const listed = listedColumns(table, insert.columns);
  const key = table.key.columns.flatMap((name) => table.columns.filter((column) => column.name === name));
  const rows: KeyPart[][] = [];
  for (const values of insert.rows) {
    // The server refuses such a row by itself, but for the empty one, which is all defaults.
    if (values.length !== listed.length && values.length > 0)
      return { condition: 'FALSE', generated: false, passed: [] };
    rows.push(
      key.map((column) => keyPart(column, values[listed.indexOf(column.name.toLowerCase())], expression)),
    );
  }
  for (const part of rows.flat()) if ('refused' in part) return part;
  const names = key.map((column) => {
    const quoted = quoteIdentifier(column.name);
    return reference === undefined ? quoted : `${reference}.${quoted}`;
  });
  const counter = new Counter();
  const automatic = key.findIndex((column) => column.autoIncrement);
  const texts = rows.map((parts) =>
    parts.map((part, at) => {
      if ('generated' in part) return counter.next(part.zero);
      if (at === automatic && 'expression' in part) counter.pass(part.expression);
      return partText(part);
    }),
  );
  const { generated, passed } = counter;
  if (names.length === 1) {
    return { condition: `${names[0]} IN (${texts.map(([text]) => text).join(',')})`, generated, passed };
  }
  const each = texts.map(
    (parts) => `(${parts.map((text, at) => `${names[at]} IN (${text})`).join(' AND ')})`,
  );
  return { condition: `(${each.join(' OR ')})`, generated, passed };
}

/** What the server gives the rows of an INSERT whose AUTO_INCREMENT values are not given, one after the other. */
class Counter {
  /** How many values are generated, in a mode in which 0 is a value like others, and in all other modes. */
  #withoutZeros = 0;
  #all = 0;
  #passed: string[] = [];
  /** Given values behind the last generated one: they come too late to move the counter. */
  #behind: string[] = [];

  get generated(): boolean {
    return this.#all > 0;
  }

  get passed(): readonly string[] {
    return this.#passed;
  }

  next(zero: boolean): string {
    this.#passed.push(...this.#behind);
    this.#behind = [];
    const value = following(this.#all++);
    if (zero) return `IF(${ZERO_IS_A_VALUE},0,${value})`;
    const other = following(this.#withoutZeros++);
    return other === value ? value : `IF(${ZERO_IS_A_VALUE},${other},${value})`;
  }

  /** A given value stands between generated ones. */
  pass(expression: string): void {
    if (this.generated) this.#behind.push(expression);
  }
}

const ZERO_IS_A_VALUE = "FIND_IN_SET('NO_AUTO_VALUE_ON_ZERO',@@sql_mode)";

function following(ordinal: number): string {
  return ordinal === 0 ? 'LAST_INSERT_ID()' : `LAST_INSERT_ID()+${ordinal}*@@auto_increment_increment`;
}

/** The columns that a row of the INSERT gives values for, in small letters. */
export function listedColumns(
  table: TableDefinition,
  columns: InsertStatement['columns'],
): readonly string[] {
  const visible = table.columns.filter((column) => !column.invisible).map((column) => column.name);
  return (columns ?? visible).map((name) => name.toLowerCase());
}

function keyPart(
  column: ColumnDefinition,
  value: InsertValue | undefined,
  expression: (value: InsertValue) => string | null,
): KeyPart {
  const name = quoteIdentifier(column.name);
  if (column.generated) return { refused: `INSERT into a table whose key column ${name} is generated` };
  if (value === undefined || value.kind === 'default') return defaultPart(column, name, value !== undefined);
  switch (value.kind) {
    case 'null':
      return givenPart(column, 'NULL');
    case 'expression':
      return { refused: `INSERT with an expression as value of key column ${name}` };
    case 'literal':
    case 'placeholder': {
      const text = expression(value);
      return text === null
        ? { refused: `INSERT with an unknown value of key column ${name}` }
        : givenPart(column, text);
    }
  }
}

function partText(part: KeyPart): string {
  return 'expression' in part ? part.expression : 'NULL';
}
