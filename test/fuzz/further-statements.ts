import { fixedOrder, randomOrder, randomWhere } from './conditions.js';
import type { Piece } from './plan.js';
import type { Table } from './schema.js';
import {
  assignments,
  type Ground,
  joinedAssignments,
  type Made,
  type Maker,
  mayMeet,
  plainColumns,
  plainly,
  randomRows,
  writable,
} from './statements.js';

function one(kind: string, pieces: Piece, volatile = false): readonly Made[] {
  return [{ kind, pieces, volatile }];
}

function insertIgnore(ground: Ground): readonly Made[] {
  return one('INSERT IGNORE', [`INSERT IGNORE INTO ${ground.table.token} `, randomRows(ground)]);
}

function onDuplicate(ground: Ground): readonly Made[] {
  const { table, dice } = ground;
  const columns = plainColumns(table);
  if (columns.length === 0) return [];
  const set = assignments(table, dice.some(columns, dice.between(1, 2)), plainly, dice);
  const rows = randomRows(ground);
  const given = rows.columns?.filter((name) => columns.some((column) => column.name === name)) ?? [];
  const update: Piece = given.length > 0 && dice.chance(0.5) ? `${given[0]} = VALUES(${given[0]})` : set;
  return one('ON DUPLICATE KEY UPDATE', [
    `INSERT INTO ${table.token} `,
    rows,
    ' ON DUPLICATE KEY UPDATE ',
    update,
  ]);
}

function replace(ground: Ground): readonly Made[] {
  return one('REPLACE', [`REPLACE INTO ${ground.table.token} `, randomRows(ground)]);
}

/**
 * Copies rows of a table into another, or into itself, column for column by their families. AUTO_INCREMENT values
 * are given: for a query the server reserves more than it needs, globaltx does not, and the next one tells.
 */
function insertSelect({ tables, table, dice }: Ground): readonly Made[] {
  const from = dice.pick(tables);
  const pairs = writable(table).flatMap((column) => {
    const same = from.columns.filter(({ type }) => type.family === column.type.family);
    return same.length > 0 ? [[column.name, dice.pick(same).name] as const] : [];
  });
  const automatic = table.columns.find(({ autoIncrement }) => autoIncrement)?.name;
  if (pairs.length === 0 || (automatic !== undefined && !pairs.some(([name]) => name === automatic)))
    return [];
  const verb = dice.pick(['INSERT', 'INSERT', 'INSERT IGNORE', 'REPLACE']);
  const where = randomWhere(from, tables, plainly, dice);
  const order = fixedOrder(randomOrder(from, plainly, dice), where, from, plainly);
  return one(
    `${verb} ... SELECT`,
    [
      `${verb} INTO ${table.token} (${pairs.map(([name]) => name).join(', ')}) `,
      `SELECT ${pairs.map(([, name]) => name).join(', ')} FROM ${from.token}`,
      where.piece,
      order.piece,
    ],
    where.volatile || order.volatile,
  );
}

function partner({
  tables,
  table,
  dice,
}: Ground): { readonly other: Table; readonly on: string } | undefined {
  const others = tables.filter((candidate) => candidate !== table);
  if (others.length === 0) return undefined;
  const other = dice.pick(others);
  const pairs = table.columns.flatMap((column) =>
    other.columns
      .filter(({ type }) => type.family === column.type.family)
      .map(({ name }) => `a.${column.name} = b.${name}`),
  );
  return { other, on: pairs.length === 0 || dice.chance(0.1) ? '1 = 1' : dice.pick(pairs) };
}

function updateJoin(ground: Ground): readonly Made[] {
  const { table, tables, dice } = ground;
  const found = partner(ground);
  const columns = plainColumns(table);
  if (found === undefined || columns.length === 0) return [];
  const { other, on } = found;
  const set = joinedAssignments(table, dice.some(columns, dice.between(1, 2)), (name) => `a.${name}`, dice);
  const where = randomWhere(table, tables, (name) => `a.${name}`, dice);
  const tokens = [table.token, other.token];
  const join = dice.chance(0.5)
    ? `UPDATE ${tokens[0]} a JOIN ${tokens[1]} b ON ${on} SET `
    : `UPDATE ${tokens[0]} a LEFT JOIN ${tokens[1]} b ON ${on} SET `;
  return one('UPDATE ... JOIN', [join, set, where.piece], where.volatile);
}

/**
 * Which rows of the one it finds may depend on what it has done to the other: a plan says, and the statement may not be kept.
 */
