/** A stretch of the application's text, with the placeholders in it. Text is byte for byte the application's. */
export interface Clause {
  readonly text: string;
  /** Indexes, from 0, of the `?` in this clause among all placeholders of the statement, in order. */
  readonly placeholders: readonly number[];
  /** Where in `text` each of those placeholders stands. */
  readonly offsets: readonly number[];
}

/** A table as the statement names it, unquoted. */
export interface TableName {
  readonly schema: string | null;
  readonly name: string;
  readonly alias: string | null;
}

/** One value of an INSERT row, as far as it can be known from the text. */
export type InsertValue =
  | { readonly kind: 'literal'; readonly expression: Clause }
  | { readonly kind: 'placeholder'; readonly index: number }
  | { readonly kind: 'null' }
  | { readonly kind: 'default' }
  /** One of these that does not fit its column as it is, with all that the column may make of it. */
  | {
      readonly kind: 'stored';
      readonly value: Exclude<InsertValue, { readonly kind: 'stored' }>;
      readonly forms: readonly (string | Buffer | null)[];
      /** Whether it may be 0 for an AUTO_INCREMENT column, which then makes a value. */
      readonly automatic: boolean;
    }
  /** Anything else: a function call, an operator, a variable. */
  | {
      readonly kind: 'expression';
      readonly expression: Clause;
      /** The same with a lock on what its subqueries read, as an INSERT takes it. */
      readonly locking: Clause;
      /** Whether it could be another value when it is evaluated again. */
      readonly volatile: boolean;
    };

/** BEGIN, COMMIT and their like: what becomes of the local transaction. */
export type Control =
  | { readonly verb: 'begin'; readonly readOnly: boolean }
  | { readonly verb: 'commit'; readonly chain: boolean; readonly release: boolean }
  | { readonly verb: 'rollback'; readonly chain: boolean; readonly release: boolean }
  | { readonly verb: 'savepoint'; readonly name: string }
  | { readonly verb: 'rollbackTo'; readonly name: string }
  | { readonly verb: 'releaseSavepoint'; readonly name: string }
  | { readonly verb: 'setAutocommit'; readonly on: boolean }
  /** SET TRANSACTION ... for the next transaction only. */
  | { readonly verb: 'setTransaction' }
  /** USE schema. */
  | { readonly verb: 'use'; readonly schema: string }
  /** Any other SET: session facts (sql_mode, time_zone, autocommit by expression) must be read again. */
  | { readonly verb: 'set' };

/** A column as a statement names it, unquoted, with what stands before it. */
export interface ColumnName {
  readonly schema: string | null;
  readonly table: string | null;
  readonly column: string;
}

/** `column = value` behind SET. */
export interface Assignment extends ColumnName {
  readonly value: Clause;
  /** All that may be a column in the value; keywords are among them. */
  readonly reads: readonly ColumnName[];
  /** Whether the value could be another one when it is read before the statement runs. */
  readonly volatile: boolean;
}

/** One of several table references. */
export interface JoinedTable extends TableName {
  /** A subquery, or the name of a WITH: has no rows of its own. */
  readonly derived: boolean;
  /** An outer join may give NULLs in place of its row. */
  readonly optional: boolean;
}

/** A statement whose rows are found by a join. */
interface JoinedStatement {
  /** The WITH in front, with its word, or null. */
  readonly with: Clause | null;
  /** In the order of the text. */
  readonly tables: readonly JoinedTable[];
  /** The table references as written, to be put after FROM. */
  readonly from: Clause;
  /** The condition without the word WHERE, or null. */
  readonly where: Clause | null;
  /** As that of a statement of one table, of the joins' conditions too. */
  readonly volatile: boolean;
}

interface RowsStatement {
  readonly table: TableName;
  /** The WITH in front, with its word, or null. */
  readonly with: Clause | null;
  /** The table reference as written, alias and all, to be put after FROM. */
  readonly from: Clause;
  /** The condition without the word WHERE, or null for all rows. */
  readonly where: Clause | null;
  /** Without the words ORDER BY. An item that is a lone placeholder, and so sorts nothing, is given as NULL. */
  readonly orderBy: Clause | null;
  /** Without the word LIMIT. */
  readonly limit: Clause | null;
  /**
   * Whether running the condition again on the same rows could choose others: LIMIT, RAND(), UUID(), NOW()
   * and its like, user variables, stored functions, subqueries. The statement is then bound to the rows that
   * were read for the before image.
   */
  readonly volatile: boolean;
}

/** One assignment of ON DUPLICATE KEY UPDATE. */
export interface DuplicateAssignment {
  /** Unquoted. */
  readonly column: string;
  /** `a = a` and `a = LAST_INSERT_ID(a)` leave it as it is; `a = VALUES(a)` gives it what the new row has. */
  readonly to: 'itself' | 'given' | 'other';
}

/** What becomes of a row of an INSERT or REPLACE that has a unique value which is there already. */
export type OnConflict =
  | { readonly action: 'fail' }
  /** INSERT IGNORE */
  | { readonly action: 'skip' }
  /** REPLACE: every row with such a value is deleted. */
  | { readonly action: 'replace' }
  | ({ readonly action: 'update' } & DuplicateClause);

/** ON DUPLICATE KEY UPDATE */
export interface DuplicateClause {
  readonly assignments: readonly DuplicateAssignment[];
  /** MySQL's `AS new (a, b)` in front of it; empty without it. */
  readonly alias: Clause;
  /** The assignments as written. */
  readonly set: Clause;
}

