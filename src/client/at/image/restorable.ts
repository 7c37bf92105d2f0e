import type { ColumnDefinition, TableDefinition } from '../table/definition.js';
import { unwritable } from './literal.js';
import type { RowChange } from './row.js';
import { changedColumns } from './row-equality.js';

/** The columns that a rollback of the change would have to write. */
function writtenColumns(table: TableDefinition, { before, after }: RowChange): readonly ColumnDefinition[] {
  if (before === null) return [];
  const changed = after === null ? undefined : new Set(changedColumns(before, after));
  return table.columns.filter((column) => !column.generated && (changed?.has(column.position) ?? true));
}

/**
 * Why a change could not be rolled back exactly, in words of SQL; undefined when it can. To be asked before the
 * local commit: afterwards nothing is left but to tell a person.
 */
export function unrestorable(table: TableDefinition, change: RowChange): string | undefined {
  for (const column of writtenColumns(table, change)) {
    const construct = unwritable(column, change.before?.[column.position] ?? null);
    if (construct !== undefined) return construct;
  }
  return undefined;
}
