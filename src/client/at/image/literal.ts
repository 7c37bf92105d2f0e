import { GlobalTxError } from '../../../protocol/errors.js';
import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition } from '../table/definition.js';
import type { ColumnValue } from './row.js';
import { isRounded, isScaledFloat } from './scaled-float.js';
import { typedJsonExpression } from './typed-json.js';

const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i;
const ASCII = /^[0-9A-Za-z :.-]*$/;
const UTF8_SUBSETS = new Set(['utf8mb3', 'utf8', 'ascii']);

function refuse(column: ColumnDefinition, value: string | Buffer): never {
  throw new Error(
    `Column ${column.name} of type ${column.columnType} cannot have the value ${String(value)}.`,
  );
}

function hex(value: string | Buffer): string {
  return `X'${(typeof value === 'string' ? Buffer.from(value, 'utf8') : value).toString('hex')}'`;
}

/** Text with the character set that its bytes are in; what the column has already is never converted. */
function textExpression(column: ColumnDefinition, value: string | Buffer): string {
  if (column.charset === null) return hex(value);
  const own = typeof value !== 'string' || UTF8_SUBSETS.has(column.charset);
  return `_${own ? column.charset : 'utf8mb4'} ${hex(value)}`;
}

/** @throws GlobalTxError COMPENSATION_REFUSED */
function jsonExpression(column: ColumnDefinition, value: string | Buffer): string {
  if (typeof value === 'string') return `_utf8mb4 ${hex(value)}`;
  const built = typedJsonExpression(value);
  if ('sql' in built) return built.sql;
  const construct = jsonConstruct(column, built.type);
  throw new GlobalTxError('COMPENSATION_REFUSED', `A value cannot be restored exactly: ${construct}.`, {
    construct,
  });
}

function jsonConstruct(column: ColumnDefinition, type: string): string {
  return `JSON with ${type} inside, in column \`${column.name}\``;
}

/** INSERT IGNORE stores nothing at all for a VECTOR that is NOT NULL and not given; no statement can say it. */
const NEVER_EMPTY: ReadonlySet<string> = new Set(['vector', 'geometry', 'point', 'linestring', 'polygon']);

export function isNeverEmpty({ dataType }: ColumnDefinition): boolean {
  return NEVER_EMPTY.has(dataType);
}

/**
 * Why a value could be read but not be written back, in words of SQL; undefined for what can be. MySQL keeps
 * bytes inside of JSON with the type of the column that they came from, and no expression names them all.
 */
export function unwritable(column: ColumnDefinition, value: ColumnValue): string | undefined {
  if (isNeverEmpty(column) && value !== null && value.length === 0) {
    return `an empty value of type ${column.dataType}, in column \`${column.name}\``;
  }
  if (isScaledFloat(column) && value !== null && !isRounded(column, Number(value))) {
    return `an unrounded value of type ${column.columnType}, in column \`${column.name}\``;
  }
  if (columnFamily(column) !== 'json' || !Buffer.isBuffer(value)) return undefined;
  const built = typedJsonExpression(value);
  return 'type' in built ? jsonConstruct(column, built.type) : undefined;
}

/**
 * An SQL expression that stores exactly this value, when it is assigned to the column in a session with
 * time_zone '+00:00' and sql_mode ALLOW_INVALID_DATES, NO_AUTO_VALUE_ON_ZERO. No other setting matters: text
 * and bytes are written in hexadecimal. The invalid value 0 of an ENUM is stored only without strict mode.
 * @throws GlobalTxError COMPENSATION_REFUSED for what `unwritable` names
 */
export function valueLiteral(
  column: ColumnDefinition,
  value: ColumnValue,
  _server: 'mysql' | 'mariadb',
): string {
  if (value === null) return 'NULL';
  const family = columnFamily(column);
  switch (family) {
    case 'integer':
    case 'year':
    case 'decimal':
      return typeof value === 'string' && NUMBER.test(value) ? value : refuse(column, value);
    case 'float':
      // As a DOUBLE: -0 is an integer, and has no sign.
      if (typeof value !== 'string' || !NUMBER.test(value)) return refuse(column, value);
      return /e/i.test(value) ? value : `${value}e0`;
    case 'bit':
      return Buffer.isBuffer(value)
        ? BigInt(`0x0${value.toString('hex')}`).toString()
        : refuse(column, value);
    case 'bytes':
      return hex(value);
    case 'text':
      return textExpression(column, value);
    case 'json':
      return jsonExpression(column, value);
    case 'enum':
    case 'set':
      return typeof value === 'string' ? `_utf8mb4 ${hex(value)}` : value.toString('latin1');
    case 'date':
    case 'time':
    case 'timestamp':
      return typeof value === 'string' && ASCII.test(value) ? `'${value}'` : refuse(column, value);
    case 'address':
      // After SET NAMES binary a literal without introducer is the address's bytes, not its text.
      return typeof value === 'string' && ASCII.test(value) ? `_latin1'${value}'` : refuse(column, value);
    case undefined:
      return refuse(column, value);
  }
}