/** The query that an INSERT takes its rows from. */
export interface InsertQuery {
  readonly text: Clause;
  /** The same with a lock on what it reads, as an INSERT takes it under REPEATABLE READ. */
  readonly locking: Clause;
  /** Whether it could give other rows, or rows in another order, when it is run again. */
  readonly volatile: boolean;
  /** Whether that is so for RAND(), NOW() and their like, and not for a LIMIT alone. */
  readonly changing: boolean;
}

export interface InsertStatement {
  readonly kind: 'insert';
  readonly table: TableName;
  /** As listed, unquoted; null when the statement gives no list. */
  readonly columns: readonly string[] | null;
  /**
   * Where the target is a view: its names for the columns of the table that its rows are of, by theirs in small letters.
   * Outside of texts every other name of a column is then the table's.
   */
  readonly shownAs?: ReadonlyMap<string, string>;
  /** None where a query gives them. */
  readonly rows: readonly (readonly InsertValue[])[];
  readonly query: InsertQuery | null;
  /** What generated columns may hold in each row, by their names, where that has been found out. */
  readonly computed?: readonly ReadonlyMap<string, readonly (string | Buffer | null)[]>[];
  readonly onConflict: OnConflict;
  /** What stands behind the verb: modifiers, the table, its partitions. */
  readonly target: Clause;
  /** MariaDB's RETURNING, with its word: it answers with rows. Empty without it. */
  readonly returning: Clause;
}

export interface UpdateStatement extends RowsStatement {
  readonly kind: 'update';
  /** Columns on the left of SET, unquoted, in order. */
  readonly assigned: readonly string[];
  readonly assignments: readonly Assignment[];
  /** UPDATE IGNORE: rows that cannot be written are left as they are. */
  readonly ignore: boolean;
  /** Everything up to WHERE (or to the end), and everything after the condition: to bind the rows by key. */
  readonly head: Clause;
  readonly tail: Clause;
}

export interface DeleteStatement extends RowsStatement {
  readonly kind: 'delete';
  readonly ignore: boolean;
  /** DELETE ... RETURNING (MariaDB): answers with rows. */
  readonly returning: boolean;
  readonly head: Clause;
  readonly tail: Clause;
}

/** UPDATE of what a join finds, in one table of it or in several. */
export interface JoinedUpdateStatement extends JoinedStatement {
  readonly kind: 'joinedUpdate';
  readonly assignments: readonly Assignment[];
  /** All that may be a column in its conditions, those of the joins too; null: any column may be, in a NATURAL JOIN. */
  readonly reads: readonly ColumnName[] | null;
  readonly ignore: boolean;
  /** Whether the condition may choose other rows although nobody has written anything: RAND(), NOW(). */
  readonly changing: boolean;
  /** Everything up to WHERE or to the end. */
  readonly head: Clause;
}

/** DELETE of what a join finds, in either grammar: DELETE a FROM ..., DELETE FROM a USING ... */
export interface JoinedDeleteStatement extends JoinedStatement {
  readonly kind: 'joinedDelete';
  /** As named in front: tables or aliases of the join. */
  readonly targets: readonly { readonly schema: string | null; readonly name: string }[];
  readonly ignore: boolean;
  /** As that of an UPDATE. */
  readonly changing: boolean;
  readonly head: Clause;
}

/** SELECT ... FOR UPDATE on one table. */
export interface LockingReadStatement extends RowsStatement {
  readonly kind: 'lockingRead';
  readonly mode: 'EXCLUSIVE' | 'SHARED';
  /** The locking clause as written: FOR UPDATE SKIP LOCKED, LOCK IN SHARE MODE, ... */
  readonly lock: Clause;
  readonly skipLocked: boolean;
  /** Whether the condition or the order may choose other rows although nobody has written anything. */
  readonly changing: boolean;
  /** LIMIT that leaves out rows at the beginning. */
  readonly offset: boolean;
  /** Everything up to WHERE, and everything after the condition: to bind the rows by key. */
  readonly head: Clause;
  readonly tail: Clause;
}

/** SELECT ... FOR UPDATE of a join, of all the rows that its condition accepts. */
export interface JoinedReadStatement extends JoinedStatement {
  readonly kind: 'joinedRead';
  readonly mode: 'EXCLUSIVE' | 'SHARED';
  readonly lock: Clause;
  /** The tables or aliases behind OF; null: every table is locked. */
  readonly of: readonly string[] | null;
}

export type Statement =
  | InsertStatement
  | UpdateStatement
  | DeleteStatement
  | JoinedUpdateStatement
  | JoinedDeleteStatement
  | LockingReadStatement
  | JoinedReadStatement
  /** Touches no row that a rollback would have to restore. */
  | { readonly kind: 'read' }
  | { readonly kind: 'control'; readonly control: Control }
  /** Not to be run inside a global transaction. */
  | {
      readonly kind: 'refused';
      readonly code: 'STATEMENT_UNSUPPORTED' | 'STATEMENT_NOT_UNDERSTOOD';
      /** 'LOAD DATA', 'INSERT ... SELECT', ... */
      readonly construct: string;
    };

/**
 * How one text of the application is read: a text of several statements has as many analyses. Once one of
 * them is 'refused', nothing of the text may run: behind a place that is not understood there may be statements
 * that are not listed.
 */
export interface Analysis {
  readonly statements: readonly Statement[];
  /** The text of each statement, its leading comments included, its semicolon not. */
  readonly texts: readonly string[];
  /** Whether something stands behind a semicolon, if only a comment: a server that takes several answers that too. */
  readonly several: boolean;
  /** Names that may be those of stored functions, in all of the text. */
  readonly calls: readonly Call[];
  /** Indexes of the placeholders that say how many rows, behind LIMIT, OFFSET and FETCH. */
  readonly rowCounts: readonly number[];
}

/** A name before a parenthesis, unquoted. */
export interface Call {
  readonly schema: string | null;
  readonly name: string;
}
