import type { ColumnDefinition } from './definition.js';

/** How values of a column are read, compared and written. */
export type ColumnFamily =
  | 'integer'
  | 'year'
  | 'decimal'
  | 'float'
  | 'bit'
  | 'text'
  | 'bytes'
  | 'enum'
  | 'set'
  | 'json'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'address';

const FAMILIES: ReadonlyMap<string, ColumnFamily> = new Map<string, ColumnFamily>([
  ...(['tinyint', 'smallint', 'mediumint', 'int', 'bigint'] as const).map(
    (type) => [type, 'integer'] as const,
  ),
  ['year', 'year'],
  ['decimal', 'decimal'],
  ['float', 'float'],
  ['double', 'float'],
  ['bit', 'bit'],
  ...(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext'] as const).map(
    (type) => [type, 'text'] as const,
  ),
  ...(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'] as const).map(
    (type) => [type, 'bytes'] as const,
  ),
  // What is stored is the SRID and WKB, and an array of floats: both go in and out as these bytes.
  ...(['geometry', 'point', 'linestring', 'polygon', 'multipoint', 'multilinestring'] as const).map(
    (type) => [type, 'bytes'] as const,
  ),
  ...(['multipolygon', 'geometrycollection', 'geomcollection', 'vector'] as const).map(
    (type) => [type, 'bytes'] as const,
  ),
  ['enum', 'enum'],
  ['set', 'set'],
  ['json', 'json'],
  ['date', 'date'],
  ['datetime', 'date'],
  ['time', 'time'],
  ['timestamp', 'timestamp'],
  // MariaDB's types whose text is exact and canonical.
  ...(['uuid', 'inet4', 'inet6'] as const).map((type) => [type, 'address'] as const),
]);

/** @returns undefined for a type that cannot be imaged exactly, because nobody has taught globaltx how */
export function columnFamily({ dataType }: Pick<ColumnDefinition, 'dataType'>): ColumnFamily | undefined {
  return FAMILIES.get(dataType);
}
