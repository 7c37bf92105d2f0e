import type { Dice } from '../simulation/dice.js';
import type { List, Piece, Value } from './plan.js';
import type { Column, Table } from './schema.js';
import { isStrange, randomValue, value } from './values.js';

export interface Condition {
  readonly piece: Piece;
  readonly volatile: boolean;
  /** Whether it is known to choose one row at most. */
  readonly one?: boolean;
}

/** How the statement refers to the columns: by name, or through an alias. */
export type Reference = (column: string) => string;

/** What a comparison of makes sense, or at least a result. */
const COMPARED = new Set([
  'integer',
  'decimal',
  'float',
  'bit',
  'text',
  'bytes',
  'enum',
  'set',
  'date',
  'timestamp',
  'time',
  'year',
  'address',
]);

/** What a FLOAT is equal to depends on the index that it is looked up by, and so on what else a statement asks for. */
function comparable(table: Table): readonly Column[] {
  return table.columns.filter(({ type }) => COMPARED.has(type.family) && !type.sql.startsWith('FLOAT'));
}

function comparedValue(column: Column, dice: Dice): Value {
  return compared(column, randomValue({ ...column, nullable: false }, dice));
}

/** Families whose values are read in one way when they are written into a comparison, and in another when bound. */
const READ_IN_TWO_WAYS: ReadonlySet<string> = new Set([
  'float',
  'date',
  'timestamp',
  'time',
  'year',
  'address',
  'bit',
  'set',
  'enum',
]);

const NUMBERS: ReadonlySet<string> = new Set(['integer', 'decimal', 'float', 'year']);
const MOMENTS: ReadonlySet<string> = new Set(['date', 'timestamp', 'time']);

/**
 * How MariaDB takes what is none of the column's type is a matter of the index and of ORDER BY: an UPDATE of `id = '5x'` fails
 * in a scan and warns in a look-up, one of `at = X'41'` finds nothing in the look-up; so what is bound by key may be taken in
 * another way. A BIT reads '   ' and X'41' as the number 0 in a scan, and as their bits in a look-up.
 */
