/** What the definition of a result column says, as far as AT needs it. */
export interface ResultField {
  readonly name: string;
  /** MySQL's column type number (mysql2's `Types`). */
  readonly columnType: number;
  readonly columnLength: number;
  readonly characterSet: number;
  readonly flags: number;
  readonly decimals: number;
}

/** One value of a text-protocol row: the bytes that the server sent, or null for NULL. */
export type RawValue = Buffer | null;

export interface RawResult {
  readonly fields: readonly ResultField[];
  readonly rows: readonly (readonly RawValue[])[];
  readonly affectedRows: number;
  readonly warningStatus: number;
}

/**
 * Runs globaltx's own statements on one server connection, in the text protocol, one at a time. `sql` is
 * complete: values are already written into it (see `at/image/literal.ts`).
 */
export interface SqlExecutor {
  query(sql: string): Promise<RawResult>;
}

/** What decides how text is read and written on one connection. */
export interface SqlDialect {
  readonly server: 'mysql' | 'mariadb';
  /** sql_mode NO_BACKSLASH_ESCAPES: a backslash in a string is an ordinary character. */
  readonly noBackslashEscapes: boolean;
  /** sql_mode ANSI_QUOTES: "x" is an identifier. */
  readonly ansiQuotes: boolean;
}
