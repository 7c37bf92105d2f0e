import type { EventEmitter } from 'node:events';
import mysql from 'mysql2';

/**
 * The core (callback) objects of mysql2 as far as the driver leans on them, by structure, so that no version
 * of mysql2 is nailed down. The promise API delegates to the same objects.
 */

/** The callback of a command. */
export type ResultCallback = (error: Error | null, rows?: unknown, fields?: unknown) => void;

/** Whatever can stand in a connection's command queue. */
export interface CoreCommand extends EventEmitter {
  onResult?: ResultCallback | undefined;
  /**
   * Writes the command when there is no packet yet, else takes in a packet of its answer.
   * @returns whether the command is done
   */
  execute(packet: unknown, connection: CoreConnection): boolean;
}

/** COM_QUERY: its text is complete when it reaches the queue. */
export interface QueryCommand extends CoreCommand {
  sql: string;
  readonly _queryOptions: Readonly<Record<string, unknown>>;
  /** The rows so far, of each result. */
  readonly _rows: unknown[][];
}

export interface PreparedStatement {
  readonly query: string;
}

/** COM_STMT_EXECUTE: `statement` is there once the PREPARE before it in the queue has succeeded. */
export interface ExecuteCommand extends CoreCommand {
  statement?: PreparedStatement | undefined;
  readonly sql?: string | undefined;
  readonly parameters?: readonly unknown[] | undefined;
  readonly _executeOptions: Readonly<Record<string, unknown>>;
}

type CommandConstructor<Command> = new (
  options: Readonly<Record<string, unknown>>,
  callback?: ResultCallback,
) => Command;

export type AddCommand = <Command extends CoreCommand>(command: Command) => Command;

export interface CoreConnection extends EventEmitter {
  readonly config: Readonly<Record<string, unknown>> & { readonly database?: string | undefined };
  readonly stream: EventEmitter & { cork?(): void; uncork?(): void; destroy?(): void };
  readonly clientEncoding: string;
  /** The number of the next packet of the command under way. */
  sequenceId: number;
  compressedSequenceId: number;
  write(buffer: Buffer): void;
  /** Null until the server has said what it is. */
  readonly _handshakePacket?: object | null;
  readonly _isMariaDB?: boolean;
  readonly _closing?: boolean;
  readonly _fatalError?: Error | null;
  readonly _protocolError?: Error | null;
  addCommand: AddCommand;
  /** Stands in the place of `addCommand` from the call of `end` on. */
  readonly _addCommandClosedState: AddCommand;
  /** Prepared statements by `statementKey`; `unprepare` takes one out and closes it. */
  readonly _statements: { get(key: string): PreparedStatement | undefined };
  unprepare(options: { readonly sql: string }): unknown;
  prepare(options: { readonly sql: string }, callback: ResultCallback): CoreCommand;
  readonly constructor: { statementKey(options: { readonly sql: string }): string } & NewableFunction;
  _notifyError(error: Error): void;
}

export type ConnectionCallback = (error: Error | null, connection?: CoreConnection) => void;

export interface CorePool extends EventEmitter {
  readonly config: { readonly connectionConfig: Readonly<Record<string, unknown>> };
  getConnection(callback: ConnectionCallback): void;
  releaseConnection(connection: CoreConnection): void;
  end(callback?: (error?: Error | null) => void): void;
}

export interface CoreCluster {
  /** By id; `add` writes into it. */
  _nodes: Readonly<Record<string, { readonly pool: CorePool } | undefined>>;
}

/** mysql2's own class of COM_QUERY commands, which it doesn't export by name. */
const createQuery = (mysql as unknown as { createQuery(...args: unknown[]): QueryCommand }).createQuery;
export const Query = createQuery('', undefined, undefined, {})
  .constructor as CommandConstructor<QueryCommand>;

export function isQuery(command: CoreCommand): command is QueryCommand {
  return command instanceof Query;
}

export function isExecute(command: CoreCommand): command is ExecuteCommand {
  return '_executeOptions' in command;
}

/** A further command like the given one, to be run in its place. */
export function likeExecute(command: ExecuteCommand, callback: ResultCallback): ExecuteCommand {
  const Execute = command.constructor as CommandConstructor<ExecuteCommand>;
  return new Execute(
    { ...command._executeOptions, statement: command.statement, values: command.parameters },
    callback,
  );
}

/** The same with another statement and its values. */
export function executeOther(
  command: ExecuteCommand,
  statement: PreparedStatement,
  values: readonly unknown[],
  callback: ResultCallback,
): ExecuteCommand {
  const Execute = command.constructor as CommandConstructor<ExecuteCommand>;
  return new Execute({ ...command._executeOptions, sql: statement.query, statement, values }, callback);
}

/** A COM_STMT_PREPARE, made by mysql2 and not yet in any queue: its class is not exported. */
export function prepareCommand(
  connection: CoreConnection,
  sql: string,
  callback: ResultCallback,
): CoreCommand {
  const nowhere = { addCommand: (command: CoreCommand) => command };
  return connection.prepare.call(nowhere as unknown as CoreConnection, { sql }, callback);
}

/** Takes a prepared statement out of the cache and closes it; on a connection that is about to end the server does so. */
export function forgetStatement(connection: CoreConnection, options: { readonly sql: string }): void {
  if (connection.addCommand !== connection._addCommandClosedState) connection.unprepare(options);
}

export function likeQuery(command: QueryCommand, sql: string, callback: ResultCallback): QueryCommand {
  return new Query({ ...command._queryOptions, sql, values: undefined }, callback);
}

/** What mysql2 gives for a statement that returns no rows. */
export interface ResultHeader {
  readonly affectedRows: number;
  info?: string;
  serverStatus: number;
  readonly warningStatus: number;
  /** Where the server has said something of the session. */
  stateChanges?: {
    readonly systemVariables: Readonly<Record<string, string>>;
    readonly schema: string | null;
    readonly gtids: readonly string[];
    readonly trackStateChange: string | null;
  };
}

export function isResultHeader(rows: unknown): rows is ResultHeader {
  return typeof rows === 'object' && rows !== null && 'affectedRows' in rows;
}
