import { GlobalTxError } from '../../../protocol/errors.js';
import type { SqlDialect, SqlExecutor } from '../executor.js';
import { keyCondition } from '../image/key-condition.js';
import { changedColumns } from '../image/row-equality.js';
import type { Cascade, TableDefinition } from '../table/definition.js';
import { textLiteral } from '../table/information-schema.js';
import { referenceJoin } from '../table/reference-join.js';
import { qualifiedName } from './ddl.js';
import type { Step } from './plan.js';

/** Whether the server would change rows of the foreign key's own table along with the step. */
function reaches(cascade: Cascade, step: Step): boolean {
  switch (step.kind) {
    case 'insert':
      return false;
    case 'delete':
      return cascade.onDelete !== null;
    case 'update': {
      const changed = changedColumns(step.present, step.target).map((at) => step.table.columns[at]?.name);
      return cascade.onUpdate !== null && cascade.columns.some((name) => changed.includes(name));
    }
  }
}

/** Pairs of a column of the foreign key's own table and the one that it refers to. */
async function columnPairs(executor: SqlExecutor, table: TableDefinition, cascade: Cascade) {
  const { rows } = await executor.query(
    'SELECT COLUMN_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE ' +
      `WHERE TABLE_SCHEMA = ${textLiteral(cascade.childSchema)} AND TABLE_NAME = ${textLiteral(cascade.childTable)} ` +
      `AND CONSTRAINT_NAME = ${textLiteral(cascade.name)} ` +
      `AND REFERENCED_TABLE_SCHEMA = ${textLiteral(table.schema)}`,
  );
  return rows.map(([child, parent]) => ({ child: String(child), parent: String(parent) }));
}

async function hasChildren(
  executor: SqlExecutor,
  table: TableDefinition,
  cascade: Cascade,
  condition: string,
): Promise<boolean> {
  const pairs = await columnPairs(executor, table, cascade);
  const child = qualifiedName(cascade.childSchema, cascade.childTable);
  const joined = referenceJoin(pairs, table, 'parent');
  // The parents are locked, so no child can come after this; those that are here may be on their way out.
  const { rows } = await executor.query(
    `SELECT 1 FROM ${qualifiedName(table.schema, table.name)} parent JOIN ${child} child ON ${joined} ` +
      `WHERE ${condition} LIMIT 1 FOR UPDATE`,
  );
  return rows.length > 0;
}

/**
 * A row that the branch inserted may have got children since, of someone else. A foreign key that cascades
 * would take them away with it, in silence.
 * @returns what stands in the way of the batch, if anything; another step may clear it
 */
export async function cascadeInTheWay(
  executor: SqlExecutor,
  batch: readonly Step[],
  server: SqlDialect['server'],
): Promise<GlobalTxError | undefined> {
  const { table } = batch[0]!;
  for (const cascade of table.cascades) {
    const reached = batch.filter((step) => reaches(cascade, step));
    if (reached.length === 0) continue;
    const rows = reached.map((step) => (step.kind === 'update' ? step.present : step.row));
    const condition = keyCondition(table, rows, server, 'parent');
    if (!(await hasChildren(executor, table, cascade, condition))) continue;
    return new GlobalTxError(
      'COMPENSATION_REFUSED',
      `rows of ${cascade.childSchema}.${cascade.childTable} refer to rows of ${table.schema}.${table.name} that ` +
        `must be taken away, and would be changed with them by the foreign key ${cascade.name}`,
    );
  }
  return undefined;
}
