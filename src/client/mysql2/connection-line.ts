import { errorMonitor } from 'node:events';
import type { RawResult, RawValue, ResultField, SqlExecutor } from '../at/executor.js';
import {
  type AddCommand,
  type CoreCommand,
  type CoreConnection,
  forgetStatement,
  isExecute,
  isQuery,
  isResultHeader,
  type PreparedStatement,
  prepareCommand,
  Query,
  type ResultCallback,
} from './core.js';
import { ownStatement } from './own-statement.js';
import { Pipeline } from './pipeline.js';
import { isInactivity } from './server-errors.js';
import { thrownOutside } from './thrown-outside.js';

/** SERVER_STATUS_IN_TRANS of the protocol's status flags. */
export const IN_TRANSACTION = 1;

/** CLIENT_FOUND_ROWS and CLIENT_MULTI_STATEMENTS of the protocol's capabilities. */
const FOUND_ROWS = 2;
const MULTI_STATEMENTS = 0x1_0000;

/** What a command brought. */
export interface Outcome {
  readonly rows: unknown;
  readonly fields: unknown;
}

/** What became of one of several commands: the error that it was answered with, or what it brought. */
export type Answer = Outcome | Error;

/** Makes a command that is not in any queue yet. */
export type MakeCommand = (callback: ResultCallback) => CoreCommand;

export function rawResult({ rows, fields }: Outcome): RawResult {
  if (isResultHeader(rows)) {
    return { fields: [], rows: [], affectedRows: rows.affectedRows, warningStatus: rows.warningStatus };
  }
  return {
    fields: fields as readonly ResultField[],
    rows: rows as readonly (readonly RawValue[])[],
    affectedRows: 0,
    warningStatus: 0,
  };
}

/** What one of several commands brought. @throws the error that it was answered with */
export function accepted(answer: Answer | undefined): Outcome {
  if (answer === undefined || answer instanceof Error) throw answer ?? closed();
  return answer;
}

/** The same as rows, the error kept. */
export function rawAnswer(answer: Answer | undefined): RawResult | Error {
  return answer === undefined || answer instanceof Error ? (answer ?? closed()) : rawResult(answer);
}

export function callbackOf(command: CoreCommand): ResultCallback | undefined {
  return typeof command.onResult === 'function' ? command.onResult : undefined;
}

/** Tells of a command's error whoever is told of it, too: an 'error' that nobody else hears still ends the process. */
function overhear(command: CoreCommand, tell: (error: Error) => void): void {
  const callback = callbackOf(command);
  if (callback === undefined) {
    command.once(errorMonitor, tell);
    return;
  }
  command.onResult = function (this: unknown, error, ...rest) {
    if (error instanceof Error) tell(error);
    return callback.call(this, error, ...rest);
  };
}

/** Answers a command that is not sent. */
export function failCommand(command: CoreCommand, error: Error): void {
  const callback = callbackOf(command);
  if (callback !== undefined) thrownOutside(() => callback(error));
  // Nobody waits for COM_STMT_CLOSE, and without a listener 'error' would end the process.
  else if (command.listenerCount('error') > 0) thrownOutside(() => command.emit('error', error));
  thrownOutside(() => command.emit('end'));
}

function isFatal(error: Error): boolean {
  return (error as { fatal?: unknown }).fatal === true;
}

function closed(): Error {
  return Object.assign(new Error('Connection closed.'), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true });
}

/**
 * mysql2's own command queue of one connection, with answers as promises that settle whatever becomes of the
 * connection. mysql2 itself leaves a command without an answer when the connection is destroyed under it.
 */
export class ConnectionLine implements SqlExecutor {
  readonly #connection: CoreConnection;
  readonly #add: AddCommand;
  readonly #waiting = new Set<(error: Error) => void>();
  #lost: Error | undefined;
  /** The last statement was made here, and not passed. */
  #spoken = false;

  /** @param add mysql2's own way into the queue, from before it was taken over */
  constructor(connection: CoreConnection, add: AddCommand) {
    this.#connection = connection;
    this.#add = add;
    const notify = connection._notifyError;
    connection._notifyError = (error) => {
      try {
        notify.call(connection, error);
      } finally {
        // mysql2 tells the application, whose callbacks may throw.
        this.#lose(error);
      }
    };
    connection.stream.once('close', () => {
      this.#lose(closed());
    });
  }

  /** Why nothing can be sent any more. */
  get lost(): Error | undefined {
    const { _fatalError, _protocolError, _closing } = this.#connection;
    // A connection that was destroyed has still to hear of its end: until then mysql2 would write to it.
    return this.#lost ?? _fatalError ?? _protocolError ?? (_closing ? closed() : undefined);
  }

  /** Whether what the session says of its last statement (ROW_COUNT(), warnings) may be of one of globaltx's own. */
  get spoken(): boolean {
    return this.#spoken;
  }

