import { GlobalTxError } from '../../protocol/errors.js';
import { type CapturedStatement, isCaptured } from '../at/branch/capture.js';
import type { BranchDatabase, BranchSession, SessionFacts } from '../at/branch/database.js';
import type { WritePlaceholder } from '../at/branch/queries.js';
import { refuseWritingFunctions } from '../at/branch/stored-calls.js';
import type { Analysis, Control } from '../at/sql/analysis.js';
import { analyze } from '../at/sql/index.js';
import type { TableDefinition } from '../at/table/definition.js';
import type { BranchOwner } from '../transaction/transaction.js';
import type { ApplicationCommand } from './application-command.js';
import { runAutocommit } from './autocommit.js';
import { begunAnswer, keepBegunAnswer } from './begun-answer.js';
import { Enlisted } from './enlisted.js';
import { askedOfLastStatement } from './last-statement.js';
import { LastStatements } from './last-statements.js';
import type { LocalLine } from './local-line.js';
import { literalOf } from './parameters.js';
import { refusalOf } from './refusal.js';
import { refuseEnded } from './refuse-ended.js';
import { asError, endsLocalTransaction, isInactivity } from './server-errors.js';
import type { Session } from './session.js';
import { SessionHazards } from './session-hazards.js';
import { refuseAmbiguousText, refuseSettings } from './session-refusals.js';
import { readForCertain, refuseSeveral, runSeveral } from './several-statements.js';

/** Not WITH CONSISTENT SNAPSHOT, which reads at once, and not READ ONLY. */
const PLAIN_BEGIN = /^\s*(?:BEGIN(?:\s+WORK)?|START\s+TRANSACTION)\s*;?\s*$/i;

/** @@transaction_read_only and @@tx_read_only, SHOW VARIABLES, session_variables. */
const MAY_SHOW_GUARD = /_READ_ONLY|VARIABLES/i;

/**
 * The local transaction of one connection, as it is seen by what passes: whether one is open, to which global
 * transaction it belongs, and what must happen around each statement. Called for one statement at a time.
 */
export class LocalTransaction {
  readonly #line: LocalLine;
  readonly #session: Session;
  readonly #database: BranchDatabase;
  readonly #timezone: string;
  readonly #hazards = new SessionHazards();
  readonly #last: LastStatements;
  readonly #refuseHidden = (table: Pick<TableDefinition, 'schema' | 'name'>) =>
    this.#hazards.refuseHidden(this.#line, table);
  /** A local transaction is open on the server because the application asked for it. */
  #open = false;
  /** Something passed outside of any global transaction: without autocommit it has opened a local one. */
  #openUnlessAutocommit = false;
  /** What passed outside may have opened a local transaction unseen, or ended one: only the server knows. */
  #uncertain = false;
  #enlisted: Enlisted | undefined;
  /** Why the application's local transaction is no more, until it ends it or begins another. */
  #lost: GlobalTxError | undefined;

  constructor(line: LocalLine, session: Session, database: BranchDatabase, timezone: string) {
    this.#line = line;
    this.#session = session;
    this.#database = database;
    this.#timezone = timezone;
    this.#last = new LastStatements(line);
  }

  /** The global transaction that the open local transaction belongs to. */
  get transaction(): BranchOwner | undefined {
    return this.#enlisted?.transaction;
  }

  /** Whether rows have been written that are not committed. */
  get writes(): boolean {
    return this.#enlisted?.writes ?? false;
  }

