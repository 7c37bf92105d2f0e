import { GlobalTxError } from '../../../protocol/errors.js';
import type { RawResult } from '../executor.js';
import type { ImageRow } from '../image/plan.js';
import type { TableDefinition } from '../table/definition.js';
import type { BranchDatabase, BranchSession } from './database.js';
import type { WritePlaceholder } from './queries.js';
import type { TouchedRows } from './touched-rows.js';

/** What the steps around a statement work with. */
export interface CaptureContext {
  readonly session: BranchSession;
  readonly database: BranchDatabase;
  readonly touched: TouchedRows;
  /** Told of the rows of every image that is read, for an explanation of the statement. */
  readonly observe?: (table: TableDefinition, rows: readonly ImageRow[]) => void;
  /**
   * How the reads of the images may travel with the statement itself, which then runs unseen; undefined where the
   * table may have been altered since its definition was read, and the local transaction could not begin anew.
   */
  readonly together?: (table: TableDefinition) => RunTogether | undefined;
  /** How a read may travel behind the statement; undefined where it may not. */
  readonly behind?: RunWithRead | undefined;
}

/**
 * Runs the application's statement as it was sent between two reads, in one round trip. It runs whatever becomes of the
 * read in front of it, but never outside of the local transaction.
 * @throws the server's error, where the local transaction could not begin
 */
export type RunTogether = (before: string, after: string | undefined) => Promise<Together>;

/** The answers to a statement and the reads around it. */
export interface Together {
  readonly before: RawResult | Error;
  readonly ran: StatementCounts | Error;
  readonly after: RawResult | Error | undefined;
}

/**
 * Runs the application's statement as it was sent with a read behind it, in one round trip. The read runs whatever
 * becomes of the statement.
 * @throws the server's error, where the local transaction could not begin or has been ended
 */
export type RunWithRead = (after: string) => Promise<{
  readonly ran: StatementCounts | Error;
  readonly after: RawResult | Error;
}>;

/** The before image that travelled with its statement could not be read, so what the statement did is not known. */
export class EarlyReadFailed extends Error {
  override readonly name = 'EarlyReadFailed';

  constructor(cause: unknown) {
    super('The before image could not be read.', { cause });
  }
}

/** What the server said of the application's statement. */
export interface StatementCounts {
  /** Rows that the condition matched, changed or not; for an INSERT the rows that were inserted. */
  readonly matched: number;
  /** Of an INSERT of several rows those that met others; undefined where the server does not count all of them. */
  readonly duplicates?: number | undefined;
}

/**
 * The text of a statement that runs in the place of the application's. What it writes for a placeholder may be a
 * placeholder again: only the server knows what a bound value becomes in a column.
 */
export type BoundStatement = string | ((write: WritePlaceholder) => string);

/**
 * Runs the application's statement: as it was sent, or the one given here in its place.
 * Rejects with the server's error, which is the application's to see.
 */
export type RunStatement = (bound?: BoundStatement) => Promise<StatementCounts>;

/** Rows that a locking read has locked in the database, to be locked at the coordinator too. */
export interface ReadLocks {
  readonly table: TableDefinition;
  readonly mode: 'EXCLUSIVE' | 'SHARED';
  readonly identities: readonly string[];
}

/** The statement touched other rows than were read: nothing of the local transaction can be kept. */
export function mismatch(
  verb: string,
  table: Pick<TableDefinition, 'schema' | 'name'>,
  read: number,
  touched: number,
): GlobalTxError {
  return new GlobalTxError(
    'IMAGE_MISMATCH',
    `${verb} on ${table.schema}.${table.name} touched ${touched} rows, but ${read} were read for its image; ` +
      'the local transaction cannot be committed. Roll it back and run it again.',
    { construct: `${verb} ${table.name}` },
  );
}