function updateBoth(ground: Ground): readonly Made[] {
  const { table, tables, dice } = ground;
  const found = partner(ground);
  if (found === undefined) return [];
  const { other, on } = found;
  const [own, others] = [plainColumns(table), plainColumns(other)];
  if (own.length === 0 || others.length === 0) return [];
  const where = randomWhere(table, tables, (name) => `a.${name}`, dice);
  const [a, b] = [table.token, other.token];
  const join = dice.pick(['JOIN', 'STRAIGHT_JOIN', 'LEFT JOIN']);
  return one(
    'UPDATE ... JOIN',
    [
      `UPDATE ${a} a ${join} ${b} b ON ${on} SET `,
      joinedAssignments(table, dice.some(own, dice.between(1, 2)), (name) => `a.${name}`, dice),
      ', ',
      joinedAssignments(other, dice.some(others, 1), (name) => `b.${name}`, dice),
      where.piece,
    ],
    true,
  );
}

/**
 * Whether one refers to the other: which of them a DELETE of both empties first is left to the optimizer, and whether it
 * fails for the foreign key with it.
 */
function areRelated(one: Table, other: Table): boolean {
  return one.parent?.table === other.number || other.parent?.table === one.number;
}

function deleteJoin(ground: Ground): readonly Made[] {
  const { table, tables, dice } = ground;
  const found = partner(ground);
  if (found === undefined) return [];
  const [a, b] = [table.token, found.other.token];
  const where = randomWhere(table, tables, (name) => `a.${name}`, dice);
  const head = dice.pick([
    `DELETE a FROM ${a} a JOIN ${b} b ON ${found.on}`,
    `DELETE FROM a USING ${a} a JOIN ${b} b ON ${found.on}`,
    ...(areRelated(table, found.other) ? [] : [`DELETE a, b FROM ${a} a JOIN ${b} b ON ${found.on}`]),
  ]);
  return one('multi-table DELETE', [head, where.piece], where.volatile);
}

function changeKey({ table, tables, dice }: Ground): readonly Made[] {
  const columns = table.columns.filter(({ name }) => table.key.includes(name));
  const where = randomWhere(table, tables, plainly, dice);
  const set = assignments(table, dice.some(columns, 1), plainly, dice, where.piece);
  const order = fixedOrder(randomOrder(table, plainly, dice), where, table, plainly);
  return one(
    'key-changing UPDATE',
    [`UPDATE ${table.token} SET `, set, where.piece, order.piece],
    where.volatile || order.volatile,
  );
}

/**
 * A foreign key between the two is left out: whether it is met depends on which of them is changed first. So does what of two
 * tables a DOUBLE(12,2) becomes, which MySQL rounds once more in the second.
 */
function changeKeyJoin(ground: Ground): readonly Made[] {
  const { table, tables, dice } = ground;
  const found = partner(ground);
  if (found === undefined || areRelated(table, found.other)) return [];
  const { other, on } = found;
  const keyOf = ({ columns, key }: Table) => columns.filter(({ name }) => key.includes(name));
  const own = joinedAssignments(table, dice.some(keyOf(table), 1), (name) => `a.${name}`, dice);
  const others = dice.chance(0.5) ? keyOf(other) : plainColumns(other);
  const beside: Piece =
    others.length === 0 || dice.chance(0.6)
      ? ''
      : [', ', joinedAssignments(other, dice.some(others, 1), (name) => `b.${name}`, dice)];
  const where = randomWhere(table, tables, (name) => `a.${name}`, dice);
  const [a, b] = [table.token, other.token];
  const join = dice.pick(['JOIN', 'LEFT JOIN']);
  return one(
    'key-changing UPDATE ... JOIN',
    [`UPDATE ${a} a ${join} ${b} b ON ${on} SET `, own, beside, where.piece],
    where.volatile || beside !== '',
  );
}

function updateIgnore({ table, tables, dice }: Ground): readonly Made[] {
  const columns = plainColumns(table);
  if (columns.length === 0) return [];
  const assigned = dice.some(columns, 1);
  const where = randomWhere(table, tables, plainly, dice);
  const set = assignments(table, assigned, plainly, dice, where.piece);
  const none = { piece: '', volatile: false };
  const order = mayMeet(table, assigned) ? fixedOrder(none, where, table, plainly) : none;
  return one(
    'UPDATE IGNORE',
    [`UPDATE IGNORE ${table.token} SET `, set, where.piece, order.piece],
    where.volatile,
  );
}

/** What may be refused yet; each by the name that `--further` takes. */
export const FURTHER: Readonly<Record<string, readonly [weight: number, Maker]>> = {
  'insert-ignore': [3, insertIgnore],
  'on-duplicate': [4, onDuplicate],
  replace: [4, replace],
  'insert-select': [4, insertSelect],
  'update-join': [3, updateJoin],
  'update-both': [2, updateBoth],
  'delete-join': [2, deleteJoin],
  'change-key': [3, changeKey],
  'change-key-join': [2, changeKeyJoin],
  'update-ignore': [2, updateIgnore],
};
