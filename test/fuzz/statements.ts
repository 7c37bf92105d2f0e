import type { Dice } from '../simulation/dice.js';
import {
  compared,
  fixedOrder,
  keyCondition,
  type Reference,
  randomOrder,
  randomWhere,
} from './conditions.js';
import type { List, Piece, Rows, StepPlan } from './plan.js';
import { plainText } from './render.js';
import type { Column, Table } from './schema.js';
import { randomValue } from './values.js';

/** A statement without the way it is sent. */
export type Made = Pick<StepPlan, 'kind' | 'pieces' | 'volatile'>;

export interface Ground {
  readonly tables: readonly Table[];
  /** The table that the statement is about. */
  readonly table: Table;
  readonly dice: Dice;
}

type Maker = (ground: Ground) => readonly Made[];

const plainly: Reference = (column) => column;

function made(kind: string, pieces: Piece, volatile = false): Made {
  return { kind, pieces, volatile };
}

function writable(table: Table): readonly Column[] {
  return table.columns.filter(({ generated }) => !generated);
}

function insertValue(column: Column, dice: Dice): Piece {
  if (column.autoIncrement && dice.chance(0.5)) return dice.pick(['NULL', 'DEFAULT', '0']);
  if (column.hasDefault && dice.chance(0.08)) return 'DEFAULT';
  return randomValue(column, dice);
}

/** Some columns of the table, as many rows as asked for, or any number. */
export function randomRows({ table, dice }: Ground, count = dice.chance(0.6) ? 1 : dice.between(2, 4)): Rows {
  const visible = table.columns.filter(({ invisible }) => !invisible);
  if (dice.chance(0.12)) {
    const row = () => visible.map((column) => (column.generated ? 'DEFAULT' : insertValue(column, dice)));
    return { columns: null, rows: Array.from({ length: count }, row) };
  }
  const columns = writable(table).filter(
    ({ name, autoIncrement, hasDefault }) =>
      !(autoIncrement && dice.chance(0.6)) && (table.key.includes(name) || !hasDefault || dice.chance(0.75)),
  );
  return {
    columns: columns.map(({ name }) => name),
    rows: Array.from({ length: count }, () => columns.map((column) => insertValue(column, dice))),
  };
}

function insert(ground: Ground): readonly Made[] {
  const { table, dice } = ground;
  const rows = randomRows(ground);
  if (rows.columns !== null && rows.columns.length > 0 && rows.rows.length === 1 && dice.chance(0.2)) {
    const items = rows.columns.map((column, at) => [`${column} = `, rows.rows[0]![at]!]);
    return [
      made('INSERT', [`INSERT INTO ${table.token} SET `, { before: '', items, separator: ', ', least: 1 }]),
    ];
  }
  return [made('INSERT', [`INSERT INTO ${table.token} `, rows])];
}

function assignedValue(
  column: Column,
  table: Table,
  reference: Reference,
  dice: Dice,
  readsOthers: boolean,
): Piece {
  const name = reference(column.name);
  const same = table.columns.filter(({ type }) => type.family === column.type.family);
  switch (dice.under(8)) {
    case 0:
      return reference(dice.pick(same).name);
    case 1:
      switch (column.type.family) {
        case 'integer':
        case 'decimal':
        case 'float':
          return `${name} ${dice.pick(['+ 1', '- 1', '* 2', '/ 3'])}`;
        case 'text':
          return dice.pick([`CONCAT(${name}, 'x')`, `UPPER(${name})`, `LEFT(${name}, 1)`, `TRIM(${name})`]);
        case 'date':
        case 'timestamp':
          return dice.pick(['NOW(6)', `${name} + INTERVAL 1 DAY`, 'CURRENT_TIMESTAMP']);
        case 'json':
          return `JSON_SET(${name}, '$.k', 1)`;
        default:
          return name;
      }
    case 2:
      return column.hasDefault && !(readsOthers && column.losesDefaultInJoins) ? 'DEFAULT' : name;
    case 3:
      return ['IF(', reference(table.key[0]!), ' IS NULL, ', name, ', ', randomValue(column, dice), ')'];
    default:
      return randomValue(column, dice);
  }
}

/** @param where of an UPDATE of one table: what it reads beside it */
function assignments(
  table: Table,
  columns: readonly Column[],
  reference: Reference,
  dice: Dice,
  where: Piece = '',
): List {
  return assignmentsOf(table, columns, reference, dice, plainText(where).includes('(SELECT '));
}

function joinedAssignments(table: Table, columns: readonly Column[], reference: Reference, dice: Dice): List {
  return assignmentsOf(table, columns, reference, dice, true);
}

function assignmentsOf(
  table: Table,
  columns: readonly Column[],
  reference: Reference,
  dice: Dice,
  readsOthers: boolean,
): List {
  const items = columns.map((column) => [
    `${reference(column.name)} = `,
    assignedValue(column, table, reference, dice, readsOthers),
  ]);
  return { before: '', items, separator: ', ', least: 1 };
}

function plainColumns({ key, columns }: Table): readonly Column[] {
  return columns.filter(({ name, generated }) => !generated && !key.includes(name));
}

