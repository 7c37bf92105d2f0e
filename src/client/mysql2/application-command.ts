import type { BoundStatement, StatementCounts } from '../at/branch/capture-context.js';
import type { RawValue } from '../at/executor.js';
import type { Statement } from '../at/sql/analysis.js';
import { answerPackets } from './answered-packets.js';
import { callbackOf, IN_TRANSACTION, type MakeCommand, type Outcome } from './connection-line.js';
import {
  type ExecuteCommand,
  executeOther,
  isExecute,
  isResultHeader,
  likeExecute,
  likeQuery,
  type QueryCommand,
  type ResultCallback,
  type ResultHeader,
} from './core.js';
import type { LastAnswer } from './last-answer.js';
import type { LocalLine, ReadsAround, Surrounded } from './local-line.js';
import { endsConnection } from './server-errors.js';
import { thrownOutside } from './thrown-outside.js';

/** `Rows matched: 2  Changed: 1  Warnings: 0`, which both servers send with the answer to an UPDATE. */
const ROWS_MATCHED = /^Rows matched: (\d+)/;

/** `Records: 3  Duplicates: 1  Warnings: 0`, with the answer to an INSERT of several rows. */
const DUPLICATES = /^Records: \d+ +Duplicates: (\d+)/;

/** What MariaDB leaves out of the answer to an UPDATE whose condition is FALSE, as that of one bound to no rows is. */
const NOTHING_MATCHED = 'Rows matched: 0  Changed: 0  Warnings: 0';

/** What came of an attempt with reads around it. */
type Attempt = Pick<Surrounded, 'before' | 'after'> & { readonly ran: StatementCounts | Error };

/**
 * A command of the application that is not sent itself: commands like it are run in its place, as often as
 * it takes, and it is handed the outcome of the last one.
 */
export class ApplicationCommand {
  readonly #line: LocalLine;
  readonly #command: QueryCommand | ExecuteCommand;
  #outcome: Outcome | undefined;
  #warnings: readonly (readonly RawValue[])[] | undefined;
  /** Of the statements of its text that have run, when it has several. */
  #several: Outcome[] | undefined;
  #delivered = false;

  constructor(line: LocalLine, command: QueryCommand | ExecuteCommand) {
    this.#line = line;
    this.#command = command;
  }

  /** What came of the last attempt. */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** Level, code and message of each warning of the last attempt; undefined where they could not be asked for. */
  get warnings(): readonly (readonly RawValue[])[] | undefined {
    return this.#warnings;
  }

