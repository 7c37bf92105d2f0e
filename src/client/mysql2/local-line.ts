import type { RawResult, SqlExecutor } from '../at/executor.js';
import { DEFAULT_UNDO_LIMIT } from '../at/undo/undo-limit.js';
import {
  type Answer,
  accepted,
  type ConnectionLine,
  IN_TRANSACTION,
  type MakeCommand,
  type Outcome,
  rawAnswer,
  rawResult,
} from './connection-line.js';
import {
  type CoreCommand,
  isResultHeader,
  type PreparedStatement,
  Query,
  type ResultCallback,
} from './core.js';
import { ownStatement } from './own-statement.js';
import { endsConnection } from './server-errors.js';
import { SetMultiStatements } from './set-option.js';

/** Whatever completion_type the session has. */
const COMMIT = 'COMMIT AND NO CHAIN NO RELEASE';
const ROLLBACK = 'ROLLBACK AND NO CHAIN NO RELEASE';

/**
 * A statement of the application that travels behind others of ours must not run when one of those has ended the
 * local transaction (a deadlock), or has not begun it: it would commit by itself. Inside of a local transaction this
 * is a matter of the next one; outside of any it holds at once, and what writes is refused (error 1792).
 */
const GUARD = 'SET SESSION TRANSACTION READ ONLY';
const UNGUARD = 'SET SESSION TRANSACTION READ WRITE';

/** Set in front of a statement that may have to be taken back; the application's own have other names. */
const SAVEPOINT = 'globaltx_statement';

const SERVER_MORE_RESULTS_EXISTS = 8;

/** Reads of ours that travel with a command of the application, in front of it and behind it. */
export interface ReadsAround {
  readonly before?: string;
  readonly after: string | undefined;
  /** A savepoint goes in front of all, so that what they do can be taken back. */
  readonly savepoint?: boolean;
}

/** The answers to a command and to the reads around it. */
export interface Surrounded {
  readonly before: RawResult | Error | undefined;
  readonly own: Answer;
  readonly after: RawResult | Error | undefined;
}

/** What became of COMMIT and of the statement that went in front of it. */
export type Commit =
  | { readonly committed: true; readonly outcome: Outcome }
  /** The statement in front failed, and COMMIT was not run. */
  | { readonly committed: false; readonly error: Error };

/**
 * The line of one connection as its local transaction uses it: what need not be answered at once waits for the
 * next statement, and travels in front of it in one round trip.
 */
export class LocalLine implements SqlExecutor {
  /** Not where the application has made the session read only by itself. */
  guardable = true;
  /** What the images of one local transaction may take, in bytes. */
  readonly undoLimit: number;
  readonly #line: ConnectionLine;
  #begin: string | undefined;
  #lastBegin = '';
  #guarded = false;
  #savepoint = false;
  #notBegun = false;

  constructor(line: ConnectionLine, undoLimit = DEFAULT_UNDO_LIMIT) {
    this.#line = line;
    this.undoLimit = undoLimit;
  }

  get lost(): Error | undefined {
    return this.#line.lost;
  }

  /** BEGIN has not been sent yet. */
  get beginning(): boolean {
    return this.#begin !== undefined;
  }

  /** The last BEGIN has failed: what travelled behind it was refused. */
  get notBegun(): boolean {
    return this.#notBegun;
  }

  /** The session would refuse what the application writes outside of a local transaction. */
  get guarded(): boolean {
    return this.#guarded;
  }

  /** Begins a local transaction in front of the next statement. */
  begin(text: string): void {
    this.forget();
    this.#begin = text;
    this.#lastBegin = text;
  }

  /** A BEGIN that waits is not wanted any more. */
  forget(): void {
    this.#notBegun = false;
    this.#begin = undefined;
  }

  /** The server has made a new session of the connection. */
  reset(): void {
    this.forget();
    this.#guarded = false;
  }

  /** Sends what waits. */
  async flush(): Promise<void> {
    const opening = this.#opening();
    if (opening.length > 0) this.#begun(await this.#line.together(opening), opening.length);
  }

