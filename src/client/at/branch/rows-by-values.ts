import type { ConflictQuery } from '../image/conflicts.js';
import { KEYS_PER_QUERY } from '../image/key-condition.js';
import type { InsertStatement } from '../sql/analysis.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { TableDefinition } from '../table/definition.js';
import { type CaptureContext, mismatch } from './capture-context.js';
import { type ConflictingRows, readByIndex } from './conflicting-rows.js';
import { insertName } from './insert-refusal.js';
import type { InsertedRows } from './inserted-rows.js';
import { referenceOf } from './queries.js';
import type { TableImage } from './read-image.js';

/**
 * The rows of an INSERT ... ON DUPLICATE KEY UPDATE of which some are there already and others get their key from the
 * server: LAST_INSERT_ID() does not say which. Afterwards each is found by its values in the one unique index under
 * which they can meet others.
 * @returns undefined where they could not be found so
 */
export function rowsByValues(
  context: CaptureContext,
  statement: InsertStatement,
  { table, only }: ConflictingRows,
): InsertedRows | undefined {
  if (only === null || !staysInIndex(statement, table, only)) return undefined;
  const read = async (): Promise<TableImage> => {
    const image = await readByIndex(context, table, only);
    const count = statement.rows.length;
    // Two of them may be one, under the collation or to the letter.
    const fewer = image.rows.length < count && (await findsAll(context, table, only));
    if (image.rows.length !== count && !fewer)
      throw mismatch(insertName(statement), image.table, image.rows.length, count);
    return image;
  };
  return { generated: true, exact: true, read };
}

/** Whether a row has each of the values, so that none of the new rows is missed where they are fewer. */
async function findsAll(
  { session }: CaptureContext,
  { schema, name }: TableDefinition,
  { index, conditions }: ConflictQuery,
): Promise<boolean> {
  const source = `${referenceOf({ schema, name, alias: null })} FORCE INDEX (${quoteIdentifier(index.name)})`;
  for (let from = 0; from < conditions.length; from += KEYS_PER_QUERY) {
    const some = conditions.slice(from, from + KEYS_PER_QUERY);
    const found = some.map((condition) => `COALESCE(MAX(${condition}),0)`).join('+');
    const { rows } = await session.executor.query(
      `SELECT 1 FROM ${source} WHERE ${some.join(' OR ')} HAVING ${found}=${some.length} FOR UPDATE`,
    );
    if (rows.length === 0) return false;
  }
  return true;
}

/** Whether every row, inserted or updated, has afterwards the values in the index that its new row has. */
function staysInIndex(
  { onConflict }: InsertStatement,
  table: TableDefinition,
  { index }: ConflictQuery,
): boolean {
  if (onConflict.action !== 'update') return false;
  const inIndex = (name: string) => index.columns.some((each) => each.toLowerCase() === name.toLowerCase());
  if (table.columns.some((column) => inIndex(column.name) && column.updatesItself)) return false;
  return onConflict.assignments.every(({ column, to }) => !inIndex(column) || to !== 'other');
}
