import { GlobalTxError } from '../../protocol/errors.js';
import { type CapturedStatement, captureStatement } from '../at/branch/capture.js';
import type { RunStatement } from '../at/branch/capture-context.js';
import type { BranchDatabase, BranchSession } from '../at/branch/database.js';
import { PhaseOne } from '../at/branch/phase-one.js';
import type { WritePlaceholder } from '../at/branch/queries.js';
import { TouchedRows } from '../at/branch/touched-rows.js';
import type { SqlExecutor } from '../at/executor.js';
import { reach } from '../failpoints.js';
import type { BranchOwner } from '../transaction/transaction.js';
import { refuseEnded } from './refuse-ended.js';
import { asError, endsConnection } from './server-errors.js';

/**
 * One local transaction of one connection as a branch of a global transaction: what it has touched, and the
 * way to its end. The connection's own BEGIN and COMMIT are sent by the caller.
 */
export class Enlisted {
  readonly transaction: BranchOwner;
  readonly #executor: SqlExecutor;
  readonly #database: BranchDatabase;
  readonly #touched = new TouchedRows();
  #phaseOne: PhaseOne | undefined;
  #ran = false;

  constructor(transaction: BranchOwner, executor: SqlExecutor, database: BranchDatabase) {
    this.transaction = transaction;
    this.#executor = executor;
    this.#database = database;
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
    run: RunStatement,
    lockWaitMs: number,
  ): Promise<void> {
    this.#ran = false;
    const context = { session, database: this.#database, touched: this.#touched };
    const locks = await captureStatement(context, statement, write, async (bound) => {
      const counts = await run(bound);
      this.#ran = true;
      return counts;
    });
    for (const read of locks) await this.#phase(session).lockRows(read, lockWaitMs);
  }

  /** All that must be true before COMMIT. When it fails, the local transaction is rolled back here. */
  async prepare(session: BranchSession, lockWaitMs: number): Promise<void> {
    try {
      await this.#phase(session).prepare(this.#touched, lockWaitMs);
      // A branch beside it has failed meanwhile: what would be taken back at once is better not committed at all.
      if (this.writes) refuseEnded(this.transaction);
      reach('before', 'local-commit');
    } catch (error) {
      await this.rollback();
      throw error;
    }
  }

  /**
   * Sends COMMIT by `commit` and tells the coordinator what became of it.
   * @throws GlobalTxError LOCAL_COMMIT_UNKNOWN when nobody can say
   */
  async commit(commit: () => Promise<unknown>): Promise<void> {
    try {
      await commit();
      reach('after', 'local-commit');
    } catch (error) {
      this.#phaseOne?.unknown(error);
      if (!this.writes || this.transaction.locksOnly) throw error;
      throw new GlobalTxError(
        'LOCAL_COMMIT_UNKNOWN',
        'The answer to the local COMMIT is an error or was lost, so nobody can say whether it took place. ' +
          'The global transaction can only be rolled back; run it again.',
        { xid: this.transaction.xid, cause: error },
      );
    }
    this.#phaseOne?.done();
  }

  /** Rolls the local transaction back. A lost connection has done so by itself. */
  async rollback(): Promise<void> {
    try {
      await this.#executor.query('ROLLBACK AND NO CHAIN NO RELEASE');
    } catch (error) {
      if (!endsConnection(error)) throw asError(error);
    } finally {
      this.rolledBack();
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
