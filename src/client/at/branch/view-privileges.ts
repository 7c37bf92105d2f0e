import { TableChanged } from '../image/table-changed.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { tableUnsupported } from '../table/check.js';
import { serverMessage } from '../undo/server-error.js';
import type { CaptureContext } from './capture-context.js';
import { referenceOf } from './queries.js';
import { errno, isUnknownName } from './statement-error.js';
import { unreadable, type ViewOfTable } from './view-rows.js';

/** ER_DBACCESS_DENIED, ER_TABLEACCESS_DENIED and ER_COLUMNACCESS_DENIED. */
const DENIED: ReadonlySet<unknown> = new Set([1044, 1142, 1143]);

/** A lock on a view, as of any other table, needs more than an INSERT into it. */
export function orUnlockable({ view: { schema, name } }: ViewOfTable): (error: unknown) => never {
  return (error) => {
    if (!DENIED.has(errno(error))) throw error;
    throw tableUnsupported(
      schema,
      name,
      'view that the account may write, and may not read with locks',
      'A lock keeps it from being altered before the statement runs. Grant SELECT and UPDATE on the view.',
    );
  };
}

const asked = new WeakSet<ViewOfTable>();

/**
 * A view may let the account do what it may not do by itself, and a rollback writes to the table. The server is asked
 * by EXPLAIN, which needs the privileges of what it explains and does nothing.
 * @throws GlobalTxError TABLE_UNSUPPORTED
 */
export async function refuseUnprivileged(
  { session: { executor } }: CaptureContext,
  view: ViewOfTable,
): Promise<void> {
  if (asked.has(view)) return;
  const { base } = view;
  const table = referenceOf({ schema: base.schema, name: base.name, alias: null });
  const columns = base.columns.filter(({ generated }) => !generated).map(({ name }) => quoteIdentifier(name));
  const list = columns.join(', ');
  const itself = columns.map((name) => `${name} = ${name}`).join(', ');
  try {
    await executor.query(`EXPLAIN REPLACE INTO ${table} (${list}) SELECT ${list} FROM ${table}`);
    // With sql_safe_updates all rows may not be updated, but the first of them may.
    await executor.query(`EXPLAIN UPDATE ${table} SET ${itself} LIMIT 1`);
  } catch (error) {
    // A column that was there when the definition was read.
    if (isUnknownName(error)) throw new TableChanged(base.schema, base.name, serverMessage(error));
    throw DENIED.has(errno(error)) ? unreadable(view.view) : error;
  }
  asked.add(view);
}
