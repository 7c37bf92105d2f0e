import type { Dice } from '../simulation/dice.js';
import type { Value } from './plan.js';
import type { Column } from './schema.js';

const NULL: Value = { sql: 'NULL', bound: null };

/** The JavaScript value that binds to what the literal says; undefined where there is none. */
function boundOf(sql: string): Value['bound'] {
  const text = /^'((?:[^'\\]|'')*)'$/.exec(sql)?.[1];
  if (text !== undefined) return text.replaceAll("''", "'");
  if (/^-?\d+$/.test(sql)) return Number.isSafeInteger(Number(sql)) ? Number(sql) : BigInt(sql);
  if (/^-?\d+\.\d+$/.test(sql)) return sql;
  const bytes = /^X'((?:[0-9a-f]{2})*)'$/i.exec(sql)?.[1];
  if (bytes !== undefined) return Buffer.from(bytes, 'hex');
  return sql === 'NULL' ? null : undefined;
}

export function value(sql: string): Value {
  const bound = boundOf(sql);
  return bound === undefined ? { sql } : { sql, bound };
}

const STRANGE = ["''", "'x'", '1.5', '-1', '300', "'2020-13-45'", "'5x'", 'TRUE', "X'41'", '1e3', "'   '"];

/** Whether it is none of the column's type: text that is no number, or anything that is no moment, for one. */
export function isStrange({ type }: Column, { sql }: Value): boolean {
  return STRANGE.includes(sql) && !type.values.includes(sql);
}

/** A value for a column, now and then one that does not fit. */
export function randomValue(column: Column, dice: Dice): Value {
  if (column.nullable && dice.chance(0.12)) return NULL;
  if (dice.chance(0.03)) return dice.chance(0.3) ? NULL : value(dice.pick(STRANGE));
  return value(dice.pick(column.type.values));
}
