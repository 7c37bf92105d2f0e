import { quoteIdentifier } from '../sql/identifier.js';
import { type ColumnFamily, columnFamily } from '../table/column-family.js';
import type { ColumnDefinition, TableDefinition } from '../table/definition.js';
import { valueLiteral } from './literal.js';
import type { Row } from './row.js';
import { epochFromUtc } from './timestamp.js';

/** How many keys are best looked up at once: more cost the server's optimizer more memory than they save. */
export const KEYS_PER_QUERY = 500;

/**
 * To be put behind the table's name in a query by `keyCondition`. Without it the server may find it cheaper to
 * read the whole of a small table, and a locking read then locks, and waits for, rows of others.
 */
export function keyIndexHint(table: TableDefinition): string {
  return `FORCE INDEX (${quoteIdentifier(table.key.name)})`;
}

/** Families whose values MySQL also compares as bytes. */
const AS_BYTES: ReadonlySet<ColumnFamily | undefined> = new Set(['text', 'enum', 'set']);

/**
 * The list of one value has it twice where the condition stands beside another: of two equalities of a column MySQL
 * compares the values, and takes `c = X'41' AND c IN ('a')` for false, though c is equal to either.
 */
function listOf(column: ColumnDefinition, values: readonly string[], beside: boolean): string {
  const [only] = values;
  const alone = beside && values.length === 1 && AS_BYTES.has(columnFamily(column));
  return (alone ? [only, only] : values).join(',');
}

type Comparison = { readonly equal: readonly string[] } | { readonly condition: string };

/** No time zone's clock has ever been put back by more at once, days left out apart. */
const CLOCK_CHANGE_SECONDS = 7200;
const LAST_SECOND = 2 ** 31 - 1;
const LAST_SIGNED = 2n ** 63n - 1n;

/**
 * A TIMESTAMP compares as local time, which occurs twice when clocks are put back. So near a clock change
 * a range around the value is read, and the stored seconds decide.
 */
function timestampCondition(name: string, epoch: string): string {
  const seconds = Math.trunc(Number(epoch));
  const exact = `FROM_UNIXTIME(${epoch})`;
  const stored = `UNIX_TIMESTAMP(${name})=${epoch}`;
  // Beyond the ends of its range FROM_UNIXTIME gives NULL; no clock is changed there.
  if (seconds < CLOCK_CHANGE_SECONDS || Math.abs(LAST_SECOND - seconds) < CLOCK_CHANGE_SECONDS) {
    return `(${name}=${exact} AND ${stored})`;
  }
  const early = `FROM_UNIXTIME(${epoch}-${CLOCK_CHANGE_SECONDS})`;
  const late = `FROM_UNIXTIME(${epoch}+${CLOCK_CHANGE_SECONDS})`;
  const quiet = `TIMESTAMPDIFF(SECOND,${early},${late})=${2 * CLOCK_CHANGE_SECONDS}`;
  const bound = (otherwise: string) => `IF(${quiet},${exact},${otherwise})`;
  return `(${name} BETWEEN ${bound(early)} AND ${bound(late)} AND ${stored})`;
}

/** Days that the calendar has not. MySQL takes none of them in a string, unless sql_mode lets it. */
function isOnCalendar(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number);
  return month >= 1 && day >= 1 && day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

function dateComparison(
  name: string,
  value: string,
  literal: string,
  server: 'mysql' | 'mariadb',
): Comparison {
  if (server === 'mariadb' || isOnCalendar(value)) return { equal: [literal] };
  const digits = value.replace(/[-: ]/g, '');
  // The zero date passes as a number; the others only where numbers are compared, which no index serves.
  return { condition: /^[0.]*$/.test(digits) ? `${name}=0` : `${name}+0=${digits}` };
}

