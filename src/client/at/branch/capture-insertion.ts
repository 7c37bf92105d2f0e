import type { InsertStatement } from '../sql/analysis.js';
import { checkTable } from '../table/check.js';
import type { TableDefinition } from '../table/definition.js';
import { type CaptureContext, mismatch, type RunStatement } from './capture-context.js';
import { captureInsert } from './capture-insert.js';
import { captureInsertIgnore } from './capture-insert-ignore.js';
import { captureUpsert } from './capture-upsert.js';
import { insertName } from './insert-refusal.js';
import { knownRows } from './known-rows.js';
import type { WritePlaceholder } from './queries.js';

function captureOf({ onConflict }: InsertStatement): typeof captureInsert {
  switch (onConflict.action) {
    case 'fail':
      return captureInsert;
    case 'skip':
      return captureInsertIgnore;
    case 'replace':
    case 'update':
      return captureUpsert;
  }
}

/** An INSERT or REPLACE, wherever its rows come from. */
export async function captureInsertion(
  context: CaptureContext,
  statement: InsertStatement,
  table: TableDefinition,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<void> {
  checkTable(table, 'insert');
  const known = await knownRows(context, statement, table, write, run);
  if (known !== undefined && known.statement.rows.length > 0) {
    // Nothing travels with another text than that of the application: it may have to be prepared first.
    const ways = known.run === run ? context : { ...context, behind: undefined };
    return captureOf(statement)(ways, known.statement, table, write, known.run);
  }
  await runWithoutRows(statement, table, known?.run ?? run);
}

/** Runs a statement that either inserts nothing, or of which the server says in its own words why not. */
export async function runWithoutRows(
  statement: InsertStatement,
  table: Pick<TableDefinition, 'schema' | 'name'>,
  run: RunStatement,
): Promise<void> {
  const { matched } = await run();
  if (matched > 0) throw mismatch(insertName(statement), table, 0, matched);
}
