import type { CapturedStatement } from '../at/branch/capture.js';
import { inlineClause, type WritePlaceholder } from '../at/branch/queries.js';
import type { SqlDialect } from '../at/executor.js';
import type { ImageRow } from '../at/image/plan.js';
import type { InsertStatement, InsertValue } from '../at/sql/analysis.js';
import { quoteIdentifier } from '../at/sql/identifier.js';
import type { TableDefinition } from '../at/table/definition.js';
import { qualifiedName } from '../at/undo/ddl.js';
import { batchSteps, type Step } from '../at/undo/plan.js';
import { batchStatements } from '../at/undo/step-sql.js';

/** A table with the rows of it that were read before the statement. */
export interface ReadTable {
  readonly table: TableDefinition;
  readonly rows: readonly ImageRow[];
}

type Fate =
  | { readonly fate: 'deleted' | 'untouched' }
  | { readonly fate: 'changed'; readonly columns: readonly string[] };

function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** What a foreign key does to the rows of a table that the statement does not name. */
function cascaded(table: TableDefinition, all: readonly ReadTable[], deleting: boolean): Fate {
  const reaching = all.flatMap(({ table: parent }) =>
    parent.cascades.filter(
      ({ childSchema, childTable }) => childSchema === table.schema && childTable === table.name,
    ),
  );
  if (deleting && reaching.some(({ onDelete }) => onDelete === 'CASCADE')) return { fate: 'deleted' };
  const columns = reaching.flatMap(
    ({ name }) => table.parents.find((reference) => reference.name === name)?.columns ?? [],
  );
  return { fate: 'changed', columns };
}

function fateOf(statement: CapturedStatement, table: TableDefinition, all: readonly ReadTable[]): Fate {
  switch (statement.kind) {
    case 'lockingRead':
    case 'joinedRead':
      return { fate: 'untouched' };
    case 'update':
      if (!sameName(statement.table.name, table.name)) return cascaded(table, all, false);
      return { fate: 'changed', columns: statement.assigned };
    case 'delete':
      return sameName(statement.table.name, table.name) ? { fate: 'deleted' } : cascaded(table, all, true);
    case 'joinedUpdate': {
      const named = statement.tables.some(({ name }) => sameName(name, table.name));
      if (!named) return cascaded(table, all, false);
      return { fate: 'changed', columns: statement.assignments.map(({ column }) => column) };
    }
    case 'joinedDelete': {
      const named = statement.tables.some(({ name }) => sameName(name, table.name));
      return named ? { fate: 'deleted' } : cascaded(table, all, true);
    }
    case 'insert':
      switch (statement.onConflict.action) {
        case 'fail':
        case 'skip':
          return { fate: 'untouched' };
        case 'replace':
          return { fate: 'deleted' };
        case 'update':
          return { fate: 'changed', columns: statement.onConflict.assignments.map(({ column }) => column) };
      }
  }
}

function stepsOf({ table, rows }: ReadTable, fate: Fate): readonly Step[] {
  switch (fate.fate) {
    case 'untouched':
      return [];
    case 'deleted':
      return rows.map(({ row }) => ({ kind: 'insert', table, row }));
    case 'changed': {
      const columns = table.columns.filter(
        ({ name, generated, updatesItself }) =>
          !generated && (updatesItself || fate.columns.some((column) => sameName(column, name))),
      );
      if (columns.length === 0) return [];
      return rows.map(({ row }) => ({ kind: 'update', table, present: row, target: row, columns }));
    }
  }
}

/** What would put back the rows that were there before the statement, parents before their children. */
export function restorationSql(
  statement: CapturedStatement,
  all: readonly ReadTable[],
  server: SqlDialect['server'],
): readonly string[] {
  const steps = all.flatMap((read) => stepsOf(read, fateOf(statement, read.table, all)));
  return batchSteps(steps).flatMap((batch) => batchStatements(batch, server));
}

function given(value: InsertValue | undefined, write: WritePlaceholder): string | undefined {
  if (value === undefined) return undefined;
  if (value.kind === 'placeholder') return write(value.index);
  return value.kind === 'literal' ? inlineClause(value.expression, write).trim() : undefined;
}

/**
 * What would take away the rows that an INSERT gives with their keys.
 * @returns undefined in place of a row whose key only the server can say
 */
export function removalSql(
  statement: InsertStatement,
  table: TableDefinition,
  write: WritePlaceholder,
): readonly (string | undefined)[] {
  const columns =
    statement.columns ?? table.columns.filter(({ invisible }) => !invisible).map(({ name }) => name);
  return statement.rows.map((row) => {
    const parts = table.key.columns.map((key) => {
      const value = given(row[columns.findIndex((column) => sameName(column, key))], write);
      return value === undefined ? undefined : `${quoteIdentifier(key)} = ${value}`;
    });
    if (parts.some((part) => part === undefined)) return undefined;
    return `DELETE FROM ${qualifiedName(table.schema, table.name)} WHERE ${parts.join(' AND ')}`;
  });
}
