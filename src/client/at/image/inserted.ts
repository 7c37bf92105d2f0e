import type { InsertStatement, InsertValue } from '../sql/analysis.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition, TableDefinition } from '../table/definition.js';
import { oneOfCondition } from './key-condition.js';
import type { ColumnValue } from './row.js';
import { emptyForms } from './stored-forms.js';

/** A condition that finds the inserted rows, or the construct because of which they cannot be found. */
export type InsertedKeys =
  | {
      readonly condition: string;
      /** The same without the rows whose keys are generated. */
      readonly given: string;
      readonly generated: boolean;
      /** Whether the condition can find no other rows: one of a value that may have several forms can. */
      readonly exact: boolean;
      /**
       * Given AUTO_INCREMENT values among generated ones: the counter must be beyond each of them, or it would go on
       * from there, at a place that it could share with others.
       */
      readonly passed: readonly string[];
    }
  | { readonly refused: string };

/** One part of one row's key, or the reason why it is not known. */
export type KeyPart =
  /** As an SQL expression. */
  | { readonly expression: string }
  /** One of several values, or also a generated one. */
  | { readonly forms: readonly ColumnValue[]; readonly automatic?: boolean }
  | { readonly generated: true; readonly zero: boolean }
  | { readonly refused: string };

const NULL_LITERAL = /^\s*null\s*$/i;
const ZERO_LITERAL = /^\s*(?:false|'?\s*[+-]?0*\.?0*(?:e[+-]?\d+)?\s*'?)\s*$/i;
const INTEGER_LITERAL = /^-?(?:0|[1-9]\d*)$/;

export function isZero(text: string): boolean {
  return ZERO_LITERAL.test(text) && /[0f]/i.test(text);
}

/** @param said the word DEFAULT stands in the row, which sql_mode may take for the value 0 */
function defaultPart(column: ColumnDefinition, name: string, said: boolean): KeyPart {
  if (column.autoIncrement) return { generated: true, zero: said };
  if (column.constantDefault) return { expression: constantDefault(column, name) };
  return withoutValue(column, `INSERT without a value for key column ${name}`);
}

/**
 * A default is as it is stored: cast again, a zero date that sql_mode forbids would be NULL. Said once it is an error in
 * MySQL beside a condition on another column; a list of several is compared as it is.
 */
export function constantDefault(column: ColumnDefinition, name: string): string {
  const stored = `DEFAULT(${name})`;
  switch (column.dataType) {
    case 'char':
      return asStored(column, stored);
    case 'date':
    case 'datetime':
    case 'timestamp':
      return `${stored},${stored}`;
    default:
      return stored;
  }
}

/** What is stored where a column that is NOT NULL gets no value, and that is no error. */
export function withoutValue(
  column: ColumnDefinition,
  refused: string,
): Extract<KeyPart, { forms: unknown } | { refused: unknown }> {
  const forms = column.hasDefault ? [] : emptyForms(column);
  return forms.length === 0 ? { refused } : { forms };
}

/** @param text a value that is stored as it is written, see plain-value.ts, or NULL */
export function givenPart(column: ColumnDefinition, text: string): KeyPart {
  if (column.autoIncrement && NULL_LITERAL.test(text)) return { generated: true, zero: false };
  if (column.autoIncrement && isZero(text)) return { generated: true, zero: true };
  // Compared with a number, text would be read as one: '5', '05' and '5x' would all be the row with 5.
  const number = columnFamily(column) === 'text' && INTEGER_LITERAL.test(text.trim());
  return { expression: asStored(column, number ? `'${text.trim()}'` : text) };
}

/**
 * The value as the column rounds, cuts or fills it: a DATETIME(0) keeps no milliseconds of what it is given. May
 * be a list of several, of which one is found.
 */
