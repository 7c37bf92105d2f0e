import type { GlobalTxError } from '../../../protocol/errors.js';
import { reach } from '../../failpoints.js';
import type { RawResult } from '../executor.js';
import { type ImagePlan, TableChanged } from '../image/plan.js';
import { tableUnsupported } from '../table/check.js';
import type { TableDefinition } from '../table/definition.js';
import { isView, type ViewDefinition } from '../table/view.js';
import type { CaptureContext } from './capture-context.js';
import { tableOf } from './named-table.js';
import { planOf, type TableImage } from './read-image.js';

/** A view with the table that its rows are of. */
export interface ViewOfTable {
  readonly view: ViewDefinition;
  readonly base: TableDefinition;
  /** The base as the view shows it: the columns of its key under the view's names. */
  readonly face: TableDefinition;
  /** The same under its own names. */
  readonly keyed: TableDefinition;
}

const known = new WeakMap<ViewDefinition, ViewOfTable>();

/** The view's name for a column of its table. */
function shownName({ columns }: ViewDefinition, column: string): string | undefined {
  const shown = Array.from(columns).find(([, of]) => of.toLowerCase() === column.toLowerCase());
  return shown?.[0];
}

/** The columns of the table's key that the view does not show as they are. */
function missingFrom(view: ViewDefinition, { key }: TableDefinition): readonly string[] {
  return key.columns.filter((column) => shownName(view, column) === undefined);
}

function viewOf(view: ViewDefinition, base: TableDefinition): ViewOfTable {
  const last = known.get(view);
  if (last?.base === base) return last;
  const names = base.key.columns.map((column) => shownName(view, column)!);
  const columns = base.key.columns.map((column, position) => {
    const definition = base.columns.find(({ name }) => name === column)!;
    return { ...definition, position, invisible: false };
  });
  const keyed = { ...base, columns, uniques: [] };
  const face = {
    ...keyed,
    inPart: true,
    columns: columns.map((column, at) => ({ ...column, name: names[at]! })),
    key: { ...base.key, columns: names },
  };
  const made = { view, base, face, keyed };
  known.set(view, made);
  return made;
}

async function withBase(context: CaptureContext, view: ViewDefinition): Promise<ViewOfTable> {
  const base = await tableOf(context, view.base);
  const missing = base && missingFrom(view, base)[0];
  if (base !== undefined && missing === undefined) return viewOf(view, base);
  await refuseChanged(context, view);
  if (base === undefined) throw unreadable(view);
  throw tableUnsupported(
    view.schema,
    view.name,
    `view without the column \`${missing}\` of the key of ${base.schema}.${base.name}`,
    'Its rows cannot be told apart. Let it show the whole key, or use the table.',
  );
}

/** @throws TableChanged */
async function refuseChanged({ database }: CaptureContext, view: ViewDefinition): Promise<void> {
  if (await database.isCurrent(view)) return;
  throw new TableChanged(view.schema, view.name, 'it is another view');
}

/** A view may show more than the account may read: our own reads, and a rollback, go to the table itself. */
export function unreadable({ schema, name, base }: ViewDefinition): GlobalTxError {
  return tableUnsupported(
    schema,
    name,
    `view of ${base.schema}.${base.name}, which the account may not read and write by itself`,
    'A rollback needs SELECT, INSERT, UPDATE and DELETE on the table. Grant them, or leave the view out of the transaction.',
  );
}

/**
 * Does what is to be done before a statement on a view runs; when the view, or its table, was altered since its
 * definition was read, once more with the new one.
 */
export async function withView<Result>(
  context: CaptureContext,
  found: ViewDefinition,
  work: (view: ViewOfTable) => Promise<Result>,
): Promise<Result> {
  for (let view = found, again = true; ; again = false) {
    try {
      return await work(await withBase(context, view));
    } catch (error) {
      if (!(error instanceof TableChanged)) throw error;
      const { database, session } = context;
      await session.recheck?.();
      database.forgetTable(view.schema, view.name);
      database.forgetTable(view.base.schema, view.base.name);
      const reloaded = again ? await database.relation(view.schema, view.name) : undefined;
      if (reloaded === undefined || !isView(reloaded)) throw error;
      view = reloaded;
    }
  }
}

/**
 * Reads and locks rows through a view: their keys, in the view's names. Having read it the local transaction holds the
 * view's definition, and those of the views and the table below it: if they are then what is known of them, they stay so.
 * @throws TableChanged
 */
export async function readThrough(
  context: CaptureContext,
  { view, face }: ViewOfTable,
  query: (plan: ImagePlan) => string,
): Promise<TableImage> {
  const plan = planOf(face, context.session);
  reach('before', 'before-image');
  const read = await context.session.executor.query(query(plan)).catch((error: unknown) => error);
  reach('after', 'before-image');
  await refuseChanged(context, view);
  if (read instanceof Error) throw read;
  return { table: face, rows: plan.decode(read as RawResult) };
}