  /** A statement passes outside of any global transaction. */
  follow(text: string): void {
    for (const statement of analyze(text, this.#session.dialect).statements) {
      this.#last.forget();
      if (statement.kind === 'control') this.#follow(statement.control, undefined);
      else this.followUnread();
      if (statement.kind !== 'refused') continue;
      this.#hazards.follow(statement);
      this.#session.forget();
      this.#uncertain = true;
    }
  }

  /** The same for a statement that cannot be one of BEGIN, COMMIT and their like. */
  followUnread(): void {
    this.#last.forget();
    this.#openUnlessAutocommit = true;
  }

  /** The server has ended the local transaction for a reason of the connection: reset, other user, quit. */
  lose(reason: string): void {
    this.#session.forget();
    this.#hazards.clear();
    this.#line.reset();
    this.#close();
    this.#lost = undefined;
    if (this.#enlisted === undefined) return;
    const { transaction, writes } = this.#enlisted;
    this.#enlisted.rolledBack();
    this.#enlisted = undefined;
    if (writes) transaction.setRollbackOnly(reason);
  }

  /** Rolls back what is open, because the global transaction ends or the connection goes to others. */
  async abandon(reason: string): Promise<void> {
    if (this.#enlisted === undefined) return;
    const { transaction } = this.#enlisted;
    await this.#abandon(
      new GlobalTxError('TRANSACTION_NOT_ACTIVE', `The local transaction was rolled back: ${reason}.`, {
        xid: transaction.xid,
      }),
    );
  }

  /** The connection goes to others: what was rolled back under the one who had it is not their concern. */
  released(): void {
    if (this.#lost === undefined) return;
    this.#lost = undefined;
    this.#close();
  }

  /** Runs one statement of the application inside a global transaction, and hands it the answer. Never rejects. */
  async run(command: ApplicationCommand, transaction: BranchOwner): Promise<void> {
    try {
      const facts = this.#session.known ?? (await this.#session.facts());
      const shows = MAY_SHOW_GUARD.test(command.text);
      this.#line.guardable = !facts.readOnly && !shows;
      // The application is not shown that the session is guarded.
      if (shows) await this.#line.unguard();
      refuseAmbiguousText(facts, command.text, command.parameters);
      if (this.#uncertain || this.#foreign) await this.#ascertain();
      if (facts.autocommit) this.#openUnlessAutocommit = false;
      else if (!this.#open) {
        if (this.#openUnlessAutocommit) this.#open = true;
        else this.#begin(transaction);
      }
      const analysis = analyze(command.text, facts.dialect);
      const { statements, calls, several } = analysis;
      if (calls.length > 0) await refuseWritingFunctions(calls, facts, this.#database);
      const [statement] = statements;
      const reads = statements.every(({ kind }) => kind === 'read');
      const question = askedOfLastStatement(command.text, facts.dialect);
      if (question !== undefined) this.#last.ask(command, question, reads, facts.dialect.server);
      if (statement === undefined || reads) {
        if (question === undefined) this.#last.passed(command.text, facts.dialect.server);
        return await this.#read(command);
      }
      if (statements.length > 1 || (several && command.mayHaveSeveral))
        return await this.#several(command, analysis, transaction);
      const session = this.#branchSession(facts);
      if (statement.kind === 'control') await this.#control(command, statement.control, transaction, session);
      else if (statement.kind === 'refused') throw refusalOf(statement);
      else if (isCaptured(statement))
        await this.#captured(
          command,
          statement,
          transaction,
          session,
          this.#writer(command, analysis, session),
        );
      this.#last.ran(command, statement.kind);
    } catch (error) {
      this.#last.failed(error);
      if (this.#line.notBegun) await this.#abandon(spoilt(error, transaction));
      command.fail(asError(error));
    }
  }

  #branchSession(facts: SessionFacts): BranchSession {
    const session = this.#session;
    return {
      executor: this.#line,
      get facts() {
        return session.known ?? facts;
      },
      recheck: async () => {
        // As of a SET: see #control.
        await this.#line.unguard();
        await session.recheck();
      },
      refuseHidden: this.#refuseHidden,
    };
  }

  /** A read writes nothing, but where it locks (SERIALIZABLE, stored functions) it may end the local transaction. */
  async #read(command: ApplicationCommand): Promise<void> {
    await this.#line.flush();
    const error = await command.pass();
    if (this.#enlisted === undefined || !endsLocalTransaction(error, this.#session.rollbackOnTimeout)) return;
    await this.#serverRolledBack(this.#enlisted);
  }

  async #several(command: ApplicationCommand, analysis: Analysis, transaction: BranchOwner): Promise<void> {
    if (!command.mayHaveSeveral) await refuseSeveral(command);
    for (const statement of readForCertain(analysis))
      if (statement.kind === 'refused') throw refusalOf(statement);
    await runSeveral(command, {
      dialect: async () => (await this.#session.facts()).dialect,
      run: (part) => this.run(part, transaction),
    });
  }

  #captured(
    command: ApplicationCommand,
    statement: CapturedStatement,
    transaction: BranchOwner,
    session: BranchSession,
    write: WritePlaceholder,
  ): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    this.#hazards.refuseLockedTables();
    refuseSettings(session.facts);
    refuseEnded(transaction);
    if (!this.#open) return this.#autocommit(command, statement, transaction, session, write);
    if (this.#enlisted === undefined) {
      throw new GlobalTxError(
        'LOCAL_TRANSACTION_FOREIGN',
        'The local transaction on this connection was begun outside of the global transaction. ' +
          'End it first, or begin it inside.',
        { xid: transaction.xid },
      );
    }
    return this.#explicit(this.#enlisted, command, statement, session, write);
  }

  /** A statement in a local transaction of the application's own. */
  async #explicit(
    enlisted: Enlisted,
    command: ApplicationCommand,
    statement: CapturedStatement,
    session: BranchSession,
    write: WritePlaceholder,
  ): Promise<void> {
    const { lockWaitMs } = enlisted.transaction;
    try {
      await enlisted.statement(session, statement, write, command, lockWaitMs);
    } catch (error) {
      // Not whatever error says so: it may be of one of our own connections.
      if (this.#line.lost !== undefined) this.lose('the connection was lost');
      else if (endsLocalTransaction(error, this.#session.rollbackOnTimeout))
        await this.#serverRolledBack(enlisted);
      else if (enlisted.ran) await this.#abandon(spoilt(error, enlisted.transaction));
      throw error;
    }
    command.succeed();
  }

  #autocommit(
    command: ApplicationCommand,
    statement: CapturedStatement,
    transaction: BranchOwner,
    session: BranchSession,
    write: WritePlaceholder,
  ): Promise<void> {
    const way = {
      line: this.#line,
      enlist: () => new Enlisted(transaction, this.#line, this.#database),
      write,
      ended: () => this.#session.transactionEnded(),
    };
    return runAutocommit(way, command, statement, session);
  }

  #writer(
    { parameters: values }: ApplicationCommand,
    { rowCounts }: Analysis,
    session: BranchSession,
  ): WritePlaceholder {
    return (index) => literalOf(index, { values, rowCounts }, session.facts.dialect, this.#timezone);
  }

  async #control(
    command: ApplicationCommand,
    control: Control,
    transaction: BranchOwner,
    session: BranchSession,
  ): Promise<void> {
    const ends =
      control.verb === 'commit' ||
      control.verb === 'begin' ||
      (control.verb === 'setAutocommit' && control.on && !session.facts.autocommit);
    if (ends && this.#lost !== undefined && control.verb !== 'begin') {
      const lost = this.#lost;
      this.#lost = undefined;
      this.#close();
      throw lost;
    }
    const enlisted = this.#enlisted;
    if (ends && enlisted?.writes === true) refuseSettings(session.facts);
    try {
      if (ends && enlisted !== undefined) await this.#commit(enlisted, command, control, session);
      else if (control.verb === 'begin') await this.#sendBegin(command, transaction, session);
      else if (control.verb === 'rollback') await command.end();
      else {
        await this.#line.flush();
        // What the session says of itself is read again after a SET: it must say what the application has made of it.
        if (this.#session.changedBy(control)) await this.#line.unguard();
        await command.attempt();
      }
    } catch (error) {
      if (isInactivity(error)) await this.#unanswered(error, transaction);
      throw error;
    }
    this.#follow(control, transaction);
    command.succeed();
  }

  /** The server has gone on with a control statement after mysql2 has stopped listening: nobody knows how far. */
  async #unanswered(error: unknown, transaction: BranchOwner): Promise<void> {
    this.#session.forget();
    if (this.#enlisted === undefined) this.#uncertain = true;
    else await this.#abandon(spoilt(error, transaction));
  }

  /** A control statement that commits the open local transaction, by its name or on the way. */
  async #commit(
    enlisted: Enlisted,
    command: ApplicationCommand,
    control: Control,
    session: BranchSession,
  ): Promise<void> {
    try {
      const undoLog = await enlisted.prepare(session, enlisted.transaction.lockWaitMs);
      if (control.verb === 'begin') await enlisted.commit(undoLog);
      else if (undoLog !== undefined && control.verb === 'commit' && !control.chain && !control.release)
        command.answer(await enlisted.commit(undoLog));
      else await enlisted.commitBy(undoLog, () => command.end());
    } finally {
      this.#enlisted = undefined;
      this.#close();
    }
    if (control.verb === 'begin') await this.#sendBegin(command, enlisted.transaction, session);
  }

  /** BEGIN travels with the statement behind it, unless it has a meaning of its own. */
  async #sendBegin(
    command: ApplicationCommand,
    transaction: BranchOwner,
    { facts }: BranchSession,
  ): Promise<void> {
    const { server } = facts.dialect;
    const answer = begunAnswer(server);
    const plain = PLAIN_BEGIN.test(command.text) && facts.autocommit && !facts.readOnly && !this.#open;
    if (answer !== undefined && plain && !transaction.ended) {
      this.#line.begin(command.text);
      command.answer(answer);
      return;
    }
    await this.#line.unguard();
    await command.end();
    if (plain) keepBegunAnswer(server, command.header);
  }

  /** Takes over what a control statement that has succeeded did to the local transaction. */
  #follow(control: Control, transaction: BranchOwner | undefined): void {
    this.#session.follow(control);
    switch (control.verb) {
      case 'begin':
        this.#hazards.begun();
        this.#begin(transaction);
        return;
      case 'commit':
      case 'rollback':
        if (control.verb === 'rollback') this.#enlisted?.rolledBack();
        this.#enlisted = undefined;
        this.#lost = undefined;
        this.#close();
        if (control.chain) this.#begin(transaction);
        return;
      case 'savepoint':
        this.#enlisted?.touched.savepoint(control.name);
        return;
      case 'rollbackTo':
        this.#enlisted?.touched.rollbackTo(control.name);
        return;
      case 'releaseSavepoint':
        this.#enlisted?.touched.releaseSavepoint(control.name);
        return;
      case 'setAutocommit':
        if (control.on) this.#close();
        return;
      case 'setTransaction':
      case 'use':
      case 'set':
        return;
    }
  }

  /** Begun outside: a deadlock may have ended it since, and nobody has looked at the answers there. */
  get #foreign(): boolean {
    return this.#open && this.#enlisted === undefined && this.#lost === undefined;
  }

  async #ascertain(): Promise<void> {
    this.#open = await this.#line.inTransaction();
    this.#openUnlessAutocommit = this.#open;
    this.#uncertain = false;
  }

  #begin(transaction: BranchOwner | undefined): void {
    this.#open = true;
    this.#uncertain = false;
    this.#lost = undefined;
    this.#enlisted =
      transaction === undefined || transaction.ended
        ? undefined
        : new Enlisted(transaction, this.#line, this.#database);
  }

  #close(): void {
    this.#open = false;
    this.#openUnlessAutocommit = false;
    this.#uncertain = false;
    this.#session.transactionEnded();
  }

  /**
   * As after a deadlock in plain mysql2: the error says it, and the connection is in autocommit again. Not every such error
   * is InnoDB's, though: after MariaDB's deadlock of GET_LOCK(), and after the time-out of a metadata lock, the local
   * transaction is open still, and COMMIT would keep what is not in any undo log.
   */
  async #serverRolledBack(enlisted: Enlisted): Promise<void> {
    this.#enlisted = undefined;
    this.#close();
    await enlisted.rollback();
  }

  async #abandon(lost: GlobalTxError): Promise<void> {
    const enlisted = this.#enlisted;
    this.#enlisted = undefined;
    this.#lost = lost;
    await enlisted?.rollback();
  }
}

function spoilt(error: unknown, transaction: BranchOwner): GlobalTxError {
  return new GlobalTxError(
    'TRANSACTION_NOT_ACTIVE',
    'The local transaction was rolled back because an earlier statement could not be kept (see cause).',
    { xid: transaction.xid, cause: error },
  );
}
