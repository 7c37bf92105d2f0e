import type { SqlDialect } from '../executor.js';
import { keyCondition, keyIndexHint } from '../image/key-condition.js';
import { valueLiteral } from '../image/literal.js';
import type { Row } from '../image/row.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { ColumnDefinition, TableDefinition } from '../table/definition.js';
import { qualifiedName } from './ddl.js';
import type { Step } from './plan.js';

type ServerKind = SqlDialect['server'];

function literal(table: TableDefinition, column: ColumnDefinition, row: Row, server: ServerKind): string {
  return valueLiteral(column, row[table.columns.indexOf(column)] ?? null, server);
}

function insertSql(table: TableDefinition, rows: readonly Row[], server: ServerKind): string {
  const columns = table.columns.filter((column) => !column.generated);
  const values = rows.map(
    (row) => `(${columns.map((column) => literal(table, column, row, server)).join(', ')})`,
  );
  const names = columns.map((column) => quoteIdentifier(column.name)).join(', ');
  return `INSERT INTO ${qualifiedName(table.schema, table.name)} (${names}) VALUES ${values.join(', ')}`;
}

function deleteSql(table: TableDefinition, rows: readonly Row[], server: ServerKind): string {
  const name = qualifiedName(table.schema, table.name);
  // The form for several tables, because the one for a single table takes no index hint.
  return `DELETE ${name} FROM ${name} ${keyIndexHint(table)} WHERE ${keyCondition(table, rows, server)}`;
}

function updateSql(step: Extract<Step, { kind: 'update' }>, server: ServerKind): string {
  const { table, present, target, columns } = step;
  const assignments = columns.map(
    (column) => `${quoteIdentifier(column.name)} = ${literal(table, column, target, server)}`,
  );
  return (
    `UPDATE ${qualifiedName(table.schema, table.name)} ${keyIndexHint(table)} SET ${assignments.join(', ')} ` +
    `WHERE ${keyCondition(table, [present], server)}`
  );
}

/** Where a text of several updates is taken back to, of which some have run and one has failed. */
const BATCH = 'globaltx_batch';

export const TAKE_BACK = `ROLLBACK TO SAVEPOINT ${BATCH}`;

/** The statements of one batch: inserts or deletes of one table are one, updates are one each. */
export function batchStatements(batch: readonly Step[], server: ServerKind): readonly string[] {
  const step = batch[0]!;
  if (step.kind === 'update')
    return batch.flatMap((member) => (member.kind === 'update' ? updateSql(member, server) : []));
  const rows = batch.flatMap((member) => (member.kind === 'update' ? [] : [member.row]));
  return [step.kind === 'insert' ? insertSql(step.table, rows, server) : deleteSql(step.table, rows, server)];
}

/** The same as one text: all of it is taken back to a savepoint when one statement of several fails. */
export function batchSql(batch: readonly Step[], server: ServerKind): string {
  const statements = batchStatements(batch, server);
  return (statements.length > 1 ? [`SAVEPOINT ${BATCH}`, ...statements] : statements).join('; ');
}