function asStored(column: ColumnDefinition, text: string): string {
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
  insert: Pick<InsertStatement, 'columns' | 'rows' | 'computed' | 'onConflict'>,
  server: 'mysql' | 'mariadb',
  expression: (value: InsertValue) => string | null,
  reference?: string,
): InsertedKeys {
  const listed = listedColumns(table, insert.columns);
  const key = table.key.columns.flatMap((name) => table.columns.filter((column) => column.name === name));
  const rows: KeyPart[][] = [];
  for (const [number, values] of insert.rows.entries()) {
    // The server refuses such a row by itself, but for the empty one, which is all defaults.
    if (values.length !== listed.length && values.length > 0)
      return { condition: 'FALSE', given: 'FALSE', generated: false, exact: true, passed: [] };
    rows.push(
      key.map((column) => {
        if (column.generated) return computedPart(column, insert.computed?.[number]);
        return keyPart(column, values[listed.indexOf(column.name.toLowerCase())], expression);
      }),
    );
  }
  for (const part of rows.flat()) if ('refused' in part) return part;
  const names = key.map((column) => {
    const quoted = quoteIdentifier(column.name);
    return reference === undefined ? quoted : `${reference}.${quoted}`;
  });
  // LAST_INSERT_ID() is of the first row that is inserted, and the next value goes to the next one that is: which these
  // are is not known where rows may meet others, or one another.
  const { action } = insert.onConflict;
  const leavesOut = (action === 'skip' || action === 'update') && key.length > 1 && rows.length > 1;
  const automatic = key.findIndex((column) => column.autoIncrement);
  const conditionWith = (counter: Counter): string => {
    const texts = rows.map((parts) =>
      parts.map((part, at): PartCondition => {
        if ('generated' in part) {
          const equal = counter.next(part.zero);
          return leavesOut ? { condition: counter.any(names[at]!, rows.length, part.zero) } : { equal };
        }
        if (at === automatic && 'expression' in part) counter.pass(part.expression);
        if ('forms' in part) {
          const condition = oneOfCondition(key[at]!, names[at]!, part.forms, server);
          if (at === automatic) for (const form of part.forms) counter.pass(String(form));
          if (part.automatic !== true) return { condition };
          return { condition: `(${condition} OR ${names[at]} IN (${counter.next(true)}))` };
        }
        return { equal: 'expression' in part ? part.expression : 'NULL' };
      }),
    );
    return anyOf(names, texts);
  };
  const exact = rows.flat().every((part) => !('forms' in part) || part.forms.length === 1);
  const counter = new Counter(following);
  const condition = conditionWith(counter);
  const { generated, passed } = counter;
  const given = generated ? conditionWith(new Counter(() => 'NULL')) : condition;
  return { condition, given, generated, exact, passed };
}

type PartCondition = { readonly equal: string } | { readonly condition: string };

function anyOf(names: readonly string[], rows: readonly (readonly PartCondition[])[]): string {
  const lone = rows.flatMap((parts) => (parts.length === 1 ? parts : []));
  const equals = lone.flatMap((part) => ('equal' in part ? [part.equal] : []));
  const others = rows.flatMap((parts) => {
    const [first] = parts;
    if (parts.length === 1 && first !== undefined && 'equal' in first) return [];
    const texts = parts.map((part, at) =>
      'equal' in part ? `${names[at]} IN (${part.equal})` : part.condition,
    );
    return [`(${texts.join(' AND ')})`];
  });
  const all = equals.length === 0 ? others : [`${names[0]} IN (${equals.join(',')})`, ...others];
  return all.length === 1 ? all.join('') : `(${all.join(' OR ')})`;
}

/** What the server gives the rows of an INSERT whose AUTO_INCREMENT values are not given, one after the other. */
class Counter {
  /** How many values are generated, in a mode in which 0 is a value like others, and in all other modes. */
  #withoutZeros = 0;
  #all = 0;
  #passed: string[] = [];
  /** Given values behind the last generated one: they come too late to move the counter. */
  #behind: string[] = [];
  readonly #following: (ordinal: number) => string;

  /** @param following the SQL of the first generated value, 0, or of one behind it */
  constructor(following: (ordinal: number) => string) {
    this.#following = following;
  }

  get generated(): boolean {
    return this.#all > 0;
  }

  get passed(): readonly string[] {
    return this.#passed;
  }

  next(zero: boolean): string {
    this.#passed.push(...this.#behind);
    this.#behind = [];
    const value = this.#following(this.#all++);
    if (zero) return `IF(${ZERO_IS_A_VALUE},0,${value})`;
    const other = this.#following(this.#withoutZeros++);
    return other === value ? value : `IF(${ZERO_IS_A_VALUE},${other},${value})`;
  }

  /**
   * A column that has one of the values that are generated for so many rows. Where 0 is a value like others,
   * LAST_INSERT_ID() may still be that of an earlier statement, and must find no row of it.
   */
  any(name: string, rows: number, zero: boolean): string {
    const [first, last] = [this.#following(0), this.#following(rows - 1)].map((value) =>
      zero ? `IF(${ZERO_IS_A_VALUE},0,${value})` : value,
    );
    return `${name} BETWEEN ${first} AND ${last}`;
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

/** What a generated column of the key holds; NULL is an error of the server's. */
function computedPart(
  { name }: ColumnDefinition,
  computed: ReadonlyMap<string, readonly ColumnValue[]> | undefined,
): KeyPart {
  const forms = computed?.get(name)?.filter((form) => form !== null);
  if (forms === undefined)
    return { refused: `INSERT into a table whose key column ${quoteIdentifier(name)} is generated` };
  return forms.length === 0 ? { expression: 'NULL' } : { forms };
}

function keyPart(
  column: ColumnDefinition,
  value: InsertValue | undefined,
  expression: (value: InsertValue) => string | null,
): KeyPart {
  const name = quoteIdentifier(column.name);
  if (value === undefined || value.kind === 'default') return defaultPart(column, name, value !== undefined);
  switch (value.kind) {
    case 'null':
      return givenPart(column, 'NULL');
    case 'stored':
      return value;
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
