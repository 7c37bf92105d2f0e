/**
 * One column's value in canonical form: what the column holds, independent of every session setting.
 * A string for what is exact as text (numbers, temporal values in UTC or as stored, text in utf8mb4), bytes
 * for everything else, null for NULL. Two values of one column are the same exactly when these are equal.
 */
export type ColumnValue = string | Buffer | null;

/** A row, its values in the order of the table's columns. */
export type Row = readonly ColumnValue[];

/** What one branch did to one row, from its first touch to the local commit. */
export interface RowChange {
  /** Null: the row was not there before. */
  readonly before: Row | null;
  /** Null: the row is not there any more. */
  readonly after: Row | null;
}

/** All changed rows of one table in one branch, in the order of their last touch. */
export interface TableChanges {
  readonly schema: string;
  readonly table: string;
  /** Names of the columns, in the order of the rows' values. */
  readonly columns: readonly string[];
  /** Names of the key's columns. */
  readonly key: readonly string[];
  readonly changes: readonly RowChange[];
}

/** What the undo log keeps of one branch. */
export interface UndoRecord {
  readonly xid: string;
  readonly branchId: string;
  readonly tables: readonly TableChanges[];
}
