import { AsyncResource } from 'node:async_hooks';
import { GlobalTxError } from '../../protocol/errors.js';
import type { BranchDatabase } from '../at/branch/database.js';
import { mayControl } from '../at/sql/index.js';
import { requireClient } from '../process-client.js';
import { currentTransaction } from '../transaction/context.js';
import { currentGlobalLock, type GlobalLock } from '../transaction/global-lock.js';
import { LockHolder } from '../transaction/lock-holder.js';
import type { BranchOwner } from '../transaction/transaction.js';
import { ApplicationCommand } from './application-command.js';
import { ConnectionLine, failCommand } from './connection-line.js';
import {
  type AddCommand,
  type CoreCommand,
  type CoreConnection,
  type ExecuteCommand,
  isExecute,
  isQuery,
  type QueryCommand,
} from './core.js';
import { LocalLine } from './local-line.js';
import { LocalTransaction } from './local-transaction.js';
import type { OwnSettings } from './pool-options.js';
import { PreparedStatements } from './prepared-statements.js';
import { Presence } from './presence.js';
import { asError } from './server-errors.js';
import { Session } from './session.js';

/** One turn on the connection, from when it is asked for until the queue may go on. */
type Turn = () => Promise<void> | undefined;

function nextTick(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** Commands by which the server forgets the local transaction, and what to say of it. */
const ENDING_COMMANDS: ReadonlyMap<string, string> = new Map([
  ['ChangeUser', 'the connection changed its user'],
  ['ResetConnection', 'the connection was reset'],
  ['Quit', 'the connection was ended'],
]);

const gates = new WeakMap<CoreConnection, Gate>();

/**
 * Stands before the command queue of one connection. Outside of a global transaction a command goes straight
 * through. Inside, commands take turns: each may need statements of ours before and after it, and what was
 * asked for later must wait until it is done.
 */
export class Gate {
  readonly #connection: CoreConnection;
  readonly #add: AddCommand;
  readonly #line: LocalLine;
  readonly #session: Session;
  readonly #local: LocalTransaction;
  readonly #prepared: PreparedStatements;
  readonly #presence: Presence;
  readonly #lock: GlobalLock | undefined;
  readonly #turns: Turn[] = [];
  #busy = false;
  /** The command of the turn that is being taken has its answer. */
  #answered = false;
  #holder: LockHolder | undefined;

  private constructor(connection: CoreConnection, database: BranchDatabase, own: OwnSettings) {
    this.#connection = connection;
    this.#lock = own.globalLock;
    this.#add = connection.addCommand;
    const line = new ConnectionLine(connection, this.#add);
    this.#line = new LocalLine(line, own.undoLimit);
    this.#session = new Session(line, () => {
      if (!connection._handshakePacket) return undefined;
      return connection._isMariaDB === true ? 'mariadb' : 'mysql';
    });
    this.#local = new LocalTransaction(
      this.#line,
      this.#session,
      database,
      String(connection.config.timezone ?? 'local'),
    );
    this.#prepared = new PreparedStatements(connection, this.#session);
    this.#presence = new Presence(this.#local, (task) => this.#inTurn(task));
  }

  /**
   * Takes over the connection's queue. Once is enough: a second call changes nothing.
   * @param own with a `globalLock` every local transaction respects the global locks
   */
  static install(connection: CoreConnection, database: BranchDatabase, own: OwnSettings): Gate {
    let gate = gates.get(connection);
    if (gate === undefined) {
      gate = new Gate(connection, database, own);
      gates.set(connection, gate);
      connection.addCommand = gate.#receive;
    }
    return gate;
  }

  static of(connection: CoreConnection): Gate | undefined {
    return gates.get(connection);
  }

  /**
   * The connection goes back to its pool. A local transaction of a global one must not go along: whoever gets
   * the connection next would write in it.
   * @returns undefined when there is nothing to do
   */
  giveBack(): Promise<void> | undefined {
    const { transaction } = this.#local;
    // A pool takes its connection back at the very 'end' of its query, so that the next one finds it free.
    const idle = !this.#busy || (this.#answered && this.#turns.length === 0);
    if (transaction === undefined && idle) {
      this.#local.released();
      return undefined;
    }
    return this.#inTurn(async () => {
      const open = this.#local.transaction;
      if (open !== undefined) {
        if (this.#local.writes) {
          open.setRollbackOnly('a connection was released with an open local transaction');
        }
        await this.#local.abandon('its connection was released');
      }
      this.#local.released();
      this.#presence.update();
    });
  }

  readonly #receive: AddCommand = (command) => {
    const transaction = currentTransaction();
    const lock = transaction === undefined ? (currentGlobalLock() ?? this.#lock) : undefined;
    const plain = transaction === undefined && lock === undefined;
    if (plain && !this.#busy && this.#local.transaction === undefined && !this.#line.guarded) {
      this.#follow(command);
      return this.#add.call(this.#connection, command) as typeof command;
    }
    bindToCaller(command);
    command.once('end', () => {
      this.#answered = true;
    });
    // In one that has ended nothing is enlisted: what would write is refused when its turn comes.
    const enlists = transaction !== undefined && !transaction.ended;
    const leave = enlists ? this.#presence.enter(transaction) : undefined;
    this.#enqueue(() => this.#perform(command, transaction ?? this.#lockHolder(lock), leave));
    return command;
  };

  /** Who takes the global locks of a local transaction that is not global itself. */
  #lockHolder(lock: GlobalLock | undefined): BranchOwner | undefined {
    if (lock === undefined) return undefined;
    this.#holder ??= new LockHolder(() => requireClient().manager.lockServices());
    if (this.#local.transaction === undefined) this.#holder.lockWaitMs = lock.lockWaitMs;
    return this.#holder;
  }

  /** Does something of our own when the turns that were asked for before are over. */
  #inTurn(task: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#enqueue(() => task().then(resolve, reject));
    });
  }

  #enqueue(turn: Turn): void {
    this.#turns.push(turn);
    if (this.#busy) return;
    this.#busy = true;
    void this.#work();
  }

  async #work(): Promise<void> {
    for (let turn = this.#turns.shift(); turn !== undefined; turn = this.#turns.shift()) {
      this.#answered = false;
      try {
        const under = turn();
        if (under !== undefined) await under;
      } catch (error) {
        // What a callback of the application throws ends the process, as with mysql2, and not this queue.
        process.nextTick(() => {
          throw error;
        });
      }
      // mysql2 calls back in the next tick, and by then nothing that was asked for later has been answered.
      if (this.#turns.length > 0) await nextTick();
    }
    this.#busy = false;
  }

  /** @param leave called when the turn is over */
  #perform(
    command: CoreCommand,
    asked: BranchOwner | undefined,
    leave: (() => void) | undefined,
  ): Promise<void> | undefined {
    const transaction = this.#local.transaction ?? asked;
    const statement = isQuery(command) || (isExecute(command) && command.statement !== undefined);
    if (statement && transaction !== undefined) return this.#run(command, transaction, asked, leave);
    if (transaction === undefined && this.#line.guarded) return this.#passUnguarded(command, leave);
    if (transaction !== undefined) this.#prepared.renew(command);
    return this.#pass(command, leave);
  }

  async #passUnguarded(command: CoreCommand, leave: (() => void) | undefined): Promise<void> {
    try {
      await this.#line.unguard();
    } catch (error) {
      failCommand(command, asError(error));
      return leave?.();
    }
    await this.#pass(command, leave);
  }

  #pass(command: CoreCommand, leave: (() => void) | undefined): Promise<void> | undefined {
    // An EXECUTE whose PREPARE has failed is never sent.
    if (!isExecute(command) || command.statement !== undefined) this.#follow(command);
    const over = () => {
      const ending = ENDING_COMMANDS.get(command.constructor.name);
      if (ending !== undefined) this.#local.lose(ending);
      leave?.();
    };
    const passed = this.#line.pass(command);
    if (passed instanceof Promise) return passed.then(over);
    over();
    return undefined;
  }

  /** Runs a statement inside of a transaction. */
  async #run(
    command: QueryCommand | ExecuteCommand,
    transaction: BranchOwner,
    asked: BranchOwner | undefined,
    leave: (() => void) | undefined,
  ): Promise<void> {
    try {
      const application = new ApplicationCommand(this.#line, command);
      const { lost } = this.#line;
      if (lost !== undefined) application.fail(lost);
      else if (asked !== undefined && asked !== this.#holder && asked.xid !== transaction.xid)
        application.fail(foreign(asked, transaction));
      else if (
        isExecute(command) &&
        command.statement !== undefined &&
        this.#prepared.stale(command.statement)
      ) {
        application.fail(staleStatement());
      } else await this.#local.run(application, transaction);
    } finally {
      if (this.#line.lost !== undefined) this.#local.lose('the connection was lost');
      if (leave === undefined) this.#presence.update();
      else leave();
    }
  }

  /** Notes what a command that goes straight through does to the local transaction. */
  #follow(command: CoreCommand): void {
    this.#prepared.follow(command);
    const text = isQuery(command)
      ? command.sql
      : isExecute(command)
        ? (command.sql ?? command.statement?.query)
        : undefined;
    if (text === undefined) return;
    if (mayControl(text)) this.#local.follow(text);
    else this.#local.followUnread();
  }
}

/** Callbacks and listeners run from the socket's events, where the context of the caller is lost. */
function bindToCaller(command: CoreCommand): void {
  // AsyncLocalStorage.snapshot() does the same, but in Node 20 it makes a deprecation warning ready each time.
  const caller = new AsyncResource('globaltx.command');
  const { onResult, emit } = command;
  if (typeof onResult === 'function') {
    command.onResult = function (this: unknown, ...args) {
      return caller.runInAsyncScope(() => onResult.apply(this, args));
    };
  } else command.emit = (...args) => caller.runInAsyncScope(() => emit.apply(command, args));
}

function foreign(asked: BranchOwner, open: BranchOwner): GlobalTxError {
  return new GlobalTxError(
    'LOCAL_TRANSACTION_FOREIGN',
    `This connection has a local transaction open that belongs to another global transaction (${open.xid}). ` +
      'Use one connection in one global transaction at a time.',
    { xid: asked.xid },
  );
}

function staleStatement(): GlobalTxError {
  return new GlobalTxError(
    'STATEMENT_NOT_UNDERSTOOD',
    'The statement was prepared before a USE or SET on this connection, and may mean something else to the server ' +
      'than its text does now. Prepare it again.',
    { construct: 'prepared statement from before a USE or SET' },
  );
}
