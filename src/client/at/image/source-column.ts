import type { RawValue, ResultField } from '../executor.js';
import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition } from '../table/definition.js';
import { valueLiteral } from './literal.js';
import { columnReader } from './read-column.js';
import { isRounded, isScaledFloat } from './scaled-float.js';

/** A value as it can be written into VALUES (...); refused: why it cannot be written exactly. */
export type SourceValue = { readonly literal: string } | { readonly refused: string };

/** A column of a query that gives the rows of an INSERT: how it is read, and written as a literal. */
export interface SourceColumn {
  /** Whether the value needs nothing beside it, or what text needs, or what only this type has. */
  readonly needs: 'nothing' | 'text' | 'more';
  /** What is read beside the column itself. */
  readonly beside: (name: string) => readonly string[];
  /**
   * The literal that the target column stores as it would store the query's own value.
   * @param value what the column itself gives, never NULL
   */
  readonly literal: (
    value: Buffer,
    beside: readonly RawValue[],
    target: ColumnDefinition,
    results: string,
    server: 'mysql' | 'mariadb',
  ) => SourceValue;
}

/** Column types of the protocol. */
const FLOAT = 4;
const DOUBLE = 5;
const NULL_TYPE = 6;
const TIMESTAMP = 7;
const DATE = 10;
const TIME = 11;
const BIT = 16;
const JSON_TYPE = 245;
const ENUM = 247;
const SET = 248;
const INTEGERS = [0, 1, 2, 3, 8, 9, 13, 246];
const DATES = [TIMESTAMP, DATE, TIME, 12];
const OWN_BYTES = [242, 255];
const BINARY_CHARSET = 63;
const UNSIGNED_FLAG = 32;
const ENUM_FLAG = 256;
const SET_FLAG = 2048;

const NONE = () => [];
const latin = (value: Buffer) => value.toString('latin1');
const quoted = (value: Buffer) => ({ literal: `'${latin(value)}'` });
const hex = (value: Buffer) => `X'${value.toString('hex')}'`;
/** Text that every character set of a client writes alike, and no sql_mode reads otherwise. */
const SIMPLE = /^[\x20-\x26\x28-\x5b\x5d-\x7e]*$/;

function isTextual(target: ColumnDefinition): boolean {
  const family = columnFamily(target);
  return family === 'text' || family === 'bytes';
}

/** As the server rounds an exact number on its way into an integer column: half away from zero. */
function rounded(digits: string, target: ColumnDefinition): string {
  const [, sign = '', whole = '', fraction] = /^(-?)(\d+)\.(\d+)$/.exec(digits) ?? [];
  if (fraction === undefined || columnFamily(target) !== 'integer') return digits;
  const magnitude = BigInt(whole) + (fraction >= '5' ? 1n : 0n);
  return magnitude === 0n ? '0' : `${sign}${magnitude}`;
}

function plainly(digits: string, target: ColumnDefinition): SourceValue {
  return { literal: isTextual(target) ? `'${digits}'` : digits };
}

const number: SourceColumn = {
  needs: 'nothing',
  beside: NONE,
  // The zeros of ZEROFILL are shown, not given.
  literal: (value, _, target) =>
    plainly(rounded(latin(value).replace(/^(-?)0+(?=\d)/, '$1'), target), target),
};

/** As the server rounds a DOUBLE on its way into an integer column: half to even. */
function evenly(value: number): bigint {
  const floor = Math.floor(value);
  const rest = value - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  return BigInt(up ? floor + 1 : floor);
}

const floating = (type: 'float' | 'double'): SourceColumn => ({
  needs: type === 'float' ? 'more' : 'nothing',
  // FLOAT is printed with few digits; as DOUBLE it is exact.
  beside: (name) => [`${name}*1e0`],
  literal: (value, [exact], target, _results, server) => {
    const text = latin(exact ?? value);
    const copied = server === 'mysql' && target.dataType === type && isScaledFloat(target);
    if (copied && !isRounded(target, Number(text)))
      return { refused: `a ${type.toUpperCase()} that MySQL copies without rounding it` };
    if (isTextual(target)) return { literal: `'${text}'` };
    if (columnFamily(target) === 'integer' && Math.abs(Number(text)) < 2 ** 53)
      return { literal: String(evenly(Number(text))) };
    return { literal: /e/i.test(text) ? text : `${text}e0` };
  },
});

const float = floating('float');
const double = floating('double');

const bit: SourceColumn = {
  needs: 'nothing',
  beside: NONE,
  literal: (value, _, target) => plainly(BigInt(`0x0${value.toString('hex')}`).toString(), target),
};

const bytes: SourceColumn = {
  needs: 'nothing',
  beside: NONE,
  // Without the introducer it would be a number where one is wanted.
  literal: (value, _, target) => ({
    literal: columnFamily(target) === 'bytes' ? hex(value) : `_binary ${hex(value)}`,
  }),
};

/** The literals of other Unicode character sets are deprecated, and warned of. */
function unicode(charset: string, stored: Buffer): string | undefined {
  switch (charset) {
    case 'utf8mb3':
    case 'utf8':
      return stored.toString('utf8');
    case 'ucs2':
    case 'utf16': {
      const text = Buffer.from(stored).swap16().toString('utf16le');
      return /[\ud800-\udfff]/u.test(text) ? undefined : text;
    }
    default:
      return undefined;
  }
}

/** The space of the character sets that have no ASCII. */
const WIDE_SPACES: Readonly<Record<string, Buffer>> = {
  ucs2: Buffer.from([0, 0x20]),
  utf16: Buffer.from([0, 0x20]),
  utf16le: Buffer.from([0x20, 0]),
  utf32: Buffer.from([0, 0, 0, 0x20]),
};