  async query(sql: string): Promise<RawResult> {
    return rawResult(await this.#behind(ownStatement(sql, this.undoLimit), false));
  }

  /** Runs a command of the application. */
  run(make: MakeCommand, onInactivity?: (error: Error) => void): Promise<Outcome> {
    return this.#behind(make, true, onInactivity);
  }

  /**
   * Runs a command of the application between reads of ours, in one round trip. It runs whatever becomes of what is in
   * front of it, but never outside of the local transaction. Only where the session is `guardable`.
   */
  async runBetween(
    { before, after, savepoint = false }: ReadsAround,
    make: MakeCommand,
    onInactivity?: (error: Error) => void,
  ): Promise<Surrounded> {
    const makes = this.#opening();
    const opening = makes.length;
    if (savepoint) makes.push(ownStatement(`SAVEPOINT ${SAVEPOINT}`));
    if (before !== undefined) makes.push(ownStatement(before, this.undoLimit));
    if (makes.length > 0) {
      // Each time: where an error has ended the local transaction, one from within it does not hold for what follows.
      makes.push(ownStatement(GUARD));
      this.#guarded = true;
    }
    const own = makes.length;
    makes.push(make);
    if (after !== undefined) makes.push(ownStatement(after, this.undoLimit));
    const answers = await this.#line.together(makes, onInactivity);
    this.#begun(answers, opening);
    this.#savepoint = savepoint && !(answers[opening] instanceof Error);
    return {
      before: before === undefined ? undefined : rawAnswer(answers[opening + (savepoint ? 1 : 0)]),
      own: answers[own]!,
      after: after === undefined ? undefined : rawAnswer(answers[own + 1]),
    };
  }

  /**
   * Takes back what the last command did that a savepoint went in front of.
   * @returns whether that was possible: nothing else may have run since
   */
  async takeBack(): Promise<boolean> {
    if (!this.#savepoint) return false;
    this.#savepoint = false;
    const [answer] = await this.#line.together([ownStatement(`ROLLBACK TO ${SAVEPOINT}`)]);
    return !(answer instanceof Error);
  }

  /** Runs a text of the application's that has to be prepared. */
  async runPrepared(
    sql: string,
    make: (statement: PreparedStatement, callback: ResultCallback) => CoreCommand,
    onInactivity?: (error: Error) => void,
  ): Promise<Outcome> {
    await this.flush();
    return this.#line.runPrepared(sql, make, onInactivity);
  }

  /** Runs the application's command that ends the local transaction. */
  async end(make: MakeCommand): Promise<Outcome> {
    this.forget();
    if (!this.#guarded) return this.#line.run(make);
    const [answer, unguarded] = await this.#line.together([make, ownStatement(UNGUARD)]);
    this.#lifted(unguarded);
    return accepted(answer);
  }

  /** Whether what the session says of its last statement may be of one of globaltx's own. */
  get spoken(): boolean {
    return this.beginning || this.#line.spoken;
  }

  /** Whether the server was told that a text may have several statements. */
  get takesSeveral(): boolean {
    return this.#line.takesSeveral;
  }

  /** Whether the server counts rows that were met and not only those that were changed. */
  get countsFoundRows(): boolean {
    return this.#line.countsFoundRows;
  }

  /** Prepares a text and forgets the statement again. @throws the server's error about the text */
  checkPrepared(sql: string): Promise<void> {
    return this.#line.checkPrepared(sql);
  }

  /** Passes a command of the application on; resolves when the queue has gone past it, to its error. */
  pass(command: CoreCommand): ReturnType<ConnectionLine['pass']> {
    return this.#line.pass(command);
  }

  /**
   * Sends COMMIT, and a statement in front of it, in one round trip.
   * @throws what COMMIT is answered with; the error of a lost connection
   */
  async commit(inFront: string | undefined): Promise<Commit> {
    if (inFront === undefined) {
      return { committed: true, outcome: await this.end((callback) => new Query({ sql: COMMIT }, callback)) };
    }
    if (!this.#line.pipelines) {
      try {
        await this.query(inFront);
      } catch (error) {
        if (endsConnection(error) || !(error instanceof Error)) throw error;
        return { committed: false, error };
      }
      return this.commit(undefined);
    }
    const texts = [inFront, COMMIT, ...(this.#guarded ? [UNGUARD] : [])];
    const headers: unknown[] = [];
    const text = (callback: ResultCallback) =>
      new Query({ sql: texts.join('; ') }, callback).on('result', (header) => headers.push(header));
    try {
      await this.#severalStatements(text);
      this.#guarded = false;
    } catch (error) {
      // The texts of one packet end with the first error: behind COMMIT that is the guard's.
      if (headers.length === 0 && !endsConnection(error) && error instanceof Error)
        return { committed: false, error };
      if (headers.length < 2) throw error;
    }
    return { committed: true, outcome: committed(headers[1]) };
  }

  /**
   * Rolls the local transaction back. KILL QUERY may hit a ROLLBACK, too, and MariaDB then leaves the transaction open:
   * the next BEGIN would commit it. Where it fails twice the connection is ended, and the server does it.
   * @throws the error of a lost connection
   */
  async rollback(): Promise<void> {
    const sent = !this.beginning;
    this.forget();
    if (!sent) return this.lift();
    try {
      await this.end(ownStatement(ROLLBACK));
    } catch (error) {
      if (endsConnection(error)) throw error;
      await this.end(ownStatement(ROLLBACK)).catch(() => this.#line.destroy());
    }
  }

  /** Nothing of the local transaction is wanted, but the application has not ended it. */
  async restart(): Promise<void> {
    await this.rollback();
    this.begin(this.#lastBegin);
  }

  /** Lifts the guard, if it is there. @throws the server's error: what writes would be refused */
  async unguard(): Promise<void> {
    if (!this.#guarded) return;
    await this.#line.run(ownStatement(UNGUARD));
    this.#guarded = false;
  }

  /** The same when the local transaction has ended; what fails is tried again before the next command. */
  async lift(): Promise<void> {
    if (!this.#guarded) return;
    const [answer] = await this.#line.together([ownStatement(UNGUARD)]);
    this.#lifted(answer);
  }

  #lifted(answer: Answer | undefined): void {
    if (!(answer instanceof Error) || endsConnection(answer)) this.#guarded = false;
  }

  /** Runs a command behind a BEGIN that waits. */
  async #behind(make: MakeCommand, guard: boolean, onInactivity?: (error: Error) => void): Promise<Outcome> {
    if (guard && !this.guardable) await this.flush();
    const makes = this.#opening();
    const opening = makes.length;
    if (opening === 0) return this.#line.run(make, onInactivity);
    if (guard) makes.push(ownStatement(GUARD));
    makes.push(make);
    if (guard) this.#guarded = true;
    const answers = await this.#line.together(makes, onInactivity);
    this.#begun(answers, opening);
    return accepted(answers.at(-1));
  }

  /**
   * A BEGIN that waits, to be sent now. A guard that could not be lifted (KILL QUERY) is lifted in front of it: the local
   * transaction would be read only.
   */
  #opening(): MakeCommand[] {
    const begin = this.#begin;
    if (begin === undefined) return [];
    this.forget();
    if (!this.#guarded) return [ownStatement(begin)];
    this.#guarded = false;
    return [ownStatement(UNGUARD), ownStatement(begin)];
  }

  /** @throws the error that BEGIN, or what is in front of it, was answered with */
  #begun(answers: readonly Answer[], opening: number): void {
    const failed = answers.slice(0, opening).find((answer) => answer instanceof Error);
    if (failed === undefined) return;
    this.#notBegun = true;
    if (opening > 1 && answers[0] instanceof Error) this.#guarded = true;
    throw failed;
  }

  /** Whether the server has a local transaction open. */
  inTransaction(): Promise<boolean> {
    return this.#line.inTransaction();
  }

  /** The option is on for our own text only, never for one of the application's. */
  async #severalStatements(text: MakeCommand): Promise<Outcome> {
    if (this.#line.takesSeveral)
      return accepted((await this.#line.together([text, ownStatement('DO 0')]))[0]);
    const [, answer, off] = await this.#line.together([
      (callback) => new SetMultiStatements(true, callback),
      text,
      (callback) => new SetMultiStatements(false, callback),
    ]);
    // Where it could not be taken back, no text of the application may follow.
    if (off instanceof Error) this.#line.destroy();
    return accepted(answer);
  }
}

function committed(header: unknown): Outcome {
  if (isResultHeader(header)) header.serverStatus &= ~(SERVER_MORE_RESULTS_EXISTS | IN_TRANSACTION);
  return { rows: header, fields: undefined };
}
