import { reach } from '../../failpoints.js';
import type { RawResult } from '../executor.js';
import { keyCondition } from '../image/key-condition.js';
import type { ImageRow } from '../image/plan.js';
import type { JoinedDeleteStatement, JoinedUpdateStatement } from '../sql/analysis.js';
import type { CaptureContext } from './capture-context.js';
import type { BaseTable } from './joined-targets.js';
import { joinedTuplesQuery, keyReference, referenceOf, type WritePlaceholder } from './queries.js';
import { planOf } from './read-image.js';

/** What a join found: for each of its tables the row, or null where an outer join has none. */
export type Tuple = readonly (ImageRow | null)[];

/**
 * Reads and locks what the statement's join finds, all of its tables at once: where its condition changes by itself, two
 * readings would be of different rows.
 * @throws TableChanged
 */
export async function readTuples(
  context: CaptureContext,
  statement: JoinedUpdateStatement | JoinedDeleteStatement,
  tables: readonly BaseTable[],
  write: WritePlaceholder,
): Promise<readonly Tuple[]> {
  const sources = tables.map(({ named, table }) => ({
    reference: referenceOf(named),
    table,
    plan: planOf(table, context.session),
  }));
  const present = sources.map(({ table, reference }) => `${keyReference(table, reference)} IS NOT NULL`);
  const lists = sources.map(({ plan, reference }) => plan.selectList(reference));
  reach('before', 'before-image');
  const result = await context.session.executor.query(
    joinedTuplesQuery(statement, [...present, ...lists].join(','), write),
  );
  reach('after', 'before-image');
  const columns: (readonly (ImageRow | null)[])[] = [];
  let from = sources.length;
  for (const [at, { plan, table }] of sources.entries()) {
    const to = at === sources.length - 1 ? result.fields.length : from + plan.width;
    const there = result.rows.map((row) => row[at]?.toString('latin1') === '1');
    const rows = plan.decode(part(result, from, to, there), { optional: tables[at]!.named.optional });
    context.observe?.(table, rows);
    let next = 0;
    columns.push(there.map((is) => (is ? rows[next++]! : null)));
    from = to;
  }
  return result.rows.map((_, row) => columns.map((column) => column[row]!));
}

function part(
  { fields, rows, ...rest }: RawResult,
  from: number,
  to: number,
  there: readonly boolean[],
): RawResult {
  return {
    ...rest,
    fields: fields.slice(from, to),
    rows: rows.filter((_, at) => there[at]).map((row) => row.slice(from, to)),
  };
}

/** That the join finds these tuples and no others. Where an outer join has no row there is no key. */
export function tuplesCondition(
  { session }: CaptureContext,
  tables: readonly BaseTable[],
  tuples: readonly Tuple[],
): string {
  const { server } = session.facts.dialect;
  if (tuples.length === 0) return 'FALSE';
  return tuples
    .map((tuple) => {
      const parts = tables.map(({ named, table }, at) => {
        const row = tuple[at] ?? null;
        const reference = referenceOf(named);
        // `IS NULL` would also find the zero date.
        return row === null
          ? `${keyReference(table, reference)} <=> NULL`
          : keyCondition(table, [row.row], server, reference, true);
      });
      return `(${parts.join(' AND ')})`;
    })
    .join(' OR ');
}
