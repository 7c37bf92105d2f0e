import { GlobalTxError } from '../../../protocol/errors.js';
import type { TableName } from '../sql/analysis.js';
import type { TableDefinition } from '../table/definition.js';
import type { Relation } from '../table/view.js';
import type { CaptureContext, RunStatement } from './capture-context.js';
import type { BranchSession, Soon } from './database.js';

type Names = Pick<TableName, 'schema' | 'name'>;
type Context = Pick<CaptureContext, 'session' | 'database'>;

/**
 * The table that a statement names, in the session's default schema unless it names another.
 * @returns undefined when other sessions see no such table
 * @throws GlobalTxError NO_DATABASE, TABLE_UNSUPPORTED, also for a view
 */
export function tableOf(context: Context, name: Names): Soon<TableDefinition | undefined> {
  const table = context.database.table(schemaOf(context, name), name.name);
  return seen(context.session, table);
}

/** The table or view that a statement names: see `tableOf`. */
export function relationOf(context: Context, name: Names): Soon<Relation | undefined> {
  const relation = context.database.relation(schemaOf(context, name), name.name);
  return seen(context.session, relation);
}

function schemaOf({ session }: Context, name: Names): string {
  const schema = name.schema ?? session.facts.schema;
  if (schema === null) {
    throw new GlobalTxError(
      'NO_DATABASE',
      `No database is selected for table ${name.name}. Name one in the connection's options or in the statement.`,
      { construct: name.name },
    );
  }
  return schema;
}

function seen<Found extends Relation>(
  session: BranchSession,
  found: Soon<Found | undefined>,
): Soon<Found | undefined> {
  return found instanceof Promise ? found.then((loaded) => seenBy(session, loaded)) : seenBy(session, found);
}

function seenBy<Found extends Relation>(
  session: BranchSession,
  found: Found | undefined,
): Soon<Found | undefined> {
  const looked = found && session.refuseHidden?.(found);
  return looked === undefined ? found : looked.then(() => found);
}

/**
 * Runs a statement one of whose tables is not there: it fails by itself, with the server's own words; if it
 * does not, there is a table that other sessions cannot see.
 */
export async function runWithoutTable(name: string, run: RunStatement): Promise<never> {
  await run();
  throw new GlobalTxError(
    'TABLE_UNSUPPORTED',
    `Table ${name} is a temporary table: it cannot be rolled back from another session. ` +
      'Use it outside of the global transaction.',
    { construct: 'temporary table' },
  );
}
