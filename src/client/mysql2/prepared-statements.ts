import { type CoreCommand, type CoreConnection, forgetStatement, type PreparedStatement } from './core.js';
import type { Session } from './session.js';

/** COM_STMT_PREPARE, answered from the connection's own cache when the text has been prepared before. */
interface PrepareCommand extends CoreCommand {
  readonly options: { readonly sql: string };
}

function isPrepare(command: CoreCommand): command is PrepareCommand {
  return command.constructor.name === 'Prepare';
}

/**
 * When each prepared statement was prepared. The server has resolved it then: the names of its tables by the
 * default schema, its quotes by the sql_mode of that moment. After USE or SET the same text means something else.
 */
export class PreparedStatements {
  readonly #connection: CoreConnection;
  readonly #session: Session;
  readonly #epochs = new WeakMap<object, number>();

  constructor(connection: CoreConnection, session: Session) {
    this.#connection = connection;
    this.#session = session;
  }

  /** Called for every command in the order in which the server gets them. */
  follow(command: CoreCommand): void {
    if (!isPrepare(command)) return;
    const { epoch } = this.#session;
    const { onResult } = command;
    const epochs = this.#epochs;
    command.onResult = function (this: unknown, error, statement, ...rest) {
      if (typeof statement === 'object' && statement !== null && !epochs.has(statement)) {
        epochs.set(statement, epoch);
      }
      return onResult?.call(this, error, statement, ...rest);
    };
  }

  /** Takes a stale statement out of mysql2's cache, so that the command prepares it anew. */
  renew(command: CoreCommand): void {
    if (!isPrepare(command)) return;
    const connection = this.#connection;
    const known = connection._statements.get(connection.constructor.statementKey(command.options));
    if (known !== undefined && this.stale(known)) forgetStatement(connection, command.options);
  }

  stale(statement: PreparedStatement): boolean {
    return this.#epochs.get(statement) !== this.#session.epoch;
  }
}
