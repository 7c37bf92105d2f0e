import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition } from '../table/definition.js';
import { membersOf } from './members.js';
import { integerRange, sizesOf } from './plain-value.js';
import type { ColumnValue } from './row.js';
import { textValue } from './text.js';
import { utcFromEpoch } from './timestamp.js';
import { clipped, wholeNumbers } from './whole-numbers.js';

/**
 * What a column may make of a value that does not fit it as it is: rounded, cut, clipped, read as a number or as a
 * name, or none of it, as the type, the server and sql_mode have it. The server is asked what it makes of the value;
 * a form too many does no harm where the rows that have it are told from the new ones by looking before.
 */
export interface StoredForms {
  /** SQL expressions over the value whose results are ASCII. */
  readonly probes: (value: string) => readonly string[];
  /**
   * The forms, given what the probes gave.
   * @returns none where the value is not understood
   */
  readonly forms: (answers: readonly (string | null)[], value: string) => readonly ColumnValue[];
}

type Answers = readonly (string | null)[];

const LARGEST_FLOAT = 3.4028234663852886e38;
const ZERO_DATE_TIME = '0000-00-00 00:00:00';
/** Longer numbers are written into text in another way than they are cast. */
const LONGEST_NUMBER = 12;

const asNumber = (value: string) => [`CAST(${value} AS DECIMAL(65,30))`, `(${value})+0`, `(${value})+0e0`];
const unique = <T>(values: readonly T[]): readonly T[] => Array.from(new Set(values));

function integersOf(answers: Answers, least: bigint, most: bigint): readonly bigint[] {
  return unique(
    answers.flatMap((text) =>
      text === null ? [] : wholeNumbers(text).map((number) => clipped(number, least, most)),
    ),
  );
}

function integer(column: ColumnDefinition): StoredForms {
  const { least, most } = integerRange(column);
  return { probes: asNumber, forms: (answers) => integersOf(answers, least, most).map(String) };
}

/** Two digits are a year of this century or the last; 0 is a year of its own, '0' is 2000. */
const year: StoredForms = {
  probes: asNumber,
  forms: (answers) =>
    unique(
      integersOf(answers, -1n, 9999n).flatMap((number) => {
        if (number === 0n) return ['0', '2000'];
        if (number > 0n && number < 100n) return [String(number + (number < 70n ? 2000n : 1900n))];
        return [number > 1900n && number < 2156n ? String(number) : '0'];
      }),
    ),
};

function decimal(column: ColumnDefinition): StoredForms {
  const [digits = 10, fraction = 0] = sizesOf(column);
  const type = `DECIMAL(${digits},${fraction})`;
  const zero = fraction > 0 ? `0.${'0'.repeat(fraction)}` : '0';
  const unsigned = column.columnType.includes('unsigned');
  return {
    probes: (value) => [
      `CAST(${value} AS ${type})`,
      `CAST((${value})+0 AS ${type})`,
      `CAST((${value})+0e0 AS ${type})`,
    ],
    forms: (answers) =>
      unique(
        answers.flatMap((text) => (text === null ? [] : [unsigned && text.startsWith('-') ? zero : text])),
      ),
  };
}

/** FLOAT(7,3) keeps three digits behind the point, and of them what a FLOAT of the machine keeps. */
function float(column: ColumnDefinition): StoredForms {
  const [digits, fraction] = sizesOf(column);
  const single = column.dataType === 'float';
  const scaled = digits !== undefined && fraction !== undefined;
  const scale = 10 ** (fraction ?? 0);
  const widest = scaled ? (10 ** digits - 1) / scale : single ? LARGEST_FLOAT : Number.MAX_VALUE;
  const least = column.columnType.includes('unsigned') ? 0 : -widest;
  const rounded = (value: number): readonly number[] => {
    if (!scaled) return [value];
    const below = Math.floor(value);
    return [below + Math.round((value - below) * scale) / scale, Math.round(value * scale) / scale].flatMap(
      (near) => [near, ...(isMiddle((value - below) * scale) ? [near - 1 / scale] : [])],
    );
  };
  return {
    probes: (value) => [`(${value})+0e0`],
    forms: ([text]) => {
      if (text === null || text === undefined) return [];
      const near = rounded(Math.min(Math.max(Number(text), least), widest));
      const kept = near.map((value) => Math.min(Math.max(value, least), widest));
      return unique(kept.map((value) => String((single ? Math.fround(value) : value) + 0)));
    },
  };
}

