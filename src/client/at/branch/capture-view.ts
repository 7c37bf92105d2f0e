import { GlobalTxError } from '../../../protocol/errors.js';
import { KEYS_PER_QUERY, keyCondition, keyIndexHint } from '../image/key-condition.js';
import type { ImageRow } from '../image/plan.js';
import { checkTable, tableUnsupported } from '../table/check.js';
import type { TableDefinition } from '../table/definition.js';
import { movedKeyColumns } from '../table/generated.js';
import { columnBehind, type ViewDefinition } from '../table/view.js';
import type { CaptureContext, RunStatement } from './capture-context.js';
import {
  boundByKey,
  type Change,
  checkMatched,
  followCascades,
  lastWord,
  needsBinding,
  readQuery,
  touch,
} from './changed-rows.js';
import { referenceOf, type WritePlaceholder } from './queries.js';
import { planOf, type TableImage } from './read-image.js';
import { refuseUnprivileged } from './view-privileges.js';
import { readThrough, type ViewOfTable, withView } from './view-rows.js';

/** What a statement on a view is to the table that the view's rows are of. */
export function onBase<Statement extends Change>(statement: Statement, view: ViewDefinition): Statement {
  const table = { ...statement.table, ...view.base };
  if (statement.kind === 'delete') return { ...statement, table };
  const assigned = statement.assigned.map((name) => {
    const column = columnBehind(view.columns, name);
    if (column !== undefined) return column;
    throw new GlobalTxError(
      'STATEMENT_UNSUPPORTED',
      `The view ${view.schema}.${view.name} shows no column of its table as \`${name}\`.`,
      { construct: `UPDATE of \`${name}\` through the view \`${view.name}\`` },
    );
  });
  return { ...statement, table, assigned };
}

/**
 * What a FLOAT is equal to depends on the index that it is looked up by, and the view's own condition stays beside the
 * keys: see `boundByKey`.
 */
function refuseDoubtfulCondition({ view, base }: ViewOfTable): void {
  if (!view.conditional || base.columns.every(({ dataType }) => dataType !== 'float')) return;
  throw tableUnsupported(
    view.schema,
    view.name,
    'view with a condition over a table with a FLOAT column, in a statement that is bound to its rows',
    'Use the table, or REPEATABLE READ and a condition without LIMIT, subqueries and changing values.',
  );
}

/** ON UPDATE and generated columns change a key by themselves. */
function refuseKeyChange(table: TableDefinition, assigned: readonly string[]): void {
  const changed = movedKeyColumns(table, assigned)[0]?.name;
  if (changed === undefined) return;
  throw new GlobalTxError(
    'STATEMENT_UNSUPPORTED',
    `UPDATE changes \`${changed}\`, a column of the key of ${table.schema}.${table.name}, through a view, which is not ` +
      'supported inside a global transaction. Use the table itself.',
    { construct: `UPDATE of the key column \`${changed}\` through a view` },
  );
}

/** The rows of the table whose keys were read through the view. */
async function readBase(
  { session, observe }: CaptureContext,
  { base, keyed }: ViewOfTable,
  keys: readonly ImageRow[],
): Promise<TableImage> {
  const plan = planOf(base, session);
  const reference = referenceOf({ schema: base.schema, name: base.name, alias: null });
  const rows: ImageRow[] = [];
  for (let from = 0; from < keys.length; from += KEYS_PER_QUERY) {
    const some = keys.slice(from, from + KEYS_PER_QUERY).map(({ row }) => row);
    const condition = keyCondition(keyed, some, session.facts.dialect.server, reference);
    const result = await session.executor.query(
      `SELECT ${plan.selectList(reference)} FROM ${reference} ${keyIndexHint(base)} WHERE ${condition} FOR UPDATE`,
    );
    rows.push(...plan.decode(result));
  }
  observe?.(base, rows);
  return { table: base, rows };
}

/** All that must be known before the statement may run. */
interface ViewImages {
  readonly change: Change;
  /** The rows as the statement speaks of them. */
  readonly keys: TableImage;
  /** The rows as they are. */
  readonly image: TableImage;
}

async function readImages(
  context: CaptureContext,
  statement: Change,
  view: ViewOfTable,
  write: WritePlaceholder,
): Promise<ViewImages> {
  const reference = referenceOf(statement.table);
  const keys = await readThrough(context, view, (plan) =>
    readQuery(context, statement, plan.selectList(reference), write),
  );
  // From here on the view is known to be what its definition says.
  const change = onBase(statement, view.view);
  checkTable(view.base, change.kind);
  if (change.kind === 'update') refuseKeyChange(view.base, change.assigned);
  if (needsBinding(context, statement)) refuseDoubtfulCondition(view);
  await refuseUnprivileged(context, view);
  return { change, keys, image: await readBase(context, view, keys.rows) };
}

/**
 * An UPDATE or DELETE of one view: the keys of its rows are read and locked through the view by its own clauses, and the
 * rows by these keys, before it runs.
 */
export async function captureViewChange(
  context: CaptureContext,
  statement: Change,
  found: ViewDefinition,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<void> {
  const read = await withView(context, found, (view) => readImages(context, statement, view, write)).catch(
    lastWord(statement.kind.toUpperCase(), found, run),
  );
  if (read === 'ran') return;
  const { change, keys, image } = read;
  const cascades = await followCascades(context, change, image);
  const bound = needsBinding(context, statement)
    ? boundByKey(context, statement, keys, image.table)
    : undefined;
  const { matched } = await run(bound);
  if (matched === 0) return;
  checkMatched(change, image, matched);
  touch(context, change, image.table, image.rows);
  await cascades.afterUpdate([]);
}
