import type { SqlExecutor } from '../executor.js';
import type { ColumnDefinition, UniqueIndex } from './definition.js';
import { readCatalogue, textLiteral } from './information-schema.js';
import type { CatalogueTable } from './load-columns.js';

/** The unique indexes of a table, told apart by what they can be used for. */
export interface LoadedIndexes {
  /** Undefined: no index names every row. */
  readonly key: UniqueIndex | undefined;
  readonly uniques: readonly UniqueIndex[];
  readonly expressionIndexes: readonly string[];
}

interface FoundIndex extends UniqueIndex {
  /** Whether the optimizer would look rows up in it: not when it is invisible, ignored, or a hash. */
  readonly searchable: boolean;
  readonly expression: boolean;
}

function names(index: FoundIndex): boolean {
  return index.searchable && !index.nullable && index.prefixes.every((prefix) => prefix === null);
}

export async function loadIndexes(
  executor: SqlExecutor,
  { schema, name, server }: CatalogueTable,
  columns: readonly ColumnDefinition[],
): Promise<LoadedIndexes> {
  const rows = await readCatalogue(
    executor,
    {
      table: 'TABLE_NAME',
      index: 'INDEX_NAME',
      column: 'COLUMN_NAME',
      prefix: 'SUB_PART',
      type: 'INDEX_TYPE',
      // MariaDB says IGNORED where MySQL says not visible; MySQL alone has indexes over expressions.
      unused: server === 'mariadb' ? "IGNORED = 'YES'" : "IS_VISIBLE = 'NO'",
      expression: server === 'mariadb' ? 'NULL' : 'EXPRESSION',
    },
    `FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ${textLiteral(schema)} ` +
      `AND TABLE_NAME = ${textLiteral(name)} AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
  );
  const byIndex = new Map<string, (typeof rows)[number][]>();
  for (const row of rows) {
    if (row.table !== name || row.index === null) continue;
    byIndex.set(row.index, [...(byIndex.get(row.index) ?? []), row]);
  }
  const found: FoundIndex[] = Array.from(byIndex, ([index, parts]) => ({
    name: index,
    columns: parts.map((part) => part.column ?? ''),
    prefixes: parts.map((part) => (part.prefix === null ? null : Number(part.prefix))),
    nullable: parts.some((part) => columns.find((column) => column.name === part.column)?.nullable ?? true),
    searchable: parts.every((part) => part.unused !== '1' && part.type !== 'HASH'),
    expression: parts.some((part) => part.expression !== null),
  }));
  // By name, so that every process chooses the same one, whatever order the server lists them in.
  found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const whole = found.filter((index) => !index.expression);
  const key = whole.find((index) => index.name === 'PRIMARY') ?? whole.find(names);
  const usable = key !== undefined && names(key) ? key : undefined;
  const plain = ({ name, columns, prefixes, nullable }: UniqueIndex) => ({
    name,
    columns,
    prefixes,
    nullable,
  });
  return {
    key: usable && plain(usable),
    uniques: whole.filter((index) => index !== key).map(plain),
    expressionIndexes: found.filter((index) => index.expression).map((index) => index.name),
  };
}