function isMiddle(value: number): boolean {
  return Math.abs(value - Math.floor(value) - 0.5) < 1e-6;
}

const hexOfBytes = (value: string) => `HEX(CAST(${value} AS BINARY))`;

/** Text is the bits of its bytes, a number those of itself; what has more bits is all ones. */
function bit(column: ColumnDefinition): StoredForms {
  const [bits = 1] = sizesOf(column);
  const most = 2n ** BigInt(bits) - 1n;
  const width = 2 * Math.ceil(bits / 8);
  const negative = (number: bigint) => (number < 0n && bits === 64 ? number + 2n ** 64n : most);
  return {
    probes: (value) => [hexOfBytes(value), ...asNumber(value)],
    forms: ([bytes, ...numbers]) => {
      const read = bytes === null || bytes === undefined ? [] : [BigInt(`0x0${bytes}`)];
      const all = [...read, ...integersOf(numbers, -(2n ** 63n), 2n ** 64n)];
      return unique(all.map((number) => (number < 0n || number > most ? negative(number) : number))).map(
        (number) => Buffer.from(number.toString(16).padStart(width, '0'), 'hex'),
      );
    },
  };
}

/** In the character set of the column, and no longer than it is. */
function text(column: ColumnDefinition, charset: string, prefix: number | undefined): StoredForms {
  const length = Math.min(column.maxLength ?? 0, prefix ?? Number.MAX_SAFE_INTEGER);
  const isUtf8 = charset.startsWith('utf8');
  return {
    probes: (value) => [
      `HEX(CAST(LEFT(CONVERT(${value} USING ${charset}),${length}) AS BINARY))`,
      `HEX(LEFT(CAST(${value} AS BINARY),${4 * length}))`,
    ],
    forms: ([converted, bytes], value) => {
      if (/^\s*[+-]?[\d.]+e/i.test(value) && (converted ?? '').length > 2 * LONGEST_NUMBER) return [];
      if (converted === null || converted === undefined) {
        // Bytes that are no text in the character set: what stands before them is kept.
        if (!isUtf8 || bytes === null || bytes === undefined) return [];
        return [textValue(column, validBeginning(Buffer.from(bytes, 'hex'), length))];
      }
      return [textValue(column, Buffer.from(converted, 'hex'))];
    },
  };
}

function validBeginning(bytes: Buffer, characters: number): Buffer {
  const decoded = bytes.toString('utf8');
  const end = decoded.indexOf('\ufffd');
  const valid = end < 0 ? decoded : decoded.slice(0, end);
  return Buffer.from(Array.from(valid).slice(0, characters).join(''), 'utf8');
}

function bytes(column: ColumnDefinition, prefix: number | undefined): StoredForms | undefined {
  const [size] = column.dataType.endsWith('binary') ? sizesOf(column) : [prefix];
  if (size === undefined) return undefined;
  return {
    probes: (value) => [`HEX(LEFT(CAST(${value} AS BINARY),${size}))`],
    forms: ([hex], value) => {
      if (hex === null || hex === undefined) return [];
      if (/^\s*[+-]?[\d.]+e/i.test(value) && hex.length > 2 * LONGEST_NUMBER) return [];
      const stored = Buffer.from(hex, 'hex');
      if (column.dataType !== 'binary') return [stored];
      return [Buffer.concat([stored, Buffer.alloc(Math.max(0, size - stored.length))])];
    },
  };
}

/** The name in the column's own character set first: one that has no place there is none, and not to be compared with. */
const nameAndNumber =
  ({ charset }: ColumnDefinition) =>
  (value: string) => {
    const name = charset === null ? value : `CONVERT(${value} USING ${charset})`;
    return [`HEX(CONVERT(${name} USING utf8mb4))`, ...asNumber(value)];
  };

