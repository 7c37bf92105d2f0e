import type { SqlExecutor } from '../executor.js';
import { RESOURCE_TABLE, UNDO_LOG_TABLE } from '../undo/ddl.js';
import { tableUnsupported } from './check.js';
import { columnFamily } from './column-family.js';
import type { ColumnDefinition, TableDefinition, UniqueIndex } from './definition.js';
import { readCatalogue, textLiteral } from './information-schema.js';
import { type CatalogueTable, loadColumns } from './load-columns.js';
import { loadCascades, loadParents, loadTriggers } from './load-constraints.js';
import { loadIndexes } from './load-indexes.js';
import { loadView } from './load-view.js';
import { refuseTemporary } from './temporary.js';
import { isView, type Relation } from './view.js';

const SYSTEM_SCHEMAS = new Set(['mysql', 'information_schema', 'performance_schema', 'sys']);

const OWN_TABLES = new Set([UNDO_LOG_TABLE, RESOURCE_TABLE]);

const KINDS: ReadonlyMap<string, readonly [construct: string, help: string]> = new Map([
  ['SYSTEM VIEW', ['view', 'It belongs to the server.']],
  ['SYSTEM VERSIONED', ['system-versioned table', 'Its history could not be rolled back.']],
  ['SEQUENCE', ['sequence', 'Sequences are not transactional.']],
  ['TEMPORARY', ['temporary table', 'The session that would roll it back cannot see it.']],
]);

/** What kind of thing the name stands for, when it is no plain table. */
function refuseKind({ schema, name }: CatalogueTable, type: string | null, engine: string | null): void {
  if (type !== 'BASE TABLE') {
    const [construct, help] = KINDS.get(type ?? '') ?? [
      `table of type ${type}`,
      'Only base tables can be rolled back.',
    ];
    throw tableUnsupported(schema, name, construct, help);
  }
  if (engine?.toLowerCase() !== 'innodb') {
    throw tableUnsupported(
      schema,
      name,
      `engine ${engine ?? 'unknown'}`,
      'Only InnoDB tables can be rolled back.',
    );
  }
}

/**
 * In an index, MariaDB compares a CHAR of a collation without padding together with the spaces that fill it: 'ss'
 * and 'ß', or '' and a NUL, are two entries, though they are equal in every condition.
 */
function doubtfulColumn(
  columns: readonly ColumnDefinition[],
  indexes: readonly UniqueIndex[],
): ColumnDefinition | undefined {
  return columns.find(
    ({ name, dataType, collation }) =>
      dataType === 'char' &&
      /_nopad_(?!bin$)/.test(collation ?? '') &&
      indexes.some((index) => index.columns.includes(name)),
  );
}

/** As `loadRelation`, of tables alone: a view is refused. */
export async function loadTable(
  executor: SqlExecutor,
  schema: string,
  name: string,
): Promise<TableDefinition | undefined> {
  return tableOnly(await loadRelation(executor, schema, name));
}

/** @throws GlobalTxError TABLE_UNSUPPORTED for a view */
export function tableOnly(relation: Relation | undefined): TableDefinition | undefined {
  if (relation === undefined || !isView(relation)) return relation;
  const { schema, name } = relation;
  throw tableUnsupported(
    schema,
    name,
    'view',
    'Only a statement that writes it, or reads it with locks, and no other table is supported. Use the table that it is made of.',
  );
}

/**
 * Reads the definition of a table or view from the server's catalogue.
 *
 * What could only be seen with privileges of its own is seen only with these: triggers need TRIGGER on the
 * table, foreign keys of other tables some privilege on those.
 *
 * @returns undefined when there is no such table (or the account may not see it): the application's statement
 * then fails by itself, with the server's own error
 * @throws GlobalTxError TABLE_UNSUPPORTED for what can never be rolled back exactly: no primary or unique
 * not-null key, another engine than InnoDB, views over more than the rows of one table, system schemas, temporary and
 * system-versioned tables, column types that are unknown. Triggers and cascades are facts of the definition: see `checkTable`.
 */
export async function loadRelation(
  executor: SqlExecutor,
  schema: string,
  name: string,
): Promise<Relation | undefined> {
  if (SYSTEM_SCHEMAS.has(schema.toLowerCase())) {
    throw tableUnsupported(schema, name, 'system schema', 'Its tables belong to the server.');
  }
  if (OWN_TABLES.has(name.toLowerCase())) {
    throw tableUnsupported(
      schema,
      name,
      'table of globaltx itself',
      'What is in it is what a rollback needs.',
    );
  }
  const [facts] = await readCatalogue(
    executor,
    { folding: '@@lower_case_table_names', version: '@@version' },
    '',
  );
  const server = /mariadb/i.test(facts?.version ?? '') ? 'mariadb' : 'mysql';
  // With 0 names are told apart by case, though the catalogue may compare them without.
  const same = (a: string | null, b: string) =>
    facts?.folding === '0' ? a === b : a?.toLowerCase() === b.toLowerCase();
  const candidates = await readCatalogue(
    executor,
    { schema: 'TABLE_SCHEMA', name: 'TABLE_NAME', type: 'TABLE_TYPE', engine: 'ENGINE' },
    `FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${textLiteral(schema)} AND TABLE_NAME = ${textLiteral(name)}`,
  );
  const found = candidates.find((row) => same(row.schema, schema) && same(row.name, name));
  if (found === undefined) return undefined;
  const table: CatalogueTable = { schema: found.schema ?? schema, name: found.name ?? name, server };
  if (found.type === 'VIEW') {
    const view = await loadView(executor, table);
    if (view === undefined) {
      throw tableUnsupported(
        table.schema,
        table.name,
        'view that the account may not see',
        'Grant it SHOW VIEW.',
      );
    }
    return view;
  }
  refuseKind(table, found.type, found.engine);
  await refuseTemporary(executor, table);
  const columns = await loadColumns(executor, table);
  const strange = columns.find((column) => columnFamily(column) === undefined);
  if (strange !== undefined) {
    throw tableUnsupported(
      table.schema,
      table.name,
      `column \`${strange.name}\` of type ${strange.columnType}`,
      'globaltx does not know how to read and write this type exactly.',
    );
  }
  const { key, uniques, expressionIndexes } = await loadIndexes(executor, table, columns);
  if (key === undefined) {
    throw tableUnsupported(
      table.schema,
      table.name,
      'no primary key and no unique index over whole NOT NULL columns',
      'Its rows have no names. Add a primary key.',
    );
  }
  const doubtful = server === 'mariadb' ? doubtfulColumn(columns, [key, ...uniques]) : undefined;
  if (doubtful !== undefined) {
    throw tableUnsupported(
      table.schema,
      table.name,
      `unique index over CHAR column \`${doubtful.name}\` in collation ${doubtful.collation}`,
      'MariaDB keeps values apart there that it calls equal. Make it a VARCHAR, or use a collation that pads.',
    );
  }
  return {
    schema: table.schema,
    name: table.name,
    columns,
    key,
    uniques,
    expressionIndexes,
    triggers: await loadTriggers(executor, table),
    parents: await loadParents(executor, table),
    cascades: await loadCascades(executor, table),
  };
}
