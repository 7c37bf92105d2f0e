import { GlobalTxError } from '../../protocol/errors.js';
import { type CapturedStatement, captureStatement } from '../at/branch/capture.js';
import {
  type CaptureContext,
  EarlyReadFailed,
  type ReadLocks,
  type RunTogether,
} from '../at/branch/capture-context.js';
import type { BranchDatabase, BranchSession } from '../at/branch/database.js';
import { PhaseOne, undoLogError } from '../at/branch/phase-one.js';
import type { WritePlaceholder } from '../at/branch/queries.js';
import { TouchedRows } from '../at/branch/touched-rows.js';
import { TableChanged } from '../at/image/table-changed.js';
import { reach } from '../failpoints.js';
import type { BranchOwner } from '../transaction/transaction.js';
import type { ApplicationCommand } from './application-command.js';
import type { Outcome } from './connection-line.js';
import type { LocalLine, ReadsAround } from './local-line.js';
import { refuseEnded } from './refuse-ended.js';
import { asError, endsConnection, endsLocalTransaction, isInactivity } from './server-errors.js';

/** A statement of the application, and the ways to run it. */
type StatementCommand = Pick<ApplicationCommand, 'attempt' | 'attemptBetween'>;

/**
 * One local transaction of one connection as a branch of a global transaction: what it has touched, and the
 * way to its end. The connection's own BEGIN and COMMIT are sent by the caller.
 */
export class Enlisted {
  readonly transaction: BranchOwner;
  readonly #line: LocalLine;
  readonly #database: BranchDatabase;
  readonly #touched: TouchedRows;
  #phaseOne: PhaseOne | undefined;
  #ran = false;

  constructor(transaction: BranchOwner, line: LocalLine, database: BranchDatabase) {
    this.transaction = transaction;
    this.#line = line;
    this.#database = database;
    this.#touched = new TouchedRows(line.undoLimit);
  }

  /** Whether there is anything that the local COMMIT must take to the coordinator first. */
  get writes(): boolean {
    return !this.#touched.empty;
  }

  /** Whether the statement that last failed here had already run: the local transaction is then spoilt. */
  get ran(): boolean {
    return this.#ran;
  }

  get touched(): TouchedRows {
    return this.#touched;
  }

  /** Runs one statement with its images and, for a locking read, its global locks. */
  async statement(
    session: BranchSession,
    statement: CapturedStatement,
    write: WritePlaceholder,
    command: StatementCommand,
    lockWaitMs: number,
  ): Promise<void> {
    const fresh = this.#line.beginning;
    let locks: readonly ReadLocks[];
    try {
      const ways = this.#line.guardable ? this.#ways(command, fresh, session.facts.autocommit) : {};
      locks = await this.#capture(session, statement, write, command, ways);
    } catch (error) {
      const early = error instanceof EarlyReadFailed;
      const cause = early ? error.cause : error;
      const changed = cause instanceof TableChanged;
      if (this.#ran && (early || changed)) {
        // The statement must not have been. Where the local transaction has done nothing else, it begins anew.
        if (fresh) await this.#line.restart();
        else if (!early || !(await this.#line.takeBack())) throw cause;
        this.#ran = false;
      }
      if (!changed || this.#ran) throw cause;
      await session.recheck?.();
      this.#database.forgetTable(cause.schema, cause.table);
      locks = await this.#capture(session, statement, write, command, {});
    }
    for (const read of locks) await this.#phase(session).lockRows(read, lockWaitMs);
  }

  #capture(
    session: BranchSession,
    statement: CapturedStatement,
    write: WritePlaceholder,
    command: StatementCommand,
    ways: Pick<CaptureContext, 'together' | 'behind'>,
  ): Promise<readonly ReadLocks[]> {
    this.#ran = false;
    const context = { session, database: this.#database, touched: this.#touched, ...ways };
    return captureStatement(context, statement, write, async (bound) => {
      try {
        const counts = await command.attempt(bound, statement.kind);
        this.#ran = true;
        return counts;
      } catch (error) {
        this.#mayHaveRun(error);
        throw error;
      }
    });
  }

  /**
   * How reads travel with the statement. A table that is known from an earlier statement cannot have been altered since,
   * for the local transaction keeps it; what runs unseen on another can be taken back. Without autocommit the first
   * statement begins the local transaction, and the read in front of it may fail before it has.
   */
  #ways(
    command: StatementCommand,
    fresh: boolean,
    autocommit: boolean,
  ): Pick<CaptureContext, 'together' | 'behind'> {
    const begun = fresh || autocommit || this.writes;
    return {
      together: (table) => (begun ? this.#between(command, !fresh && !this.#touched.has(table)) : undefined),
      behind: async (after) => {
        const attempt = await this.#attempt(command, { after });
        // What is read behind a statement that has run must be known: an end that it meets is that of the statement.
        if (endsLocalTransaction(attempt.after, true)) throw attempt.after;
        return { ran: attempt.ran, after: attempt.after! };
      },
    };
  }

  #between(command: StatementCommand, savepoint: boolean): RunTogether {
    return async (before, after) => {
      const attempt = await this.#attempt(command, { before, after, savepoint });
      return { ...attempt, before: attempt.before! };
    };
  }

  async #attempt(
    command: StatementCommand,
    reads: ReadsAround,
  ): ReturnType<StatementCommand['attemptBetween']> {
    const attempt = await command.attemptBetween(reads);
    const { ran } = attempt;
    if (ran instanceof Error) this.#mayHaveRun(ran);
    else this.#ran = true;
    // Whatever the read in front has met: the local transaction is no more.
    if (endsLocalTransaction(ran, true)) throw ran;
    return attempt;
  }

  /** The server goes on with a statement after mysql2 has stopped listening. */
  #mayHaveRun(error: unknown): void {
    if (isInactivity(error)) this.#ran = true;
  }