function nameOf(hex: string | null | undefined): string | undefined {
  return hex === null || hex === undefined ? undefined : Buffer.from(hex, 'hex').toString('utf8');
}

/** The number itself, as bytes, where no name says it. */
function numbered(number: bigint): Buffer {
  return Buffer.from(String(number), 'latin1');
}

/** A member has no spaces at its end; with them MariaDB looks for none, and not for the one without either. */
function withoutEnd(name: string): string {
  return name.replace(/ +$/, '');
}

/** A name, or a number, also one in quotes; anything else is the invalid value 0. */
function enumeration(column: ColumnDefinition): StoredForms {
  const names = membersOf(column);
  const member = (number: bigint): ColumnValue => names?.[Number(number) - 1] ?? numbered(number);
  const count = BigInt(names?.length ?? 65535);
  return {
    probes: nameAndNumber(column),
    forms: ([hex, ...numbers], value) => {
      const places = integersOf(numbers, -1n, 65536n).map((number) =>
        number < 0n || number > count ? 0n : number,
      );
      if (/^\s*\d+\s*$/.test(value)) return places.map(member);
      const name = nameOf(hex);
      const named = name === undefined ? [] : [names?.includes(name) === true ? name : withoutEnd(name)];
      return [...named, ...unique([...places, 0n]).map(member)];
    },
  };
}

/** Names in any order, of which those that are none are left out; or a number. */
function set(column: ColumnDefinition): StoredForms {
  const names = membersOf(column);
  const mask = 2n ** BigInt(names?.length ?? 64) - 1n;
  const ambiguous = names === undefined || names.includes('');
  const member = (bits: bigint): ColumnValue => {
    if (ambiguous) return numbered(bits);
    return names.filter((_, at) => (bits >> BigInt(at)) % 2n === 1n).join(',');
  };
  const chosen = (text: string, same: (name: string, part: string) => boolean): ColumnValue => {
    const parts = text.split(',');
    const bits = (names ?? []).map((name, at) =>
      parts.some((part) => same(name, part)) ? 2n ** BigInt(at) : 0n,
    );
    return member(bits.reduce((sum, bitOfName) => sum + bitOfName, 0n));
  };
  return {
    probes: nameAndNumber(column),
    forms: ([hex, ...numbers], value) => {
      const sets = integersOf(numbers, -(2n ** 63n), 2n ** 64n - 1n).map((number) =>
        member((number < 0n ? number + 2n ** 64n : number) & mask),
      );
      if (/^\s*\d+\s*$/.test(value)) return sets;
      const name = nameOf(hex);
      if (name === undefined) return sets;
      if (names === undefined) return [];
      const plain = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().trimEnd();
      return unique([
        name.split(',').map(withoutEnd).join(','),
        chosen(name, (one, other) => one === other),
        chosen(withoutEnd(name), (one, other) => one.toLowerCase() === other.toLowerCase()),
        chosen(name, (one, other) => one.toLowerCase() === other.toLowerCase().trimEnd()),
        chosen(name, (one, other) => plain(one) === plain(other)),
        ...sets,
        member(0n),
      ]);
    },
  };
}

/** A DATE or DATETIME as it is cast; as it is written, where the calendar has no such day; or zero. */
function date(column: ColumnDefinition): StoredForms {
  const [fraction = 0] = sizesOf(column);
  const casts = column.dataType === 'date' ? ['DATE', 'DATETIME'] : [`DATETIME(${fraction})`];
  const length = column.dataType === 'date' ? 10 : 19;
  const pattern =
    column.dataType === 'date' ? /^\d{4}-\d\d-\d\d/ : /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?$/;
  return {
    probes: (value) => [
      ...casts.map((type) => `CAST(CAST(${value} AS ${type}) AS CHAR)`),
      `CONVERT(${value} USING latin1)`,
    ],
    forms: (answers) => {
      const dates = answers.flatMap((answer) => {
        if (answer === null || !pattern.test(answer)) return [];
        return [column.dataType === 'date' ? answer.slice(0, length) : answer];
      });
      return unique([...dates, ZERO_DATE_TIME.slice(0, length)]);
    },
  };
}