  /** Whether the server was told that a text may have several statements. */
  get takesSeveral(): boolean {
    return (Number(this.#connection.config.clientFlags) & MULTI_STATEMENTS) !== 0;
  }

  /** Whether the server counts rows that were met and not only those that were changed. */
  get countsFoundRows(): boolean {
    return (Number(this.#connection.config.clientFlags) & FOUND_ROWS) !== 0;
  }

  /** Whether several commands are written at once: the compressed protocol numbers its own packets too. */
  get pipelines(): boolean {
    return !this.#connection.config.compress;
  }

  #lose(error: Error): void {
    if (!isFatal(error)) return;
    this.#lost ??= error;
    for (const settle of this.#waiting) settle(error);
    this.#waiting.clear();
  }

  /** Sends a command as it is; resolves when the queue has gone past it: to its error, if that was the answer. */
  pass(command: CoreCommand): Promise<Error | undefined> | Error | undefined {
    const { lost } = this;
    if (lost !== undefined) {
      failCommand(command, lost);
      return lost;
    }
    if (isQuery(command) || isExecute(command)) this.#spoken = false;
    let failure: Error | undefined;
    overhear(command, (error) => {
      failure = error;
    });
    let past = false;
    let settle = () => {
      past = true;
    };
    command.once('end', () => settle());
    this.#add.call(this.#connection, command);
    // A PREPARE of what is prepared already is over at once.
    if (past) return failure;
    return new Promise((resolve) => {
      settle = () => {
        this.#waiting.delete(settle);
        resolve(failure);
      };
      this.#waiting.add(settle);
    });
  }

  /**
   * Runs a command made here and waits for its answer.
   * @param onInactivity told of mysql2's inactivity time-out at once; the promise waits for the server
   */
  run(make: MakeCommand, onInactivity?: (error: Error) => void): Promise<Outcome> {
    const { lost } = this;
    if (lost !== undefined) return Promise.reject(lost);
    this.#spoken = true;
    return new Promise((resolve, reject) => {
      let answer: Answer | undefined;
      const settle = (error?: Error) => {
        this.#waiting.delete(settle);
        answer ??= error ?? closed();
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      };
      this.#waiting.add(settle);
      const command = make((error, rows, fields) => {
        answer ??= error ?? { rows, fields };
        if (error === null || error === undefined) return;
        if (isInactivity(error)) onInactivity?.(error);
        else if (isFatal(error)) settle(error);
      });
      // On success mysql2 emits 'end' first and calls back in the next tick.
      command.once('end', () => process.nextTick(settle));
      this.#add.call(this.#connection, command);
    });
  }

  /**
   * Sends several commands in one round trip. All of them run, whatever becomes of those before.
   * @param onInactivity as of `run`, of whichever command has such a time-out
   * @returns their answers, once all of them are there
   */
  together(makes: readonly MakeCommand[], onInactivity?: (error: Error) => void): Promise<readonly Answer[]> {
    const { lost } = this;
    if (lost !== undefined) return Promise.resolve(makes.map(() => lost));
    this.#spoken = true;
    return new Promise((resolve) => {
      const answers: (Answer | undefined)[] = makes.map(() => undefined);
      let unanswered = makes.length;
      const settle = (error?: Error) => {
        this.#waiting.delete(settle);
        resolve(answers.map((answer) => answer ?? error ?? closed()));
      };
      const ended = () => {
        unanswered -= 1;
        // On success mysql2 emits 'end' first and calls back in the next tick.
        if (unanswered === 0) process.nextTick(settle);
      };
      this.#waiting.add(settle);
      const commands = makes.map((make, at) => {
        const command = make((error, rows, fields) => {
          answers[at] ??= error ?? { rows, fields };
          if (error === null || error === undefined) return;
          if (isInactivity(error)) onInactivity?.(error);
          else if (isFatal(error)) settle(error);
        });
        return command.once('end', ended);
      });
      const sent = this.pipelines ? [new Pipeline(commands)] : commands;
      for (const command of sent) this.#add.call(this.#connection, command);
    });
  }

  /** Whether the server has a local transaction open: it says so with every answer, this one costs it nothing. */
  async inTransaction(): Promise<boolean> {
    const { rows } = await this.run((callback) => new Query({ sql: 'DO 0' }, callback));
    return isResultHeader(rows) && (rows.serverStatus & IN_TRANSACTION) !== 0;
  }

  /** Prepares a text, runs the command that `make` makes of it, and forgets the statement again. */
  async runPrepared(
    sql: string,
    make: (statement: PreparedStatement, callback: ResultCallback) => CoreCommand,
    onInactivity?: (error: Error) => void,
  ): Promise<Outcome> {
    const { rows } = await this.run((callback) => prepareCommand(this.#connection, sql, callback));
    try {
      return await this.run((callback) => make(rows as PreparedStatement, callback), onInactivity);
    } finally {
      if (this.lost === undefined) forgetStatement(this.#connection, { sql });
    }
  }

  /** Prepares a text and forgets the statement again. @throws the server's error about the text */
  async checkPrepared(sql: string): Promise<void> {
    await this.run((callback) => prepareCommand(this.#connection, sql, callback));
    forgetStatement(this.#connection, { sql });
  }

  /** Runs a statement of globaltx's own. */
  async query(sql: string): Promise<RawResult> {
    return rawResult(await this.run(ownStatement(sql)));
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#connection.stream.destroy?.();
  }
}
