import type { SqlExecutor } from '../executor.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { tableUnsupported } from './check.js';

/**
 * A temporary table hides the table of the same name, and stands in no catalogue: only its DDL tells.
 * @throws GlobalTxError TABLE_UNSUPPORTED
 */
export async function refuseTemporary(
  executor: SqlExecutor,
  { schema, name }: { readonly schema: string; readonly name: string },
): Promise<void> {
  const { rows } = await executor.query(
    `SHOW CREATE TABLE ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`,
  );
  const ddl = rows[0]?.[1]?.toString('latin1') ?? '';
  if (!/^CREATE TEMPORARY TABLE/i.test(ddl)) return;
  throw tableUnsupported(
    schema,
    name,
    'temporary table',
    'The session that would roll it back cannot see it.',
  );
}
