import type { InsertStatement } from '../sql/analysis.js';
import { checkTable } from '../table/check.js';
import type { TableDefinition } from '../table/definition.js';
import { type CaptureContext, mismatch, type RunStatement } from './capture-context.js';
import { insertedRows, rowsAlreadyThere } from './inserted-rows.js';
import type { WritePlaceholder } from './queries.js';

/** An INSERT that fails when it meets a row: its rows are found by their keys after it has run. */
export async function captureInsert(
  context: CaptureContext,
  statement: InsertStatement,
  table: TableDefinition,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<void> {
  checkTable(table, 'insert');
  const insertion = await insertedRows(context, statement, table, write);
  const there = await rowsAlreadyThere(insertion);
  const counts = await run();
  const image = await insertion.read();
  const fresh = image.rows.filter(({ identity }) => !there.has(identity));
  if (counts.matched !== fresh.length) throw mismatch('INSERT', table, fresh.length, counts.matched);
  for (const inserted of fresh) {
    const { identity, row } = inserted;
    context.touched.add(image.table, {
      identity,
      before: null,
      keyed: row,
      leaves: inserted,
      after: inserted,
    });
  }
}
