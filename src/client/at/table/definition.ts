export type ColumnIndexed = 'PRI' | 'UNI' | 'MUL' | '';

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
  /**
   * The weight of a space on each level of a collation that ignores trailing spaces, in hexadecimal; null where
   * trailing spaces count, and for what is not text.
   */
  readonly spaceWeights: readonly string[] | null;
  /** The longest text that fits, in characters; null for what is not text. */
  readonly maxLength: number | null;
  readonly autoIncrement: boolean;
  /** Computed by the server (virtual or stored): read and compared, never written. */
  readonly generated: boolean;
  /** The SQL that it is computed by, its columns in backticks; null for any other column, and if unknown. */
  readonly generation: string | null;
  /** ON UPDATE CURRENT_TIMESTAMP: changes by itself in an UPDATE that does not assign it. */
  readonly updatesItself: boolean;
  /** Not part of SELECT *. */
  readonly invisible: boolean;
  /** COLUMN_KEY: in the primary key, in a unique index by itself, first in another index, or none of these. */
  readonly indexed: ColumnIndexed;
  readonly hasDefault: boolean;
  /** The default is one value for all rows, not an expression that is computed anew (UUID(), CURRENT_TIMESTAMP). */
  readonly constantDefault: boolean;
  /** The SQL of a default that is computed anew for each row; null for any other column, and if unknown. */
  readonly defaultExpression: string | null;
  /** NULL is what the column gets when nothing is given. */
  readonly nullByDefault: boolean;
}

/** A unique index over columns or beginnings of columns. */
export interface UniqueIndex {
  readonly name: string;
  readonly columns: readonly string[];
  /** For each column, how much of it is indexed (characters of text, bytes of anything else); null: all. */
  readonly prefixes: readonly (number | null)[];
  readonly nullable: boolean;
}

/** A foreign key of the table: a row of it needs its parent. */
export interface ParentReference {
  readonly name: string;
  readonly columns: readonly string[];
  readonly parentSchema: string;
  readonly parentTable: string;
  readonly parentColumns: readonly string[];
}

/** A foreign key of another table (or this one) through which a change here changes rows there. */
export interface Cascade {
  readonly name: string;
  readonly childSchema: string;
  readonly childTable: string;
  /** The columns of this table that it refers to. */
  readonly columns: readonly string[];
  /** CASCADE, SET NULL or SET DEFAULT; null where a delete, or an update, changes nothing there. */
  readonly onDelete: string | null;
  readonly onUpdate: string | null;
}

/** All that AT must know of a table. Made by `at/table/load.ts`, kept by `at/table/cache.ts`. */
export interface TableDefinition {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly ColumnDefinition[];
  /** These are not all of its columns, and they have a view's names. */
  readonly inPart?: boolean;
  /** The primary key, or failing that the first unique index without NULL: names the rows. */
  readonly key: UniqueIndex;
  /** The other unique indexes. */
  readonly uniques: readonly UniqueIndex[];
  /** Unique indexes over expressions: what they hold cannot be locked. */
  readonly expressionIndexes: readonly string[];
  readonly triggers: readonly string[];
  /** The application answers for what the triggers write: see the option `allowTriggers`. */
  readonly triggersAllowed?: boolean;
  readonly parents: readonly ParentReference[];
  readonly cascades: readonly Cascade[];
}
