import type { ErrorCode } from '../../protocol/error-codes.js';
import type { ReadableRow } from '../at/image/readable.js';
import type { Statement } from '../at/sql/analysis.js';

/** What globaltx would do with one statement inside a global transaction, found out without running it. */
export interface Explanation {
  readonly sql: string;
  /** How it was read. */
  readonly kind: Statement['kind'];
  /**
   * 'captured': images are taken around it; 'passes': it is sent as it is, nothing of it could be rolled back or need
   * be; 'refused': it would not be run.
   */
  readonly verdict: 'captured' | 'passes' | 'refused';
  /** Null unless it is refused, by globaltx or by the server. */
  readonly refusal: ExplainedRefusal | null;
  /** What is sent before it, in this order: the queries for the before image and the locks of the rows. */
  readonly queries: readonly string[];
  /** What would be run: the statement byte for byte, or the text in its place that is bound to the rows by key. */
  readonly runs: string | null;
  readonly bound: boolean;
  /** The rows that it would touch. */
  readonly tables: readonly ExplainedTable[];
  /** What a rollback would run, if nothing else touches the rows. */
  readonly compensation: readonly string[];
  /** What cannot be known without running it. */
  readonly remarks: readonly string[];
}

export interface ExplainedRefusal {
  /** A code of docs/errors.md; 'SERVER' for an error of the database itself. */
  readonly code: ErrorCode | 'SERVER';
  readonly construct: string | null;
  readonly message: string;
}

export interface ExplainedTable {
  /** 'schema.table'. */
  readonly table: string;
  /** The columns that name its rows. */
  readonly key: readonly string[];
  /** EXCLUSIVE; SHARED for a locking read that only shares. */
  readonly lockMode: 'EXCLUSIVE' | 'SHARED';
  readonly rows: readonly ExplainedRow[];
}

export interface ExplainedRow {
  /** 'id = 7'. */
  readonly key: string;
  /** What names the row to the coordinator. */
  readonly lockKey: string;
  readonly before: ReadableRow;
}