/** Of a moment beyond the range nothing is left, or, on MariaDB, its fraction of a second. */
function timestamp(column: ColumnDefinition): StoredForms {
  const [fraction = 0] = sizesOf(column);
  return {
    probes: (value) => {
      const moment = `CAST(${value} AS DATETIME(${fraction}))`;
      return [`UNIX_TIMESTAMP(${moment})`, `MICROSECOND(${moment})`];
    },
    forms: ([epoch, micros]) => {
      const inside = epoch === null || epoch === undefined || /^-?[0.]*$/.test(epoch) ? [] : [epoch];
      const rest = micros === null || micros === undefined || /^0*$/.test(micros) ? [] : [micros];
      const outside = rest.map((digits) => `0.${digits.padStart(6, '0').slice(0, fraction)}`);
      return [...[...inside, ...outside].map(utcFromEpoch), ZERO_DATE_TIME];
    },
  };
}

function time(column: ColumnDefinition): StoredForms {
  const [fraction = 0] = sizesOf(column);
  return {
    probes: (value) => [`CAST(CAST(${value} AS TIME(${fraction})) AS CHAR)`],
    forms: (answers) => unique([...answers.flatMap((answer) => answer ?? []), '00:00:00']),
  };
}

const NO_ADDRESS: Readonly<Record<string, string>> = {
  uuid: '00000000-0000-0000-0000-000000000000',
  inet4: '0.0.0.0',
  inet6: '::',
};

function address({ dataType }: ColumnDefinition): StoredForms {
  return {
    probes: (value) => [`CAST(CAST(${value} AS ${dataType.toUpperCase()}) AS CHAR)`],
    forms: ([answer]) => [answer ?? NO_ADDRESS[dataType] ?? ''],
  };
}

/**
 * @param prefix how much of the value matters, where that is not all of it: characters of text, else bytes
 * @returns undefined for a type whose values are not looked up
 */
export function storedForms(column: ColumnDefinition, prefix?: number): StoredForms | undefined {
  switch (columnFamily(column)) {
    case 'integer':
      return integer(column);
    case 'year':
      return year;
    case 'decimal':
      return decimal(column);
    case 'float':
      return float(column);
    case 'bit':
      return bit(column);
    case 'text':
      return column.charset === null ? undefined : text(column, column.charset, prefix);
    case 'bytes':
      return bytes(column, prefix);
    case 'enum':
      return enumeration(column);
    case 'set':
      return set(column);
    case 'date':
      return date(column);
    case 'timestamp':
      return timestamp(column);
    case 'time':
      return time(column);
    case 'address':
      return address(column);
    case 'json':
    case undefined:
      return undefined;
  }
}

/**
 * What stands in a column that is NOT NULL where nothing is given for it, or NULL, and that is no error.
 * @returns none where that is not a constant
 */
export function emptyForms(column: ColumnDefinition): readonly ColumnValue[] {
  const [size = 0, fraction = 0] = sizesOf(column);
  switch (columnFamily(column)) {
    case 'integer':
    case 'float':
    case 'year':
      return ['0'];
    case 'decimal':
      return [fraction > 0 ? `0.${'0'.repeat(fraction)}` : '0'];
    case 'bit':
      return [Buffer.alloc(Math.ceil(size / 8))];
    case 'text':
      return [textValue(column, Buffer.alloc(0))];
    case 'bytes':
      return [Buffer.alloc(column.dataType === 'binary' ? size : 0)];
    case 'enum':
      return [membersOf(column)?.[0] ?? numbered(1n), numbered(0n)];
    case 'set':
      return [membersOf(column)?.includes('') === false ? '' : numbered(0n)];
    case 'date':
      return [column.dataType === 'date' ? ZERO_DATE_TIME.slice(0, 10) : ZERO_DATE_TIME];
    case 'time':
      return ['00:00:00'];
    case 'address':
      return [NO_ADDRESS[column.dataType] ?? ''];
    case 'timestamp':
    case 'json':
    case undefined:
      return [];
  }
}
