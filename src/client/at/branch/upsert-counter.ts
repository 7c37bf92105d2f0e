import type { GlobalTxError } from '../../../protocol/errors.js';
import type { InsertStatement } from '../sql/analysis.js';
import type { TableDefinition } from '../table/definition.js';
import type { CaptureContext } from './capture-context.js';
import { isNearEnd } from './counter-end.js';
import { insertRefused } from './insert-refusal.js';
import { valueWriter } from './inserted-rows.js';
import type { WritePlaceholder } from './queries.js';
import { targetsOf } from './target-columns.js';

export function atTheEnd(statement: InsertStatement, table: TableDefinition): GlobalTxError {
  return insertRefused(
    statement,
    table,
    'a generated key that is taken: the AUTO_INCREMENT counter is at its end',
  );
}

export function wouldEnd(statement: InsertStatement, table: TableDefinition): GlobalTxError {
  return insertRefused(statement, table, 'several rows with one of the last AUTO_INCREMENT values');
}

/** Whether a row has a value for the AUTO_INCREMENT column, beside others for which it is generated. */
export function givesSomeKeys({ columns, rows }: InsertStatement, table: TableDefinition): boolean {
  const at = targetsOf(table, columns)?.findIndex(({ autoIncrement }) => autoIncrement) ?? -1;
  return (
    rows.length > 1 && rows.some((row) => at >= 0 && row[at]?.kind !== 'default' && row[at]?.kind !== 'null')
  );
}

/**
 * Whether one of several rows would leave the counter at its end: for the rows behind it, or though the statement is then
 * refused because they meet one another.
 */
export async function wouldEndCounter(
  context: CaptureContext,
  { columns, rows }: InsertStatement,
  table: TableDefinition,
  write: WritePlaceholder,
): Promise<boolean> {
  const targets = targetsOf(table, columns) ?? [];
  const at = targets.findIndex(({ autoIncrement }) => autoIncrement);
  const column = targets[at];
  if (column === undefined || rows.length === 1) return false;
  const writeValue = valueWriter(write);
  const given = rows.flatMap((row) => {
    const value = row[at];
    if (value === undefined || value.kind === 'expression') return [];
    return value.kind === 'stored' ? value.forms.map(String) : (writeValue(value) ?? []);
  });
  return isNearEnd(context, column, given, rows.length);
}
