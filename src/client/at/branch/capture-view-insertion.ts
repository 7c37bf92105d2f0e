import type { InsertStatement } from '../sql/analysis.js';
import { columnBehind, type ViewDefinition } from '../table/view.js';
import type { CaptureContext, RunStatement } from './capture-context.js';
import { captureInsertion, runWithoutRows } from './capture-insertion.js';
import { viewInsertRefused } from './insert-refusal.js';
import { referenceOf, type WritePlaceholder } from './queries.js';
import { orUnlockable, refuseUnprivileged } from './view-privileges.js';
import { readThrough, withView } from './view-rows.js';

/**
 * What an INSERT into a view is to the table that the view's rows are of. Without a list of columns it gives values to all
 * that the view shows.
 * @returns undefined where it names a column that the view does not show
 * @throws GlobalTxError STATEMENT_UNSUPPORTED
 */
export function insertionOnBase(
  statement: InsertStatement,
  view: ViewDefinition,
): InsertStatement | undefined {
  if (!view.plain) throw viewInsertRefused(statement, view, 'with a column that is computed, or shown twice');
  const columns = behindAll(view, statement.columns ?? Array.from(view.columns.keys()));
  const onConflict = conflictOnBase(statement, view);
  if (columns === undefined || onConflict === undefined) return undefined;
  // MySQL takes one of them, which it does not in a table.
  if (new Set(columns).size < columns.length)
    throw viewInsertRefused(statement, view, 'that names a column twice');
  const shownAs = new Map(Array.from(view.columns, ([shown, column]) => [column.toLowerCase(), shown]));
  return { ...statement, table: { ...statement.table, ...view.base }, columns, shownAs, onConflict };
}

function conflictOnBase(
  { onConflict }: InsertStatement,
  view: ViewDefinition,
): InsertStatement['onConflict'] | undefined {
  if (onConflict.action !== 'update') return onConflict;
  const { assignments } = onConflict;
  const columns = behindAll(
    view,
    assignments.map(({ column }) => column),
  );
  return (
    columns && { ...onConflict, assignments: assignments.map(({ to }, at) => ({ column: columns[at]!, to })) }
  );
}

function behindAll({ columns }: ViewDefinition, names: readonly string[]): readonly string[] | undefined {
  const behind = names.map((name) => columnBehind(columns, name));
  return behind.every((column) => column !== undefined) ? behind : undefined;
}

/**
 * An INSERT or REPLACE into a view. Which rows of the table it adds, and meets, depends on nothing but the names of the
 * view's columns: a condition of the view hides rows from those who read it, and not from a unique index.
 */
export async function captureViewInsertion(
  context: CaptureContext,
  statement: InsertStatement,
  found: ViewDefinition,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<void> {
  const reference = referenceOf(statement.table);
  const { insertion, base } = await withView(context, found, async (view) => {
    // Locks no row, but from here on nobody alters the view.
    const held = readThrough(
      context,
      view,
      (plan) => `SELECT ${plan.selectList(reference)} FROM ${reference} LIMIT 0 FOR UPDATE`,
    );
    await held.catch(orUnlockable(view));
    const onBase = insertionOnBase(statement, view.view);
    await refuseUnprivileged(context, view);
    return { insertion: onBase, base: view.base };
  });
  if (insertion === undefined) await runWithoutRows(statement, base, run);
  else await captureInsertion(context, insertion, base, write, run);
}