/** Whether rows that are given values in the columns may meet one another. */
function mayMeet({ uniques }: Table, columns: readonly Column[]): boolean {
  return uniques.some((unique) => columns.some(({ name }) => unique.includes(name)));
}

/** A name for the table inside the statement, now and then. */
function aliased(table: Table, dice: Dice): { readonly from: string; readonly reference: Reference } {
  const token = table.token;
  if (dice.chance(0.75)) return { from: token, reference: plainly };
  return { from: dice.pick([`${token} AS x`, `${token} x`]), reference: (column) => `x.${column}` };
}

function update({ tables, table, dice }: Ground): readonly Made[] {
  const columns = plainColumns(table);
  if (columns.length === 0) return [];
  const { from, reference } = aliased(table, dice);
  const where = randomWhere(table, tables, reference, dice);
  const random = randomOrder(table, reference, dice);
  const assigned = dice.some(columns, dice.between(1, 3));
  const set = assignments(table, assigned, reference, dice, where.piece);
  const order = mayMeet(table, assigned) ? fixedOrder(random, where, table, reference) : random;
  return [
    made('UPDATE', [`UPDATE ${from} SET `, set, where.piece, order.piece], where.volatile || order.volatile),
  ];
}

function remove({ tables, table, dice }: Ground): readonly Made[] {
  const where = randomWhere(table, tables, plainly, dice);
  const order = randomOrder(table, plainly, dice);
  return [
    made(
      'DELETE',
      [`DELETE FROM ${table.token}`, where.piece, order.piece],
      where.volatile || order.volatile,
    ),
  ];
}

function lockingRead({ tables, table, dice }: Ground): readonly Made[] {
  const { from, reference } = aliased(table, dice);
  const where = randomWhere(table, tables, reference, dice);
  // Which rows it locks can be told from its condition alone, so one that changes is an error by design.
  if (where.volatile) return [];
  const order = randomOrder(table, reference, dice);
  const lock = dice.pick([
    'FOR UPDATE',
    'FOR UPDATE',
    'LOCK IN SHARE MODE',
    'FOR UPDATE NOWAIT',
    'FOR UPDATE SKIP LOCKED',
  ]);
  return [
    made(
      'SELECT',
      [`SELECT * FROM ${from}`, where.piece, order.piece, ` ${lock}`],
      where.volatile || order.volatile,
    ),
  ];
}

/** The same row again and again: the first image alone counts. */
function sameRow({ tables, table, dice }: Ground): readonly Made[] {
  const columns = plainColumns(table);
  if (columns.length === 0) return [];
  const where: Piece = [' WHERE ', keyCondition(table, plainly, dice)];
  const token = table.token;
  return Array.from({ length: dice.between(2, 3) }, () => {
    const set = assignments(table, dice.some(columns, dice.between(1, 2)), plainly, dice);
    return made('UPDATE', [`UPDATE ${token} SET `, set, where]);
  }).concat(dice.chance(0.3) ? remove({ tables, table, dice }) : []);
}

/** A row goes and comes back, the same or another under an equal key. */
function deleteAndInsert(ground: Ground): readonly Made[] {
  const { table, dice } = ground;
  const rows = randomRows(ground, 1);
  const where: Piece[] = table.key.flatMap((name, at) => {
    const value = rows.columns === null ? undefined : rows.rows[0]![rows.columns.indexOf(name)];
    const column = table.columns.find((candidate) => candidate.name === name)!;
    const given =
      typeof value === 'object' && 'sql' in value ? value : randomValue({ ...column, nullable: false }, dice);
    return [at === 0 ? '' : ' AND ', `${name} = `, compared(column, given)];
  });
  const token = table.token;
  const out = made('DELETE', [`DELETE FROM ${token} WHERE `, where]);
  const back = made('INSERT', [`INSERT INTO ${token} `, rows]);
  return dice.chance(0.3) ? [out, back, out, back] : [out, back];
}

/** Two rows give each other their values by way of a third value. */
function swap({ table, dice }: Ground): readonly Made[] {
  const names = table.uniques.find((unique) => unique.length === 1);
  const column = table.columns.find(({ name, generated }) => name === names?.[0] && !generated);
  if (column === undefined) return [];
  const [one, two, parked] = dice.some(column.type.values, 3).map((sql) => ({ sql }));
  if (one === undefined || two === undefined || parked === undefined) return [];
  const move = (from: Piece, to: Piece) =>
    made('UPDATE', [`UPDATE ${table.token} SET ${column.name} = `, to, ` WHERE ${column.name} = `, from]);
  return [move(one, parked), move(two, one), move(parked, two)];
}

export const SUPPORTED: readonly (readonly [weight: number, Maker])[] = [
  [30, insert],
  [30, update],
  [12, remove],
  [8, lockingRead],
  [6, sameRow],
  [7, deleteAndInsert],
  [6, swap],
];

export function pickMaker(makers: readonly (readonly [weight: number, Maker])[], dice: Dice): Maker {
  let roll = dice.under(makers.reduce((sum, [weight]) => sum + weight, 0));
  const found = makers.find(([weight]) => {
    roll -= weight;
    return roll < 0;
  });
  return found![1];
}

export type { Maker };
export { assignments, joinedAssignments, mayMeet, plainColumns, plainly, writable };