/** Copied into another character set such text is too long with its spaces; a literal loses those that are too many. */
function hasWideSpacesBeyond(
  charset: string,
  stored: Buffer,
  { charset: to, maxLength }: ColumnDefinition,
): boolean {
  const space = WIDE_SPACES[charset];
  if (space === undefined || charset === to || maxLength === null) return false;
  return stored.length / space.length > maxLength && stored.subarray(-space.length).equals(space);
}

function literalIn(charset: string, stored: Buffer): SourceValue {
  const isAscii = !/^(?:ucs2|utf16|utf16le|utf32)$/.test(charset);
  if (isAscii && SIMPLE.test(latin(stored))) return quoted(stored);
  return { literal: `_${charset} ${hex(stored)}` };
}

const text: SourceColumn = {
  needs: 'text',
  beside: (name) => [`CHARSET(${name})`, `CAST(${name} AS BINARY)`],
  literal: (_, [charset, stored], target) => {
    if (!charset || !stored) return { refused: 'text longer than max_allowed_packet' };
    const name = latin(charset);
    if (hasWideSpacesBeyond(name, stored, target))
      return { refused: `spaces in ${name} that the column does not hold` };
    if (name === 'binary') return { literal: `_binary ${hex(stored)}` };
    const decoded = unicode(name, stored);
    if (decoded === undefined) return literalIn(name, stored);
    return literalIn('utf8mb4', Buffer.from(decoded));
  },
};

/** What to read beside a value of which not even the type is known. */
export const besideText = text.beside;

/** MariaDB's UUID and INET6, which are text outside and bytes inside. */
const address: SourceColumn = { needs: 'nothing', beside: NONE, literal: quoted };

const member: SourceColumn = {
  needs: 'more',
  beside: (name) => [`CAST(CONVERT(${name} USING utf8mb4) AS BINARY)`, `CAST(${name} AS UNSIGNED)`],
  literal: (_, [label, number], target) => {
    if (!label || !number) return { refused: 'a member without a number' };
    const family = columnFamily(target);
    // Copied it stays what it is; written it is an error, or a warning.
    if (family === 'enum' && latin(number) === '0') return { refused: 'the invalid value of an ENUM' };
    const named = isTextual(target) || ((family === 'enum' || family === 'set') && latin(number) !== '0');
    return { literal: named ? `_utf8mb4 ${hex(label)}` : latin(number) };
  },
};

const WORDS: Readonly<Record<number, string>> = { [DATE]: 'DATE', [TIME]: 'TIME' };

function moment(type: number): SourceColumn {
  return {
    needs: type === TIMESTAMP ? 'more' : 'nothing',
    beside: (name) =>
      type === TIMESTAMP ? [`UNIX_TIMESTAMP(${name})<=>UNIX_TIMESTAMP(CAST(${name} AS DATETIME(6)))`] : [],
    literal: (value, [same], target) => {
      const family = columnFamily(target);
      if (type === TIMESTAMP && family === 'timestamp' && same && latin(same) === '0')
        return { refused: 'a TIMESTAMP of the hour in which the clock was put back' };
      const like = type === TIME ? family === 'time' : family === 'date' || family === 'timestamp';
      if (like || isTextual(target)) return quoted(value);
      return { literal: `${WORDS[type] ?? 'TIMESTAMP'}'${latin(value)}'` };
    },
  };
}

const JSON_COLUMN: ColumnDefinition = {
  ...{ name: 'JSON', position: 0, dataType: 'json', columnType: 'json', nullable: true, charset: null },
  ...{ collation: null, spaceWeights: null, maxLength: null, autoIncrement: false, generated: false },
  ...{
    generation: null,
    updatesItself: false,
    invisible: false,
    indexed: '',
    hasDefault: false,
    constantDefault: false,
    defaultExpression: null,
    nullByDefault: true,
  },
};
const jsonReader = columnReader(JSON_COLUMN);
const json: SourceColumn = {
  needs: 'more',
  beside: jsonReader.expressions,
  literal: (value, beside, target, results) => {
    const read = jsonReader.read(value, beside, results);
    if (columnFamily(target) !== 'json') {
      const [, stored] = beside;
      return { literal: `_utf8mb4 ${hex(stored ?? value)}` };
    }
    return { literal: valueLiteral(JSON_COLUMN, read, 'mysql') };
  },
};

/**
 * Whether MariaDB looks at the type of such a column, and not at its values alone, before it puts it into another: an
 * INET6 does not go into a UUID, though its text may.
 */
export function isAssignedByType({ columnType, flags }: ResultField): boolean {
  return OWN_BYTES.includes(columnType) || (columnType > 248 && (flags & UNSIGNED_FLAG) !== 0);
}

/** @returns undefined for a type that nobody has taught globaltx to write as a literal */
export function sourceColumn({ columnType, flags, characterSet }: ResultField): SourceColumn | undefined {
  if (INTEGERS.includes(columnType)) return number;
  if (columnType === FLOAT) return float;
  if (columnType === DOUBLE) return double;
  if (DATES.includes(columnType)) return moment(columnType);
  if (columnType === BIT) return bit;
  if (columnType === JSON_TYPE) return json;
  if (columnType === ENUM || columnType === SET || (flags & (ENUM_FLAG | SET_FLAG)) !== 0) return member;
  if (columnType === NULL_TYPE || OWN_BYTES.includes(columnType) || characterSet === BINARY_CHARSET)
    return bytes;
  if (columnType < 249 && columnType !== 15) return undefined;
  return (flags & UNSIGNED_FLAG) !== 0 ? address : text;
}
