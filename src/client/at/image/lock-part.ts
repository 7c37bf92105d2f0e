import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition } from '../table/definition.js';

/** Weights longer than this, in bytes, are hashed by the server, so that the wire stays small. */
const LONGEST_WEIGHT = 96;

/** With an introducer: after SET NAMES binary ' ' is one byte, which no text of wide characters ends in. */
const SPACE = "_latin1' '";

/** Spaces are cut off the weights too: 'a' and 'a \0' are one value where \0 has no weight. */
function weights(text: string, spaceWeight: string, level: string): string {
  const all = `WEIGHT_STRING(${text}${level})`;
  // Weights of one byte stand beside longer ones in some character sets, and could be cut out of the middle.
  return spaceWeight.length >= 4 ? `TRIM(TRAILING X'${spaceWeight}' FROM ${all})` : all;
}

/**
 * An SQL expression whose value is equal for two texts exactly when the database calls them equal: the weights
 * under the column's collation, in hexadecimal.
 * @param name the column, as an SQL expression
 * @param prefix how many characters count, or null for all
 * @returns undefined where the column's value says it already
 */
export function weightExpression(
  column: ColumnDefinition,
  name: string,
  prefix: number | null,
): string | undefined {
  if (columnFamily(column) !== 'text' || column.collation === null) return undefined;
  // PAD_CHAR_TO_FULL_LENGTH shows a CHAR with spaces that its index does not have.
  const stored = column.dataType === 'char' ? `TRIM(TRAILING ${SPACE} FROM ${name})` : name;
  const text = prefix === null ? stored : `LEFT(${stored},${prefix})`;
  const weight = weightOf(text, column.spaceWeights);
  const short = (prefix ?? column.maxLength ?? Number.MAX_SAFE_INTEGER) <= LONGEST_WEIGHT / 4;
  if (short) return `HEX(${weight})`;
  return `IF(LENGTH(${weight})>${LONGEST_WEIGHT},CONCAT('#',SHA2(${weight},256)),HEX(${weight}))`;
}

function weightOf(text: string, spaceWeights: readonly string[] | null): string {
  if (spaceWeights === null) return `WEIGHT_STRING(${text})`;
  const trimmed = `TRIM(TRAILING ${SPACE} FROM ${text})`;
  const [only = '', ...more] = spaceWeights;
  if (more.length === 0) return weights(trimmed, only, '');
  // Each level is padded on its own. No weight is zero, so levels cannot run into each other.
  const levels = spaceWeights.map((weight, index) => weights(trimmed, weight, ` LEVEL ${index + 1}`));
  return `CONCAT_WS(X'0000',${levels.join(',')})`;
}

/**
 * What a value is called in a lock key, for columns without weights: the same for two values exactly when the
 * database calls them equal.
 * @param member the number of an ENUM or SET value
 */
export function valuePart(
  column: ColumnDefinition,
  value: string | Buffer,
  prefix: number | null,
  member: string | undefined,
): string {
  const family = columnFamily(column);
  const text = typeof value === 'string' ? value : value.toString('hex');
  switch (family) {
    case 'float':
      return /^-?0$/.test(text) ? '0' : text;
    case 'decimal':
    case 'time':
      return /[1-9]/.test(text) ? text : text.replace(/^-/, '');
    case 'enum':
    case 'set':
      return member ?? text;
    case 'address':
      return text.toLowerCase();
    case 'bytes':
      return prefix === null || typeof value === 'string' ? text : value.subarray(0, prefix).toString('hex');
    case 'integer':
    case 'year':
    case 'bit':
    case 'text':
    case 'json':
    case 'date':
    case 'timestamp':
    case undefined:
      return text;
  }
}
