import type { RawValue } from '../executor.js';
import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition } from '../table/definition.js';
import type { ColumnValue } from './row.js';
import { faithfulCharsets, textValue } from './text.js';
import { utcFromEpoch } from './timestamp.js';
import { jsonTypesExpression, jsonValue } from './typed-json.js';

/** How one column is read: from the star, and from expressions beside it where the star does not say all. */
export interface ColumnReader {
  /** Expressions over the column, given as an SQL expression itself. */
  readonly expressions: (column: string) => readonly string[];
  /**
   * @param star what the column itself gives
   * @param beside what the expressions give
   * @param results the session's character_set_results
   */
  readonly read: (star: Buffer, beside: readonly RawValue[], results: string) => ColumnValue;
}

const latin = (value: Buffer): string => value.toString('latin1');

const ZERO_TIME = /^0000-00-00 00:00:00/;

/** ZEROFILL pads what is shown, not what is stored. */
function withoutLeadingZeros(text: string): string {
  return text.replace(/^(-?)0+(?=\d)/, '$1');
}

function present(value: RawValue | undefined, column: ColumnDefinition): Buffer {
  if (value === null || value === undefined) {
    // WEIGHT_STRING, CAST and their like give NULL with a warning when a result exceeds max_allowed_packet.
    throw new Error(
      `The server gave no exact value of column ${column.name}; is max_allowed_packet too small for it?`,
    );
  }
  return value;
}

const plain = (read: (star: Buffer) => ColumnValue): ColumnReader => ({ expressions: () => [], read });

/**
 * The bytes that are stored, in the column's own character set, if the session's results are not these; nothing where
 * they are known to be.
 */
function storedBytes(column: string, charset: string, presumed: string | undefined): readonly string[] {
  const faithful = faithfulCharsets(charset);
  if (presumed !== undefined && faithful.includes(presumed)) return [];
  const names = faithful.map((name) => `'${name}'`).join(',');
  return [`IF(COALESCE(@@character_set_results,'binary') IN (${names}),NULL,CAST(${column} AS BINARY))`];
}

function textReader(column: ColumnDefinition, charset: string, presumed: string | undefined): ColumnReader {
  const faithful = faithfulCharsets(charset);
  return {
    expressions: (name) => storedBytes(name, charset, presumed),
    read: (star, [stored], results) =>
      textValue(column, faithful.includes(results) ? star : present(stored, column)),
  };
}

/**
 * Members by their text, so that an ALTER TABLE which only reorders them changes no image; a number, as bytes,
 * for what text does not name: the invalid value 0 of an ENUM, and any value of a SET with an empty member.
 */
function memberReader(column: ColumnDefinition): ColumnReader {
  const ambiguous = column.dataType === 'set' && /[(,]''[,)]/.test(column.columnType);
  return {
    expressions: (name) => [`CAST(CONVERT(${name} USING utf8mb4) AS BINARY)`, `CAST(${name} AS UNSIGNED)`],
    read: (_star, [label, number]) => {
      const bits = present(number, column);
      const named = !ambiguous && (column.dataType === 'set' || latin(bits) !== '0');
      return named ? present(label, column).toString('utf8') : bits;
    },
  };
}

function jsonReader(column: ColumnDefinition, presumed: string | undefined): ColumnReader {
  const faithful = faithfulCharsets('utf8mb4');
  return {
    expressions: (name) => [jsonTypesExpression(name), ...storedBytes(name, 'utf8mb4', presumed)],
    read: (star, [types, stored], results) =>
      jsonValue(faithful.includes(results) ? star : present(stored, column), latin(present(types, column))),
  };
}

/** Shown with few digits (FLOAT) or rounded (with a scale); as DOUBLE the server prints what reads back exactly. */
function floatReader(column: ColumnDefinition): ColumnReader {
  const exact = column.dataType === 'double' && !column.columnType.includes('(');
  if (exact) return plain(latin);
  return { expressions: (name) => [`${name}*1e0`], read: (_star, [value]) => latin(present(value, column)) };
}

/**
 * How a column is read exactly, whatever the session's settings are.
 * @param presumed the session's character_set_results, where it is known
 */
export function columnReader(column: ColumnDefinition, presumed?: string): ColumnReader {
  const family = columnFamily(column);
  switch (family) {
    case 'integer':
    case 'year':
    case 'decimal':
      return plain((star) => withoutLeadingZeros(latin(star)));
    case 'float':
      return floatReader(column);
    case 'bit':
    case 'bytes':
      return plain((star) => star);
    case 'text':
      return column.charset === null ? plain((star) => star) : textReader(column, column.charset, presumed);
    case 'enum':
    case 'set':
      return memberReader(column);
    case 'json':
      return jsonReader(column, presumed);
    case 'date':
      // With NO_ZERO_IN_DATE, MySQL's temporary tables turn 2020-00-10 into the zero date; what is text passes.
      return {
        expressions: (name) => [`CAST(${name} AS CHAR)`],
        read: (_star, [text]) => latin(present(text, column)),
      };
    case 'time':
    case 'address':
      return plain(latin);
    case 'timestamp':
      return {
        expressions: (name) => [`UNIX_TIMESTAMP(${name})`],
        // For the zero value MariaDB gives nothing where a view shows the column.
        read: (star, [epoch]) =>
          epoch === null && ZERO_TIME.test(latin(star))
            ? latin(star)
            : utcFromEpoch(latin(present(epoch, column))),
      };
    case undefined:
      throw new Error(
        `Column ${column.name} has type ${column.dataType}, which no table may have that was loaded.`,
      );
  }
}
