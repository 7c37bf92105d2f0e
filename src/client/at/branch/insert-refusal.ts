import { GlobalTxError } from '../../../protocol/errors.js';
import type { InsertStatement } from '../sql/analysis.js';
import { tableUnsupported } from '../table/check.js';
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

/** An error for an INSERT into a view: what its columns get that it does not name is not the view's to say. */
export function viewInsertRefused(
  statement: InsertStatement,
  { schema, name, base }: ViewDefinition,
): GlobalTxError {
  return tableUnsupported(
    schema,
    name,
    `view as the target of ${insertName(statement)}`,
    `Name the table ${base.schema}.${base.name} itself.`,
  );
}
