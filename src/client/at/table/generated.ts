import { quoteIdentifier } from '../sql/identifier.js';
import type { ColumnDefinition, TableDefinition } from './definition.js';

/** The columns that a generated column is or may be computed from; none for any other column. */
export function basesOf(
  { columns }: Pick<TableDefinition, 'columns'>,
  { generated, generation }: Pick<ColumnDefinition, 'generated' | 'generation'>,
): readonly ColumnDefinition[] {
  if (!generated) return [];
  if (generation === null) return columns.filter((column) => !column.generated);
  const text = generation.toLowerCase();
  return columns.filter(({ name }) => text.includes(quoteIdentifier(name).toLowerCase()));
}

/** The columns of a table's key to which an UPDATE that assigns some columns may give other values. */
export function movedKeyColumns(
  table: Pick<TableDefinition, 'columns' | 'key'>,
  assigned: readonly string[],
): readonly ColumnDefinition[] {
  const names = new Set(assigned.map((name) => name.toLowerCase()));
  const changes = (column: ColumnDefinition): boolean =>
    column.updatesItself ||
    names.has(column.name.toLowerCase()) ||
    basesOf(table, column).some((base) => base !== column && changes(base));
  return table.columns.filter((column) => table.key.columns.includes(column.name) && changes(column));
}
