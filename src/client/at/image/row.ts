/**
 * One column's value in canonical form: what the column holds, independent of every session setting.
 * Two values of one column are the same exactly when these are equal. A string for what is exact as text, bytes
 * for everything else, null for NULL:
 *
 * - numbers as the server prints them, FLOAT as the DOUBLE that it is, without the zeros of ZEROFILL;
 * - DATE, DATETIME, TIME as stored, TIMESTAMP in UTC, YEAR as a number;
 * - text of utf8mb4, utf8mb3 and ascii columns as a string, of other character sets as the stored bytes;
 * - ENUM and SET by their members' text; a number, as bytes, where text does not name the value;
 * - JSON as its text; as bytes where that loses something (see typed-json.ts);
 * - BIT, BINARY, BLOB, GEOMETRY (SRID and WKB) and VECTOR as bytes.
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
  /** The triggers that the application has allowed the table, if it has any. */
  readonly triggers?: readonly string[];
  readonly changes: readonly RowChange[];
}

/** What the undo log keeps of one branch. */
export interface UndoRecord {
  readonly xid: string;
  readonly branchId: string;
  readonly tables: readonly TableChanges[];
}
