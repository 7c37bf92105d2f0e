/** One column, from information_schema.COLUMNS. */
export interface ColumnDefinition {
  readonly name: string;
  /** From 0, in the table's order, counting every column. */
  readonly position: number;
  /** DATA_TYPE in lower case: 'int', 'varchar', 'datetime', ... */
  readonly dataType: string;
  /** COLUMN_TYPE: 'int unsigned', "enum('a','b')", ... */
  readonly columnType: string;
  readonly nullable: boolean;
  readonly charset: string | null;
  readonly collation: string | null;
  readonly autoIncrement: boolean;
  /** Computed by the server (virtual or stored): read and compared, never written. */
  readonly generated: boolean;
  /** Not part of SELECT *. */
  readonly invisible: boolean;
  readonly hasDefault: boolean;
}

/** A unique index whose columns are all whole columns (no prefix, no expression). */
export interface UniqueIndex {
  readonly name: string;
  readonly columns: readonly string[];
  readonly nullable: boolean;
}

/** All that AT must know of a table. Made by `at/table/load.ts`, kept by `at/table/cache.ts`. */
export interface TableDefinition {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly ColumnDefinition[];
  /** The primary key, or failing that the first unique index without NULL: names the rows. */
  readonly key: UniqueIndex;
  /** The other unique indexes. */
  readonly uniques: readonly UniqueIndex[];
}
