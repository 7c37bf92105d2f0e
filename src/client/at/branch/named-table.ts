import { GlobalTxError } from '../../../protocol/errors.js';
import type { TableName } from '../sql/analysis.js';
import type { TableDefinition } from '../table/definition.js';
import type { CaptureContext, RunStatement } from './capture-context.js';

/**
 * The table that a statement names, in the session's default schema unless it names another.
 * @returns undefined when other sessions see no such table
 * @throws GlobalTxError NO_DATABASE, TABLE_UNSUPPORTED
 */
export async function tableOf(
  { session, database }: Pick<CaptureContext, 'session' | 'database'>,
  name: Pick<TableName, 'schema' | 'name'>,
): Promise<TableDefinition | undefined> {
  const schema = name.schema ?? session.facts.schema;
  if (schema === null) {
    throw new GlobalTxError(
      'NO_DATABASE',
      `No database is selected for table ${name.name}. Name one in the connection's options or in the statement.`,
      { construct: name.name },
    );
  }
  const table = await database.table(schema, name.name);
  if (table !== undefined) await session.refuseHidden?.(table);
  return table;
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
