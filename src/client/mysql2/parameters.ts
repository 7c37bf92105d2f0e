import mysql from 'mysql2';
import type { SqlDialect } from '../at/executor.js';

/** Text as a literal of the connection's character set, whatever sql_mode says of backslashes. */
export function stringLiteral(text: string, dialect: SqlDialect): string {
  if (dialect.noBackslashEscapes) return `'${text.replaceAll("'", "''")}'`;
  return `'${text.replace(/[\\'\0]/g, (character) => (character === '\0' ? '\\0' : `\\${character}`))}'`;
}

/** `constructor.name` and `type` of mysql2's TypedParameter, whose class is not exported. */
function isTyped(value: object): value is { readonly value: unknown } {
  return value.constructor.name === 'TypedParameter' && 'value' in value;
}

/**
 * A value bound to a placeholder, as a literal that the server reads as it reads the binding: mysql2 binds a
 * JavaScript number as DOUBLE unless the column is an integer, a bigint likewise as text, a Date as DATETIME, a
 * Buffer as BLOB.
 * The literal stands only in globaltx's own reads of the rows that the statement touches, and in statements
 * bound by key; where a corner of the binding is missed, the count of rows shows it (IMAGE_MISMATCH).
 */
export function parameterLiteral(value: unknown, dialect: SqlDialect, timezone: string): string {
  if (value === null || value === undefined) return 'NULL';
  switch (typeof value) {
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : exponential(value);
    case 'bigint':
      // MySQL says where it wants an integer, and mysql2 then binds one; MariaDB does not.
      return dialect.server === 'mysql' ? String(value) : `'${value}'`;
    case 'boolean':
      return value ? '1' : '0';
    case 'object':
      break;
    case 'string':
    case 'symbol':
    case 'undefined':
    case 'function':
      return stringLiteral(String(value), dialect);
  }
  const object: object = value;
  if (value instanceof Date) return mysql.escape(value, false, timezone as 'local');
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    // Without the introducer a hexadecimal literal is a number for MySQL where one is wanted; what is bound is text.
    return bytes.length === 0 ? "_binary ''" : `_binary x'${bytes.toString('hex')}'`;
  }
  if (isTyped(value)) return parameterLiteral(value.value, dialect, timezone);
  if (Array.isArray(value) || value.constructor === Object || 'toJSON' in object) {
    const json = stringLiteral(JSON.stringify(value), dialect);
    return dialect.server === 'mysql' ? `CAST(${json} AS JSON)` : json;
  }
  return stringLiteral(String(value), dialect);
}

/** The values bound to a text, and which of its placeholders say how many rows. */
export interface BoundValues {
  readonly values: readonly unknown[];
  readonly rowCounts: readonly number[];
}

/**
 * What a placeholder stands for, as a literal. Behind LIMIT the server takes the number that bound text says, and nothing
 * but digits as written: mysql2's users bind text there, because MySQL takes no DOUBLE.
 */
export function literalOf(
  index: number,
  { values, rowCounts }: BoundValues,
  dialect: SqlDialect,
  timezone: string,
): string {
  const literal = parameterLiteral(values[index], dialect, timezone);
  return rowCounts.includes(index) && /^'\d+'$/.test(literal) ? literal.slice(1, -1) : literal;
}

/** The shortest text that gives the same double, in the form that the server reads as DOUBLE, not DECIMAL. */
function exponential(value: number): string {
  if (Object.is(value, -0)) return '-0e0';
  const text = String(value);
  return text.includes('e') ? text : `${text}e0`;
}
