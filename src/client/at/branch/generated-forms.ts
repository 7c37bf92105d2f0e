import { valueLiteral } from '../image/literal.js';
import type { ColumnValue } from '../image/row.js';
import { storedForms } from '../image/stored-forms.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { type ColumnFamily, columnFamily } from '../table/column-family.js';
import type { ColumnDefinition, TableDefinition } from '../table/definition.js';
import { basesOf } from '../table/generated.js';
import type { CaptureContext } from './capture-context.js';
import { probe } from './probe.js';
import { referenceOf } from './queries.js';

/** Families whose values stay what they are in a query beside a column of theirs. */
const TYPED: ReadonlySet<ColumnFamily | undefined> = new Set([
  'integer',
  'decimal',
  'float',
  'text',
  'bytes',
  'date',
  'year',
]);
/** Of a row whose other values may have several forms each. */
const MOST_COMBINATIONS = 16;
const ROWS_PER_QUERY = 100;

/** All that a column may hold; NULL among others. */
export type Forms = readonly ColumnValue[];

/**
 * What a generated column may hold in rows that are not there yet, by its own expression.
 * @param rows of each row the forms of every base column, in the order of `basesOf`
 * @returns undefined where that cannot be told
 */
export async function generatedForms(
  context: Pick<CaptureContext, 'session'>,
  table: TableDefinition,
  column: ColumnDefinition,
  rows: readonly (readonly Forms[])[],
): Promise<readonly Forms[] | undefined> {
  const bases = basesOf(table, column);
  const reader = storedForms(column);
  const known = bases.every((base) => TYPED.has(columnFamily(base)) && !base.generated);
  if (reader === undefined || column.generation === null || !known || bases.length === 0) return undefined;
  const combined = rows.map(combinations);
  if (combined.some((all) => all.length === 0 || all.length > MOST_COMBINATIONS)) return undefined;
  const { server } = context.session.facts.dialect;
  const names = bases.map(({ name }) => quoteIdentifier(name));
  const source = referenceOf({ schema: table.schema, name: table.name, alias: null });
  const expression = `(${column.generation})`;
  const flat = combined.flat();
  const forms: Forms[] = [];
  for (let from = 0; from < flat.length; from += ROWS_PER_QUERY) {
    const literals = flat
      .slice(from, from + ROWS_PER_QUERY)
      .map((values) => bases.map((base, at) => valueLiteral(base, values[at] ?? null, server)).join(','));
    const typed = `SELECT ${names.join(',')} FROM ${source} WHERE FALSE`;
    const answers = await probe(
      context,
      [`${expression} IS NULL`, ...reader.probes(expression)],
      `FROM (${[typed, ...literals.map((each) => `SELECT ${each}`)].join(' UNION ALL ')}) AS globaltx_row`,
    );
    if (answers.length !== literals.length) return undefined;
    for (const [isNull, ...own] of answers)
      forms.push(isNull === '1' ? [null] : reader.forms(own, expression));
  }
  if (forms.some((all) => all.length === 0)) return undefined;
  let at = 0;
  return combined.map((all) => {
    at += all.length;
    return distinct(forms.slice(at - all.length, at).flat());
  });
}

function distinct(forms: Forms): Forms {
  return forms.filter((form, at) => Buffer.isBuffer(form) || forms.indexOf(form) === at);
}

/** Every choice of one form for each of the columns. */
function combinations(columns: readonly Forms[]): readonly Forms[] {
  return columns.reduce<readonly Forms[]>(
    (all, forms) => all.flatMap((chosen) => forms.map((form) => [...chosen, form])),
    [[]],
  );
}
