import type { ColumnDefinition } from '../table/definition.js';

/**
 * The members of an ENUM or SET in their order; undefined where a name is not known for certain: the catalogue writes
 * some characters with a backslash, or not, as sql_mode had it.
 */
export function membersOf({
  columnType,
}: Pick<ColumnDefinition, 'columnType'>): readonly string[] | undefined {
  if (columnType.includes('\\')) return undefined;
  const list = columnType.slice(columnType.indexOf('('));
  return Array.from(list.matchAll(/'((?:[^']|'')*)'/g), ([, name = '']) => name.replaceAll("''", "'"));
}