function isTakenInTwoWays(column: Column, other: Value): boolean {
  const { family } = column.type;
  if (family === 'bit') return /^[X']/.test(other.sql);
  if (!isStrange(column, other)) return false;
  return MOMENTS.has(family) || (NUMBERS.has(family) && /^[X']/.test(other.sql));
}

export function compared(column: Column, given: Value): Value {
  const other = isTakenInTwoWays(column, given) ? value(column.type.values[0]!) : given;
  // Bytes are another text where they are bound than where they are written, too.
  const bytes = column.type.family === 'text' && Buffer.isBuffer(other.bound);
  return bytes || READ_IN_TWO_WAYS.has(column.type.family) ? { sql: other.sql } : other;
}

export function keyCondition(table: Table, reference: Reference, dice: Dice): Piece {
  const parts = table.key.map((name) => {
    const column = table.columns.find((candidate) => candidate.name === name)!;
    return [`${reference(name)} = `, comparedValue(column, dice)];
  });
  return parts.flatMap((part, at) => (at === 0 ? part : [' AND ', ...part]));
}

function list(items: readonly Piece[]): List {
  return { before: '', items, separator: ', ', least: 1 };
}

/**
 * MySQL 9.7 joins members by their texts in a SELECT, and looks them up by their numbers in an UPDATE: the invalid value and
 * the empty member are one for the former, two for the latter. What a FLOAT is equal to depends on the index, too. A date
 * without a month becomes the zero date where MySQL puts the subquery into a temporary table, and not elsewhere.
 */
const JOINED_IN_TWO_WAYS: ReadonlySet<string> = new Set(['enum', 'set', 'float', 'date']);

/** Texts of unlike collations MariaDB compares by the one in a SELECT and by the other in an UPDATE. */
function isLookedUpInOneWay({ type }: Column, other: Column, { server }: Table): boolean {
  if (server === 'mysql' || type.family !== 'text') return true;
  const [own, others] = [type, other.type].map(({ sql }) => sql.replace(/^\w+(?:\(\d+\))?/, ''));
  return own === others;
}

function subquery(
  column: Column,
  reference: Reference,
  table: Table,
  tables: readonly Table[],
  dice: Dice,
): Piece | undefined {
  if (JOINED_IN_TWO_WAYS.has(column.type.family)) return undefined;
  const others = tables.flatMap((other) =>
    other.number === table.number
      ? []
      : other.columns
          .filter(
            (found) => found.type.family === column.type.family && isLookedUpInOneWay(column, found, table),
          )
          .map(({ name }) => [other, name] as const),
  );
  if (others.length === 0) return undefined;
  const [other, name] = dice.pick(others);
  return `${reference(column.name)} IN (SELECT ${name} FROM ${other.token})`;
}

function comparison(table: Table, tables: readonly Table[], reference: Reference, dice: Dice): Piece {
  const column = dice.pick(comparable(table));
  const name = reference(column.name);
  const value = () => comparedValue(column, dice);
  switch (dice.under(9)) {
    case 0:
      return [`${name} = `, value()];
    case 1:
      return [`${name} ${dice.pick(['<', '<=', '>', '>=', '<>', '<=>'])} `, value()];
    case 2:
      return [`${name} BETWEEN `, value(), ' AND ', value()];
    case 3:
      return [`${name} IN (`, list(Array.from({ length: dice.between(1, 4) }, value)), ')'];
    case 4:
      return `${name} IS ${dice.pick(['', 'NOT '])}NULL`;
    case 5:
      return column.type.family === 'text'
        ? [`${name} LIKE `, { sql: dice.pick(["'a%'", "'%'", "'_'", "'%ß%'", "'a\\_b'"]) }]
        : [`NOT ${name} = `, value()];
    case 6:
      return subquery(column, reference, table, tables, dice) ?? [`${name} > `, value()];
    case 7:
      return [`COALESCE(${name}, ${name}) <= `, value()];
    default:
      return keyCondition(table, reference, dice);
  }
}

/** The part behind WHERE, with the word itself; it may be empty. */
export function randomWhere(
  table: Table,
  tables: readonly Table[],
  reference: Reference,
  dice: Dice,
): Condition {
  if (comparable(table).length === 0 || dice.chance(0.15)) return { piece: '', volatile: false };
  if (dice.chance(0.03)) {
    return {
      piece: ` WHERE ${dice.pick(['RAND() < 0.5', 'LENGTH(UUID()) = 36', 'SYSDATE(6) > 0'])}`,
      volatile: true,
    };
  }
  const one = () => comparison(table, tables, reference, dice);
  const roll = dice.under(10);
  if (roll < 4)
    return { piece: [' WHERE ', keyCondition(table, reference, dice)], volatile: false, one: true };
  const items = roll < 7 ? [one()] : roll < 8 ? [one(), one()] : [['(', one(), ' OR ', one(), ')']];
  return { piece: { before: ' WHERE ', items, separator: ' AND ', least: 0 }, volatile: false };
}

/**
 * ORDER BY and LIMIT; without an order by key, which rows a LIMIT chooses is left to the server. So is which of equal rows
 * comes first: MariaDB gives the rows of one INSERT ... SELECT ... ORDER BY now in one order and now in another, and the
 * first that cannot be stored is the one that the error is about.
 */
export function randomOrder(table: Table, reference: Reference, dice: Dice): Condition {
  const byKey = table.key.map(reference).join(', ');
  switch (dice.under(12)) {
    case 0:
      return { piece: ` ORDER BY ${byKey} LIMIT ${dice.between(1, 3)}`, volatile: false };
    case 1:
      return {
        piece: ` ORDER BY ${reference(dice.pick(table.columns).name)} DESC, ${byKey}`,
        volatile: false,
      };
    case 2:
      return {
        piece: ` ORDER BY ${reference(dice.pick(table.columns).name)} LIMIT ${dice.between(1, 3)}`,
        volatile: true,
      };
    case 3:
      return dice.chance(0.5)
        ? { piece: ` LIMIT ${dice.between(1, 3)}`, volatile: true }
        : { piece: '', volatile: false };
    case 4:
      return { piece: ` ORDER BY ${byKey} DESC LIMIT 1`, volatile: false };
    default:
      return { piece: '', volatile: false };
  }
}

/**
 * The order for a statement whose rows may meet one another: which of them come first, and so which are kept or named in
 * the error, is else a matter of the index that the server chooses to read them by.
 */
export function fixedOrder(
  order: Condition,
  where: Condition,
  table: Table,
  reference: Reference,
): Condition {
  if (order.piece !== '' || where.one === true) return order;
  return { piece: ` ORDER BY ${table.key.map(reference).join(', ')}`, volatile: false };
}
