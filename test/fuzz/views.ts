import type { Dice } from '../simulation/dice.js';
import { FURTHER } from './further-statements.js';
import { quote, type ViewPlan, viewToken } from './plan.js';
import type { Column, Table } from './schema.js';
import type { Maker } from './statements.js';

export interface View {
  readonly plan: ViewPlan;
  /** The table as statements see it that go through the view. */
  readonly table: Table;
}

const OF_TABLES_ALONE: ReadonlySet<Maker> = new Set(
  ['update-join', 'delete-join', 'change-key', 'change-key-join'].map((name) => FURTHER[name]![1]),
);

/** A view is refused in a join, and so is a change of a key through it. */
export function goesThroughView(maker: Maker): boolean {
  return !OF_TABLES_ALONE.has(maker);
}

/** The columns of the key, and most others; those without a default can hardly be left out. */
function shownColumns({ columns, key }: Table, dice: Dice): readonly Column[] {
  return columns.filter(
    ({ name, hasDefault }) => key.includes(name) || (!hasDefault && dice.chance(0.95)) || dice.chance(0.75),
  );
}

/** Which of a table's rows it shows. What a FLOAT is equal to is a matter of the index, so it is refused where it counts. */
function condition({ columns }: Table, dice: Dice): string {
  const [column] = columns.filter(({ type }) => type.family === 'integer');
  if (column === undefined || columns.some(({ type }) => type.sql.startsWith('FLOAT')) || dice.chance(0.6))
    return '';
  const check = dice.chance(0.5) ? ' WITH CHECK OPTION' : '';
  return ` WHERE ${column.name} ${dice.pick(['IS NULL OR', '> 5 OR'])} ${column.name} < 100${check}`;
}

/** Other names, or one another's. */
function namesOf(shown: readonly Column[], dice: Dice): readonly string[] {
  const own = shown.map(({ name }) => name);
  switch (dice.under(3)) {
    case 0:
      return own;
    case 1:
      return own.toReversed();
    default:
      return own.map((_, at) => quote(`n${at}`));
  }
}

function makeView(number: number, table: Table, dice: Dice): View {
  const kept = shownColumns(table, dice);
  const shown = dice.chance(0.5) ? kept.toReversed() : kept;
  const names = namesOf(shown, dice);
  const named = new Map(shown.map(({ name }, at) => [name, names[at]!]));
  const uniques = table.uniques.filter((unique) => unique.every((name) => named.has(name)));
  return {
    plan: {
      table: table.number,
      columns: shown.map(({ name }, at) => [names[at]!, name]),
      rest: condition(table, dice),
    },
    table: {
      ...table,
      token: viewToken(number),
      columns: shown.map((column, at) => ({ ...column, name: names[at]!, invisible: false })),
      key: table.key.map((name) => named.get(name)!),
      uniques: uniques.map((unique) => unique.map((name) => named.get(name)!)),
    },
  };
}

/** A view of some of the tables. */
export function makeViews(tables: readonly Table[], dice: Dice): readonly View[] {
  return tables.filter(() => dice.chance(0.4)).map((table, number) => makeView(number, table, dice));
}
