import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition } from '../table/definition.js';
import { membersOf } from './members.js';

const INTEGER = /^(?:[+-]?\d+|'[+-]?\d+')$/;
const CANONICAL_INTEGER = /^(?:0|-?[1-9]\d*)$/;
const NUMBER = /^[+-]?\d+(?:\.\d*)?(?:e[+-]?\d{1,2})?$/i;
const YEAR = /^(?:19(?:0[1-9]|[1-9]\d)|20\d\d|21[0-4]\d|215[0-5])$/;
const TIME = /^'-?\d{2}:[0-5]\d:[0-5]\d(?:\.(\d{1,6}))?'$/;
const INET4 = /^'(?:(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])(?:\.(?!')|(?='))){4}'$/;
const BITS: Readonly<Record<string, bigint>> = {
  tinyint: 8n,
  smallint: 16n,
  mediumint: 24n,
  int: 32n,
  bigint: 64n,
};
const STRING = /^(?:'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*")$/s;
/** As literals of what the server has evaluated are written. */
const UTF8_HEXADECIMAL = /^_utf8mb[34] x'((?:[0-9a-f]{2})*)'$/i;
const HEXADECIMAL = /^(?:_binary )?x'((?:[0-9a-f]{2})*)'$/i;
const DATE = /^(?:date\s*)?'(\d{4})-(\d{2})-(\d{2})'$/i;
const DATE_TIME =
  /^(?:timestamp\s*)?'(\d{4})-(\d{2})-(\d{2})[ T]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?'$/i;
const DECIMAL = /^'?[+-]?(\d+)(?:\.\d*)?'?$/;
/** The name of a member that no server could take for a number, or for several. */
const MEMBER = /^'[a-z][\w-]*'$/i;
const UUID = /^'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'$/i;
const UTF8MB4 = 'utf8mb4';

/** The numbers in parentheses behind the type: none, one or two. */
export function sizesOf({ columnType }: Pick<ColumnDefinition, 'columnType'>): readonly number[] {
  const sizes = /^\w+\(([\d,]+)\)/.exec(columnType)?.[1];
  return sizes === undefined ? [] : sizes.split(',').map(Number);
}

/** The ends of an integer column. */
export function integerRange(column: ColumnDefinition): { readonly least: bigint; readonly most: bigint } {
  const bits = BITS[column.dataType] ?? 0n;
  if (column.columnType.includes('unsigned')) return { least: 0n, most: 2n ** bits - 1n };
  return { least: -(2n ** (bits - 1n)), most: 2n ** (bits - 1n) - 1n };
}

/** The largest value of an integer column; null for any other. */
export function largestOf(column: ColumnDefinition): bigint | null {
  return BITS[column.dataType] === undefined ? null : integerRange(column).most;
}

function isInRange(column: ColumnDefinition, text: string): boolean {
  const value = BigInt(text.replaceAll("'", '').replace('+', ''));
  const { least, most } = integerRange(column);
  return value >= least && value <= most;
}

function isWithinBits(text: string, bits: number): boolean {
  const value = BigInt(text);
  return value >= 0n && value < 2n ** BigInt(bits);
}

function isOnCalendar([, year = '', month = '', day = '']: readonly string[]): boolean {
  const last = new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate();
  return (
    Number(year) > 0 && Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= last
  );
}

/** Whether the text fits the column and survives the way into its character set. */
function isPlainText(column: ColumnDefinition, text: string): boolean {
  if (CANONICAL_INTEGER.test(text)) return text.length <= (column.maxLength ?? 0);
  const bytes = UTF8_HEXADECIMAL.exec(text)?.[1];
  if (bytes !== undefined) {
    const decoded = Buffer.from(bytes, 'hex').toString('utf8');
    return column.charset === UTF8MB4 && Array.from(decoded).length <= (column.maxLength ?? 0);
  }
  if (!STRING.test(text) || text.length - 2 > (column.maxLength ?? 0)) return false;
  return column.charset === UTF8MB4 || /^[\x20-\x7e]*$/.test(text);
}

function isPlainDecimal(column: ColumnDefinition, text: string): boolean {
  const whole = DECIMAL.exec(text)?.[1];
  const [digits = 10, fraction = 0] = sizesOf(column);
  const unsigned = column.columnType.includes('unsigned') && text.includes('-');
  // One digit less than there is room for: rounding may add one.
  return whole !== undefined && whole.length < digits - fraction && !unsigned;
}

/**
 * Whether a value is stored as it is written, in every sql_mode: then a comparison of the column with the value
 * finds exactly the rows that the server would call duplicates of the new one. What is cut, clipped or rounded
 * on the way in may meet another row than the one that the comparison finds.
 */
export function isPlainValue(column: ColumnDefinition, text: string): boolean {
  switch (columnFamily(column)) {
    case 'integer':
      return /^(?:true|false)$/i.test(text) || (INTEGER.test(text) && isInRange(column, text));
    case 'text':
      return isPlainText(column, text);
    case 'decimal':
      return isPlainDecimal(column, text);
    case 'bytes': {
      const size = column.dataType.endsWith('binary') ? (sizesOf(column)[0] ?? 0) : 0;
      const bytes = HEXADECIMAL.exec(text)?.[1];
      if (bytes !== undefined) return bytes.length <= 2 * size;
      return STRING.test(text) && /^[\x20-\x7e]*$/.test(text) && text.length - 2 <= size;
    }
    case 'date': {
      const parts = (column.dataType === 'date' ? DATE : DATE_TIME).exec(text);
      return parts !== null && isOnCalendar(parts);
    }
    case 'float':
      return column.dataType === 'double' && sizesOf(column).length === 0 && NUMBER.test(text);
    case 'year':
      return YEAR.test(text);
    case 'bit':
      return CANONICAL_INTEGER.test(text) && isWithinBits(text, sizesOf(column)[0] ?? 1);
    case 'enum':
    case 'set':
      return MEMBER.test(text) && membersOf(column)?.includes(text.slice(1, -1)) === true;
    case 'time': {
      const [, fraction = ''] = TIME.exec(text) ?? [];
      return TIME.test(text) && fraction.length <= (sizesOf(column)[0] ?? 0);
    }
    case 'address':
      return (
        (column.dataType === 'uuid' && UUID.test(text)) || (column.dataType === 'inet4' && INET4.test(text))
      );
    case 'timestamp':
    case 'json':
    case undefined:
      return false;
  }
}