function comparison(
  column: ColumnDefinition,
  name: string,
  value: Row[number],
  server: 'mysql' | 'mariadb',
): Comparison {
  if (value === null) throw new Error(`Column ${column.name} belongs to the key and cannot be NULL.`);
  const literal = valueLiteral(column, value, server);
  const family = columnFamily(column);
  if (family === 'timestamp') {
    const epoch = epochFromUtc(String(value));
    return { condition: epoch === undefined ? `${name}=0` : timestampCondition(name, epoch) };
  }
  if (family === 'date') return dateComparison(name, String(value), literal, server);
  // A number among the texts of an IN list would have them all compared as numbers.
  if ((family === 'enum' || family === 'set') && Buffer.isBuffer(value))
    return { condition: `${name}=${literal}` };
  // The invalid value 0 of an ENUM has no name either.
  if (family === 'enum' && value === '') return { condition: `(${name}=${literal} AND ${name}+0<>0)` };
  // MariaDB compares signed and unsigned numbers of one IN list as decimals, for which it reads the whole table.
  if ((family === 'integer' || family === 'bit') && BigInt(literal) > LAST_SIGNED)
    return { condition: `${name}=${literal}` };
  return { equal: family === 'text' ? paddings(column, value, literal) : [literal] };
}

/**
 * Under PAD_CHAR_TO_FULL_LENGTH a CHAR compares with all its spaces; a collation that does not ignore them then
 * finds it by nothing else.
 */
function paddings(column: ColumnDefinition, value: string | Buffer, literal: string): readonly string[] {
  const length = column.maxLength ?? 0;
  const full = typeof value === 'string' && Array.from(value).length >= length;
  if (column.dataType !== 'char' || column.spaceWeights !== null || full) return [literal];
  return [literal, `RPAD(${literal},${length},${spaceLike(literal)})`];
}

/** A space with the introducer of the literal: one of another collation would leave the two without any. */
function spaceLike(literal: string): string {
  const charset = /^_\w+/.exec(literal)?.[0] ?? '';
  const width = charset === '_utf32' ? 4 : /^_(?:ucs2|utf16)/.test(charset) ? 2 : 1;
  const space = charset === '_utf16le' ? '2000' : '20'.padStart(2 * width, '0');
  return `${charset} X'${space}'`;
}

/** A condition for a column that holds one of several values, none of them NULL. */
export function oneOfCondition(
  column: ColumnDefinition,
  name: string,
  values: readonly Row[number][],
  server: 'mysql' | 'mariadb',
  beside = false,
): string {
  const parts = values.map((value) => comparison(column, name, value, server));
  const equals = parts.flatMap((part) => ('equal' in part ? part.equal : []));
  const conditions = parts.flatMap((part) => ('condition' in part ? [part.condition] : []));
  if (equals.length > 0) conditions.unshift(`${name} IN (${listOf(column, equals, beside)})`);
  return conditions.length === 1 ? conditions.join('') : `(${conditions.join(' OR ')})`;
}

/**
 * A condition that selects exactly the rows with the keys of the given rows, by the key's index, in any
 * session: of any time zone, sql_mode or character set. FALSE for no rows.
 * @param rows at most KEYS_PER_QUERY is best
 * @param reference how the query names the table, if need be
 * @param beside whether it stands beside a condition of the application's
 */
export function keyCondition(
  table: TableDefinition,
  rows: readonly Row[],
  server: 'mysql' | 'mariadb',
  reference?: string,
  beside = false,
): string {
  const columns = table.key.columns.map((name) => {
    const column = table.columns.find((candidate) => candidate.name === name);
    if (column === undefined)
      throw new Error(`The key of ${table.name} has a column ${name} that the table has not.`);
    const quoted = quoteIdentifier(name);
    return { column, name: reference === undefined ? quoted : `${reference}.${quoted}` };
  });
  const compare = (row: Row) =>
    columns.map(({ column, name }) => comparison(column, name, row[column.position] ?? null, server));
  const [only] = columns;
  if (rows.length === 0 || only === undefined) return 'FALSE';
  if (columns.length > 1) {
    // ORs, not (a, b) IN (...): MariaDB reads the whole table for that.
    const each = rows.map((row) =>
      compare(row)
        .map((part, at) =>
          'equal' in part
            ? `${columns[at]?.name} IN (${listOf(columns[at]!.column, part.equal, beside)})`
            : part.condition,
        )
        .join(' AND '),
    );
    return `(${each.map((condition) => `(${condition})`).join(' OR ')})`;
  }
  const values = rows.map((row) => row[only.column.position] ?? null);
  return oneOfCondition(only.column, only.name, values, server, beside);
}
