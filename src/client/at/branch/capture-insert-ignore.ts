import { conflictQueries } from '../image/conflicts.js';
import type { InsertStatement } from '../sql/analysis.js';
import { checkTable } from '../table/check.js';
import type { TableDefinition } from '../table/definition.js';
import { type CaptureContext, mismatch, type RunStatement } from './capture-context.js';
import { type ConflictingRows, conflictingRows } from './conflicting-rows.js';
import { insertName } from './insert-refusal.js';
import {
  identitiesOf,
  insertedRows,
  type KeyedRows,
  rowsAlreadyThere,
  valueWriter,
} from './inserted-rows.js';
import type { WritePlaceholder } from './queries.js';
import type { TableImage } from './read-image.js';

/**
 * INSERT IGNORE: leaves out the rows that meet others. Those others are touched all the same: while it is
 * undecided whether they stay, nobody may rely on them.
 */
export async function captureInsertIgnore(
  context: CaptureContext,
  statement: InsertStatement,
  table: TableDefinition,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<void> {
  checkTable(table, 'insert');
  const inserted = await insertedRows(context, statement, table, write);
  if (statement.rows.length === 1) return one(context, statement, table, write, run, inserted);
  const met = await conflictingRows(context, statement, table, write);
  const weak = context.session.facts.weakIsolation;
  const there =
    weak && inserted.generated ? identitiesOf(await inserted.read()) : await rowsAlreadyThere(inserted);
  const { matched } = await run();
  touchMet(context, met);
  for (const { identity } of met.rows) there.add(identity);
  await touchInserted(context, statement, there, inserted, matched);
}

/** The count tells whether a lone row was inserted, so nothing is read before: no gap is locked. */
async function one(
  context: CaptureContext,
  statement: InsertStatement,
  table: TableDefinition,
  write: WritePlaceholder,
  run: RunStatement,
  inserted: KeyedRows,
): Promise<void> {
  const there = await rowsAlreadyThere(inserted);
  const { matched } = await run();
  if (matched > 0) {
    await touchInserted(context, statement, there, inserted, matched);
  } else if ('queries' in conflictQueries(table, statement, context.session.facts, valueWriter(write))) {
    touchMet(context, await conflictingRows(context, statement, table, write));
  }
}

function touchMet(context: CaptureContext, { table, rows }: Pick<ConflictingRows, 'table' | 'rows'>): void {
  for (const image of rows) {
    context.touched.add(table, { identity: image.identity, before: image, keyed: image.row });
  }
}

/**
 * Of the rows that have the given keys now, those that had them before were left as they are. Where none of the rows
 * is inserted for which the server makes keys, LAST_INSERT_ID() is that of an earlier statement, and finds rows that
 * are none of these. They are too many then: all found rows are new, or those with given keys are, because nobody can
 * have added one of these since they were looked for. Under READ COMMITTED somebody can, but reading what an earlier
 * LAST_INSERT_ID() finds locks no gap there, so it was done before.
 */
async function touchInserted(
  context: CaptureContext,
  statement: InsertStatement,
  before: ReadonlySet<string>,
  inserted: KeyedRows,
  count: number,
): Promise<void> {
  // The keys that the server made would be those of an earlier statement.
  if (count === 0) return;
  const freshOf = async (image: Promise<TableImage>) => {
    const { table, rows } = await image;
    return { table, rows: rows.filter(({ identity }) => !before.has(identity)) };
  };
  const found = await freshOf(inserted.read());
  const stale = inserted.generated && found.rows.length > count && !context.session.facts.weakIsolation;
  const { table, rows: fresh } = stale ? await freshOf(inserted.readGiven()) : found;
  if (fresh.length !== count) throw mismatch(insertName(statement), table, fresh.length, count);
  for (const { identity, row } of fresh) context.touched.add(table, { identity, before: null, keyed: row });
}
