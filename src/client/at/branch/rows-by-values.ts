import type { ConflictQuery } from '../image/conflicts.js';
import type { InsertStatement } from '../sql/analysis.js';
import type { TableDefinition } from '../table/definition.js';
import { type CaptureContext, mismatch } from './capture-context.js';
import { type ConflictingRows, readByIndex } from './conflicting-rows.js';
import { insertName } from './insert-refusal.js';
import type { InsertedRows } from './inserted-rows.js';
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
  const differ = new Set(only.conditions).size === only.conditions.length;
  if (!differ) return undefined;
  const read = async (): Promise<TableImage> => {
    const image = await readByIndex(context, table, only);
    const count = statement.rows.length;
    // Two of them may be one under the collation.
    if (image.rows.length !== count)
      throw mismatch(insertName(statement), image.table, image.rows.length, count);
    return image;
  };
  return { generated: true, exact: true, read };
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