  /**
   * All that must be true before COMMIT; the undo log's row may be left to travel with it. When it fails, the local
   * transaction is rolled back here.
   * @returns what must be written in the same local transaction still, at most one statement
   */
  async prepare(session: BranchSession, lockWaitMs: number): Promise<string | undefined> {
    try {
      const undoLog = await this.#phase(session).prepare(this.#touched, lockWaitMs);
      // A branch beside it has failed meanwhile: what would be taken back at once is better not committed at all.
      if (this.writes) refuseEnded(this.transaction);
      reach('before', 'local-commit');
      return undoLog;
    } catch (error) {
      await this.rollback();
      throw error;
    }
  }

  /**
   * Writes the undo log's row and sends COMMIT, in one round trip, and tells the coordinator what became of it.
   * @throws GlobalTxError LOCAL_COMMIT_UNKNOWN when nobody can say; LATE_PHASE_ONE
   */
  async commit(undoLog: string | undefined): Promise<Outcome> {
    const commit = await this.#known(() => this.#line.commit(undoLog));
    if (!commit.committed) {
      await this.rollback();
      throw undoLogError(commit.error, this.transaction.xid);
    }
    this.#phaseOne?.done();
    return commit.outcome;
  }

  /** The same by the application's own statement. */
  async commitBy(undoLog: string | undefined, commit: () => Promise<void>): Promise<void> {
    if (undoLog !== undefined) {
      try {
        await this.#line.query(undoLog);
      } catch (error) {
        await this.rollback();
        throw undoLogError(error, this.transaction.xid);
      }
    }
    await this.#known(commit);
    this.#phaseOne?.done();
  }

  async #known<Result>(commit: () => Promise<Result>): Promise<Result> {
    try {
      const result = await commit();
      reach('after', 'local-commit');
      return result;
    } catch (error) {
      // A COMMIT that was killed may have left the local transaction open, with its row of the undo log locked.
      if (!endsConnection(error)) await this.#rollBack();
      this.#phaseOne?.unknown(error);
      if (!this.writes || this.transaction.locksOnly) throw error;
      throw new GlobalTxError(
        'LOCAL_COMMIT_UNKNOWN',
        'The answer to the local COMMIT is an error or was lost, so nobody can say whether it took place. ' +
          'The global transaction can only be rolled back; run it again.',
        { xid: this.transaction.xid, cause: error },
      );
    }
  }

  /** Rolls the local transaction back. A lost connection has done so by itself. */
  async rollback(): Promise<void> {
    try {
      await this.#rollBack();
    } finally {
      this.rolledBack();
    }
  }

  async #rollBack(): Promise<void> {
    try {
      await this.#line.rollback();
    } catch (error) {
      if (!endsConnection(error)) throw asError(error);
    }
  }

  /** The local transaction has been rolled back, by the application or by the server. */
  rolledBack(): void {
    this.#phaseOne?.failed();
  }

  #phase(session: BranchSession): PhaseOne {
    this.#phaseOne ??= new PhaseOne(this.transaction, session, this.#database);
    return this.#phaseOne;
  }
}
