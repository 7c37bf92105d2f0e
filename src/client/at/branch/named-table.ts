import { GlobalTxError } from '../../../protocol/errors.js';
import type { TableName } from '../sql/analysis.js';
import type { TableDefinition } from '../table/definition.js';
import type { CaptureContext, RunStatement } from './capture-context.js';
import type { BranchSession, Soon } from './database.js';

/**
 * The table that a statement names, in the session's default schema unless it names another.
 * @returns undefined when other sessions see no such table
 * @throws GlobalTxError NO_DATABASE, TABLE_UNSUPPORTED
 */
export function tableOf(
  { session, database }: Pick<CaptureContext, 'session' | 'database'>,
  name: Pick<TableName, 'schema' | 'name'>,
): Soon<TableDefinition | undefined> {
  const schema = name.schema ?? session.facts.schema;
  if (schema === null) {
    throw new GlobalTxError(
      'NO_DATABASE',
      `No database is selected for table ${name.name}. Name one in the connection's options or in the statement.`,
      { construct: name.name },
    );
  }
  const table = database.table(schema, name.name);
  return table instanceof Promise ? table.then((loaded) => seenBy(session, loaded)) : seenBy(session, table);
}

function seenBy(
  session: BranchSession,
  table: TableDefinition | undefined,
): Soon<TableDefinition | undefined> {
  const looked = table && session.refuseHidden?.(table);
  return looked === undefined ? table : looked.then(() => table);
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
