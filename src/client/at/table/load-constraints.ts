import type { SqlExecutor } from '../executor.js';
import type { Cascade, ParentReference } from './definition.js';
import { readCatalogue, textLiteral } from './information-schema.js';
import type { CatalogueTable } from './load-columns.js';

export async function loadTriggers(
  executor: SqlExecutor,
  { schema, name }: CatalogueTable,
): Promise<readonly string[]> {
  const rows = await readCatalogue(
    executor,
    { trigger: 'TRIGGER_NAME', table: 'EVENT_OBJECT_TABLE' },
    `FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ${textLiteral(schema)} ` +
      `AND EVENT_OBJECT_TABLE = ${textLiteral(name)} ORDER BY TRIGGER_NAME`,
  );
  return rows.filter((row) => row.table === name).map((row) => row.trigger ?? '');
}

export async function loadParents(
  executor: SqlExecutor,
  { schema, name }: CatalogueTable,
): Promise<readonly ParentReference[]> {
  const rows = await readCatalogue(
    executor,
    {
      table: 'TABLE_NAME',
      constraint: 'CONSTRAINT_NAME',
      column: 'COLUMN_NAME',
      parentSchema: 'REFERENCED_TABLE_SCHEMA',
      parentTable: 'REFERENCED_TABLE_NAME',
      parentColumn: 'REFERENCED_COLUMN_NAME',
    },
    `FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = ${textLiteral(schema)} ` +
      `AND TABLE_NAME = ${textLiteral(name)} AND REFERENCED_TABLE_NAME IS NOT NULL ` +
      'ORDER BY CONSTRAINT_NAME, ORDINAL_POSITION',
  );
  const parents = new Map<string, (typeof rows)[number][]>();
  for (const row of rows) {
    if (row.table !== name || row.constraint === null) continue;
    parents.set(row.constraint, [...(parents.get(row.constraint) ?? []), row]);
  }
  return Array.from(parents, ([constraint, parts]) => ({
    name: constraint,
    columns: parts.map((part) => part.column ?? ''),
    parentSchema: parts[0]?.parentSchema ?? schema,
    parentTable: parts[0]?.parentTable ?? '',
    parentColumns: parts.map((part) => part.parentColumn ?? ''),
  }));
}

/** NO ACTION and RESTRICT let nothing happen that the statement does not say. */
function rule(text: string | null): string | null {
  return text === 'CASCADE' || text === 'SET NULL' || text === 'SET DEFAULT' ? text : null;
}

/** The foreign keys, in any schema that the account may see, through which changes of this table spread. */
export async function loadCascades(
  executor: SqlExecutor,
  { schema, name }: CatalogueTable,
): Promise<readonly Cascade[]> {
  const rows = await readCatalogue(
    executor,
    {
      childSchema: 'CONSTRAINT_SCHEMA',
      childTable: 'TABLE_NAME',
      constraint: 'CONSTRAINT_NAME',
      table: 'REFERENCED_TABLE_NAME',
      onDelete: 'DELETE_RULE',
      onUpdate: 'UPDATE_RULE',
    },
    `FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE UNIQUE_CONSTRAINT_SCHEMA = ${textLiteral(schema)} ` +
      `AND REFERENCED_TABLE_NAME = ${textLiteral(name)} ORDER BY CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME`,
  );
  const cascades: Cascade[] = [];
  for (const row of rows) {
    const onDelete = rule(row.onDelete);
    const onUpdate = rule(row.onUpdate);
    if (row.table !== name || (onDelete === null && onUpdate === null)) continue;
    const constraint = row.constraint ?? '';
    const childSchema = row.childSchema ?? '';
    const childTable = row.childTable ?? '';
    const columns = await readCatalogue(
      executor,
      { column: 'REFERENCED_COLUMN_NAME' },
      `FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = ${textLiteral(childSchema)} ` +
        `AND TABLE_NAME = ${textLiteral(childTable)} AND CONSTRAINT_NAME = ${textLiteral(constraint)} ` +
        'AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY ORDINAL_POSITION',
    );
    cascades.push({
      name: constraint,
      childSchema,
      childTable,
      columns: columns.map(({ column }) => column ?? ''),
      onDelete,
      onUpdate,
    });
  }
  return cascades;
}
