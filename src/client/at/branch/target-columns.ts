import { listedColumns } from '../image/inserted.js';
import type { InsertStatement } from '../sql/analysis.js';
import type { ColumnDefinition, TableDefinition } from '../table/definition.js';

/** The columns that a row of the INSERT gives values for; undefined where the table has not all of them. */
export function targetsOf(
  table: TableDefinition,
  columns: InsertStatement['columns'],
): readonly ColumnDefinition[] | undefined {
  const targets = listedColumns(table, columns).map((name) =>
    table.columns.find((column) => column.name.toLowerCase() === name),
  );
  const found = targets.filter((column) => column !== undefined);
  return found.length === targets.length && found.length > 0 ? found : undefined;
}
