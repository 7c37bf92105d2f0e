import type { DatabaseKind } from '../support/servers.js';

/** A value as SQL text and, where there is one that binds to the same, as a JavaScript value for a placeholder. */
export interface Value {
  readonly sql: string;
  readonly bound?: string | number | bigint | Buffer | null;
}

/** Parts of a list may be left out one by one; `least` of them stay. `before` is written unless all are gone. */
export interface List {
  readonly before: string;
  readonly items: readonly Piece[];
  readonly separator: string;
  readonly least: number;
}

/** The columns and rows of an INSERT: a column can only be left out of all rows at once. */
export interface Rows {
  /** Quoted names; null for a statement without a column list. */
  readonly columns: readonly string[] | null;
  readonly rows: readonly (readonly Piece[])[];
}

/** A statement in pieces, so that it can be made smaller. «0» in a text is the table with that number, «v0» the view. */
export type Piece = string | Value | List | Rows | readonly Piece[];

export interface ColumnPlan {
  /** Quoted. */
  readonly name: string;
  readonly definition: string;
  /** Names that the definition speaks of: without them the column cannot be. */
  readonly needs: readonly string[];
}

/** A key or a constraint. */
export interface ClausePlan {
  readonly text: string;
  readonly needs: readonly string[];
}

export type DatabaseIndex = 0 | 1;

export interface TablePlan {
  readonly database: DatabaseIndex;
  /** None: the table is not made; it only keeps the numbers of the others. */
  readonly columns: readonly ColumnPlan[];
  readonly clauses: readonly ClausePlan[];
  readonly options: string;
}

/** Another way to a table: some of its columns, in another order, under other names. */
export interface ViewPlan {
  readonly table: number;
  /** Quoted: its own name for a column, and the table's. */
  readonly columns: readonly (readonly [name: string, column: string])[];
  /** What stands behind the table's name. */
  readonly rest: string;
}

/** A row that is there before the first transaction, if the table takes it. */
export interface RowPlan {
  readonly table: number;
  readonly rows: Rows;
}

export type SendBy = 'query' | 'execute' | 'prepare';

export interface StepPlan {
  /** 'UPDATE', 'REPLACE', 'SAVEPOINT', ...: what it is counted under. */
  readonly kind: string;
  readonly pieces: Piece;
  readonly sendBy: SendBy;
  /** Whether values are bound to placeholders or written into the text. */
  readonly bind: boolean;
  /** The same statement on the same data may have another effect: nothing after it can be compared. */
  readonly volatile: boolean;
}

/** What a connection of the application is like: the name of a set of options. */
export type Profile = 'plain' | 'latin1' | 'strings' | 'arrays';

/** What a branch sets its session to before anything else; all of it, because connections are used again. */
export interface SessionPlan {
  /** Seconds: where the session's clock stands still. */
  readonly timestamp: string;
  /** SQL expressions. */
  readonly sqlMode: string;
  readonly timeZone: string;
  readonly isolation: string;
  /** A character set. */
  readonly names: string;
}

export const USUAL_SESSION: SessionPlan = {
  timestamp: '1700000000',
  sqlMode: 'DEFAULT',
  timeZone: 'DEFAULT',
  isolation: 'REPEATABLE READ',
  names: 'utf8mb4',
};

/** Under these levels a statement is bound to the rows that were read for its image, which is another text. */
export function isWeak({ isolation }: SessionPlan): boolean {
  return isolation === 'READ COMMITTED' || isolation === 'READ UNCOMMITTED';
}

export interface BranchPlan {
  readonly database: DatabaseIndex;
  readonly session: SessionPlan;
  readonly mode: 'autocommit' | 'method' | 'text' | 'implicit';
  readonly end: 'commit' | 'rollback';
  readonly steps: readonly StepPlan[];
}

export interface TransactionPlan {
  readonly end: 'commit' | 'rollback';
  readonly profile: Profile;
  readonly branches: readonly BranchPlan[];
}

/** One run of the fuzzer, whole: it can be played again on any two fresh pairs of databases. */
export interface Plan {
  readonly seed: number;
  readonly server: DatabaseKind;
  readonly tables: readonly TablePlan[];
  readonly views: readonly ViewPlan[];
  readonly rows: readonly RowPlan[];
  readonly transactions: readonly TransactionPlan[];
}

export function quote(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** Text for a table, to be replaced when the plan is played. */
export function tableToken(table: number): string {
  return `«${table}»`;
}

/** The same for a view. */
export function viewToken(view: number): string {
  return `«v${view}»`;
}
