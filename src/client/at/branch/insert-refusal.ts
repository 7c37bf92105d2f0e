import { GlobalTxError } from '../../../protocol/errors.js';
import type { InsertStatement } from '../sql/analysis.js';
import type { TableDefinition } from '../table/definition.js';
import type { ViewDefinition } from '../table/view.js';

/** The statement as its construct is named. */
export function insertName({ onConflict }: InsertStatement): string {
  switch (onConflict.action) {
    case 'fail':
      return 'INSERT';
    case 'skip':
      return 'INSERT IGNORE';
    case 'replace':
      return 'REPLACE';
    case 'update':
      return 'INSERT ... ON DUPLICATE KEY UPDATE';
  }
}

/** An error for an INSERT whose rows could not be found again; nothing has been written. */
export function insertRefused(
  statement: InsertStatement,
  table: TableDefinition,
  reason: string,
): GlobalTxError {
  const name = insertName(statement);
  return new GlobalTxError(
    'STATEMENT_UNSUPPORTED',
    `${name} into ${table.schema}.${table.name} is not supported inside a global transaction: ${reason}.`,
    { construct: statement.onConflict.action === 'fail' ? reason : `${name}: ${reason}` },
  );
}

/** An error for an INSERT into a view that is not for certain one into its table. */
export function viewInsertRefused(
  statement: InsertStatement,
  { schema, name, base }: ViewDefinition,
  reason: string,
): GlobalTxError {
  const into = `${insertName(statement)} into a view`;
  return new GlobalTxError(
    'STATEMENT_UNSUPPORTED',
    `${into} (${schema}.${name}) ${reason} is not supported inside a global transaction. ` +
      `Name the table ${base.schema}.${base.name} itself.`,
    { construct: `${into} ${reason}` },
  );
}