  get text(): string {
    return isExecute(this.#command) ? (this.#command.statement?.query ?? '') : this.#command.sql;
  }

  get parameters(): readonly unknown[] {
    return isExecute(this.#command) ? (this.#command.parameters ?? []) : [];
  }

  /** Whether the server takes several statements in its text. */
  get mayHaveSeveral(): boolean {
    return !isExecute(this.#command) && this.#line.takesSeveral;
  }

  /** A command like this one for one of several statements in its text. */
  part(text: string): { readonly part: ApplicationCommand; readonly outcome: Promise<Outcome> } {
    const whole = this.#command as QueryCommand;
    let settle: ResultCallback = () => {};
    const outcome = new Promise<Outcome>((resolve, reject) => {
      settle = (error, rows, fields) => {
        if (error === null || error === undefined) return resolve({ rows, fields });
        this.fail(error);
        reject(error);
      };
    });
    return { part: new ApplicationCommand(this.#line, likeQuery(whole, text, settle)), outcome };
  }

  /** Takes the outcome of the next of several statements: who listens to events is told at once, as by mysql2. */
  add(outcome: Outcome): void {
    this.#several ??= [];
    this.#several.push(outcome);
    if (callbackOf(this.#command) === undefined) this.#emit(outcome, this.#several.length - 1);
  }

  /** @throws the server's error about a text that is not one statement */
  prepareAlone(): Promise<void> {
    return this.#line.checkPrepared(this.text);
  }

  /** Sends the command itself and leaves its answer to mysql2; resolves to its error. */
  pass(): ReturnType<LocalLine['pass']> {
    this.#delivered = true;
    return this.#line.pass(this.#command);
  }

  /**
   * Gives an answer in the place of the server's when the command is passed on.
   * @returns whether the command takes it
   */
  answerWith(answer: LastAnswer): boolean {
    const binary = isExecute(this.#command);
    if (binary && answer.kind === 'counts' && answer.values.includes(undefined)) return false;
    answerPackets(this.#command, answer, binary);
    return true;
  }

  /** Runs a command like the application's, or the text given in its place, and keeps its outcome. */
  async attempt(bound?: BoundStatement, kind?: Statement['kind']): Promise<StatementCounts> {
    const outcome = await this.#send(bound);
    this.#outcome = outcome;
    if (bound !== undefined && (kind === 'update' || kind === 'joinedUpdate'))
      tellNothingMatched(outcome.rows);
    await this.#keepWarnings();
    return this.#counts(outcome.rows);
  }

  #counts(rows: unknown): StatementCounts {
    const duplicates = this.#line.countsFoundRows ? DUPLICATES.exec(infoOf(rows))?.[1] : undefined;
    return {
      matched: matchedRows(rows),
      duplicates: duplicates === undefined ? undefined : Number(duplicates),
    };
  }

  /** Runs a command like the application's between reads, in one round trip, and keeps its outcome. */
  async attemptBetween(reads: ReadsAround): Promise<Attempt> {
    const { before, own, after } = await this.#line.runBetween(reads, this.#same(), (error) =>
      this.fail(error),
    );
    if (own instanceof Error) return { before, ran: own, after };
    this.#outcome = own;
    // A read behind it has taken them away.
    this.#warnings = undefined;
    if (after === undefined) await this.#keepWarnings();
    return { before, ran: this.#counts(own.rows), after };
  }

  /**
   * What comes next takes them away. The statement has run: a KILL QUERY that comes only now is none of its concern, as it
   * is none in plain mysql2, and must not make it one that has failed.
   */
  async #keepWarnings(): Promise<void> {
    this.#warnings = undefined;
    if ((this.header?.warningStatus ?? 0) === 0) return;
    try {
      this.#warnings = (await this.#line.query('SHOW WARNINGS')).rows;
    } catch (error) {
      if (endsConnection(error)) throw error;
    }
  }

  /** Runs the application's command, which ends the local transaction, and keeps its outcome. */
  async end(): Promise<void> {
    this.#outcome = await this.#line.end(this.#same());
  }

  /** Keeps an outcome that was come by otherwise. */
  answer(outcome: Outcome): void {
    this.#outcome = outcome;
  }

  /** What the server has answered, if that was not rows. */
  get header(): ResultHeader | undefined {
    const rows = this.#outcome?.rows;
    return isResultHeader(rows) ? rows : undefined;
  }

  #same(): MakeCommand {
    const command = this.#command;
    return isExecute(command)
      ? (callback) => likeExecute(command, callback)
      : (callback) => likeQuery(command, command.sql, callback);
  }

  /** What stands in the command's place goes the way that it would have gone: the protocols print FLOAT differently. */
  #send(bound: BoundStatement | undefined): Promise<Outcome> {
    const command = this.#command;
    // mysql2's own time-out speaks long before the server does: the application is told at once.
    const onInactivity = (error: Error) => this.fail(error);
    if (bound === undefined) return this.#line.run(this.#same(), onInactivity);
    if (!isExecute(command)) {
      const { sql } = written(bound, []);
      return this.#line.run((callback) => likeQuery(command, sql, callback), onInactivity);
    }
    const { sql, values } = written(bound, this.parameters);
    return this.#line.runPrepared(
      sql,
      (statement, callback) => executeOther(command, statement, values, callback),
      onInactivity,
    );
  }

  /** Hands the outcome of the last attempt to the application. */
  succeed(): void {
    const outcome = this.#several === undefined ? this.#outcome : combined(this.#several);
    if (this.#delivered || outcome === undefined) return;
    this.#delivered = true;
    const { rows, fields } = outcome;
    const callback = callbackOf(this.#command);
    if (callback === undefined && this.#several === undefined) this.#emit(outcome, 0);
    this.#tell('end');
    // mysql2's own order: the queue goes on first, the callback follows in the next tick.
    if (callback !== undefined)
      process.nextTick(() => (fields === undefined ? callback(null, rows) : callback(null, rows, fields)));
  }

  #emit({ rows, fields }: Outcome, index: number): void {
    if (isResultHeader(rows)) {
      this.#tell('fields', undefined);
      this.#tell('result', rows);
      return;
    }
    if (isExecute(this.#command)) this.#tell('fields', fields, 0);
    else this.#tell('fields', fields);
    for (const row of rows as readonly unknown[]) this.#tell('result', row, index);
  }

  #tell(event: string, ...what: unknown[]): void {
    thrownOutside(() => this.#command.emit(event, ...what));
  }

  /** The statement ran in a local transaction that the application did not ask for: its answer must not tell. */
  hideTransaction(): void {
    const { header } = this;
    if (header !== undefined) header.serverStatus &= ~IN_TRANSACTION;
  }

  fail(error: Error): void {
    if (this.#delivered) return;
    this.#delivered = true;
    if ('sql' in error) error.sql = this.text;
    const callback = callbackOf(this.#command);
    if (callback === undefined) this.#tell('error', error);
    else thrownOutside(() => callback(error));
    this.#tell('end');
  }
}

/** The text with placeholders of its own, and what is bound to them. */
function written(
  bound: BoundStatement,
  parameters: readonly unknown[],
): { readonly sql: string; readonly values: readonly unknown[] } {
  if (typeof bound === 'string') return { sql: bound, values: [] };
  const values: unknown[] = [];
  const sql = bound((index) => {
    values.push(parameters[index]);
    return '?';
  });
  return { sql, values };
}

/** As mysql2 puts the results of a text together. */
function combined(several: readonly Outcome[]): Outcome | undefined {
  if (several.length <= 1) return several[0];
  return { rows: several.map(({ rows }) => rows), fields: several.map(({ fields }) => fields) };
}

function tellNothingMatched(rows: unknown): void {
  if (isResultHeader(rows) && rows.affectedRows === 0 && !rows.info) rows.info = NOTHING_MATCHED;
}

function infoOf(rows: unknown): string {
  return isResultHeader(rows) ? (rows.info ?? '') : '';
}

function matchedRows(rows: unknown): number {
  if (!isResultHeader(rows)) return (rows as readonly unknown[]).length;
  const matched = ROWS_MATCHED.exec(infoOf(rows));
  return matched === null ? rows.affectedRows : Number(matched[1]);
}
