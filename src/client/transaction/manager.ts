import { GlobalTxError } from '../../protocol/errors.js';
import { isXid, newXid } from '../../protocol/xid.js';
import type { Coordinator } from '../connection/coordinator.js';
import type { Logger } from '../logger.js';
import { Completion, type CompletionLimits } from './completion.js';
import { currentTransaction, runInContext } from './context.js';
import { GlobalTransaction, type TransactionServices } from './global-transaction.js';
import { attachRollbackReport } from './rollback-report.js';
import {
  DEFAULT_LOCK_WAIT_MS,
  DEFAULT_TIMEOUT_MS,
  type RunOptions,
  resolveRunOptions,
} from './run-options.js';
import { abandon, settle } from './settle.js';
import type { Transaction } from './transaction.js';

/** What is under way at the end gets at least so much time to come to its own. */
const LEAST_SETTLE_MS = 1_000;

export interface ManagerOptions extends CompletionLimits {
  readonly requestTimeoutMs: number;
}

/** A transaction that came from another process, until its work here is over. */
export interface JoinedTransaction {
  readonly transaction: Transaction;
  /** Whether leaving it now would neither wait nor fail. */
  readonly idle: boolean;
  /**
   * Ends its work in this process, once however often it is called: waits for what is under way and gives up what is not committed locally.
   * The whole is left to the process that began it.
   * @throws GlobalTxError LOCAL_TRANSACTION_OPEN when something had to be given up; ROLLBACK_ONLY when the work
   * asked for that: who began the transaction must hear of it
   */
  leave(): Promise<void>;
}

/** Begins, joins and ends global transactions. */
export class TransactionManager {
  readonly #services: TransactionServices;
  readonly #completion: Completion;
  readonly #logger: Logger;
  readonly #underWay = new Set<Promise<void>>();
  #lastRequest = 0;
  #closed = false;

  constructor(coordinator: Coordinator, logger: Logger, options: ManagerOptions) {
    this.#services = {
      coordinator,
      requestTimeoutMs: options.requestTimeoutMs,
      nextRequestId: () => String(++this.#lastRequest),
    };
    this.#logger = logger;
    this.#completion = new Completion(coordinator, logger, options);
  }

  /**
   * Runs `fn` in a global transaction: a new one, or that of the caller.
   * @throws what `fn` throws; else GlobalTxError as `Completion.commit` says, INVALID_OPTION, CLIENT_CLOSED
   */
  async run<Result>(options: RunOptions, fn: () => Result | PromiseLike<Result>): Promise<Result> {
    const current = currentTransaction();
    if (current !== undefined) return await runJoined(current, fn);
    const { name, timeoutMs, lockWaitMs } = resolveRunOptions(options, fn.name || 'unnamed');
    this.#refuseIfClosed();
    const facts = { xid: newXid(), name, timeoutMs, lockWaitMs };
    const over = this.#started();
    try {
      return await this.#launch(new GlobalTransaction(facts, this.#services), timeoutMs, fn);
    } finally {
      over();
    }
  }

  /**
   * Runs `fn` as a part of the transaction that another process has begun. What `fn` throws is thrown; the
   * whole is committed or rolled back by the process that began it.
   * @throws GlobalTxError INVALID_XID, LOCAL_TRANSACTION_OPEN, ROLLBACK_ONLY, CLIENT_CLOSED
   */
  async join<Result>(xid: string, fn: () => Result | PromiseLike<Result>): Promise<Result> {
    const current = currentTransaction();
    if (current?.xid === xid) return await runJoined(current, fn);
    const { transaction, leave } = this.enter(xid);
    let result: Result;
    try {
      result = await runInContext(transaction, fn);
    } catch (error) {
      transaction.setRollbackOnly('a joined call threw', error);
      await leave().catch((left: unknown) => {
        this.#logger.debug(
          { xid, error: left },
          'a joined call threw; what it had not committed was given up',
        );
      });
      throw error;
    }
    await leave();
    return result;
  }

  /** Like `join`, for carriers that cannot wrap the work in a function. @throws GlobalTxError INVALID_XID, CLIENT_CLOSED */
  enter(xid: string): JoinedTransaction {
    this.#refuseIfClosed();
    if (!isXid(xid)) {
      throw new GlobalTxError(
        'INVALID_XID',
        'the text that was given is not an xid: 1 to 128 letters, digits or ._:-',
      );
    }
    const facts = { xid, name: '', timeoutMs: undefined, lockWaitMs: DEFAULT_LOCK_WAIT_MS };
    const transaction = new GlobalTransaction(facts, this.#services);
    const over = this.#started();
    let left: Promise<void> | undefined;
    return {
      transaction,
      get idle() {
        return transaction.participants.length === 0 && !transaction.rollbackOnly;
      },
      leave: () => {
        left ??= leave(transaction).finally(over);
        return left;
      },
    };
  }

  /** Takes nothing new, and waits for what is under way, but no longer than `limitMs`. @returns what is left */
  async close(limitMs: number): Promise<number> {
    this.#closed = true;
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    await Promise.race([Promise.allSettled(this.#underWay), timeUp]);
    clearTimeout(timer);
    return this.#underWay.size;
  }

  async #launch<Result>(
    transaction: GlobalTransaction,
    timeoutMs: number,
    fn: () => Result | PromiseLike<Result>,
  ): Promise<Result> {
    // Nothing is waited for beyond the time-out: the coordinator then rolls back whatever is under way here.
    const until = Date.now() + timeoutMs;
    const settleMs = (): number => Math.max(LEAST_SETTLE_MS, until - Date.now());
    let result: Result;
    try {
      result = await runInContext(transaction, fn);
    } catch (error) {
      attachRollbackReport(error, await this.#completion.rollback(transaction, error, settleMs()));
      throw error;
    }
    await this.#completion.commit(transaction, settleMs());
    return result;
  }

  /** Counts a piece of work that `close` waits for. @returns a function that says it is over */
  #started(): () => void {
    let tell = (): void => {};
    const work = new Promise<void>((resolve) => {
      tell = resolve;
    });
    this.#underWay.add(work);
    return () => {
      this.#underWay.delete(work);
      tell();
    };
  }

  #refuseIfClosed(): void {
    if (this.#closed)
      throw new GlobalTxError('CLIENT_CLOSED', 'the client is closed: no global transaction can begin');
  }
}

/**
 * A nested call is a part of the caller's transaction. When it throws, half of its work may be done, so the whole
 * can only be rolled back, whatever the caller makes of the error.
 */
async function runJoined<Result>(
  current: Transaction,
  fn: () => Result | PromiseLike<Result>,
): Promise<Result> {
  if (current.ended) {
    throw new GlobalTxError(
      'TRANSACTION_NOT_ACTIVE',
      `the global transaction ${current.xid} around this call has ended. Await all work before the function returns; start what should outlive it with withoutTransaction()`,
      { xid: current.xid },
    );
  }
  try {
    return await fn();
  } catch (error) {
    current.setRollbackOnly('a nested call threw', error);
    throw error;
  }
}

async function leave(transaction: GlobalTransaction): Promise<void> {
  if (transaction.participants.length > 0) {
    // Twice: what ran un-awaited may have begun something new while it was waited for.
    await settle(transaction.participants, DEFAULT_TIMEOUT_MS);
    transaction.end();
    await settle(transaction.participants, DEFAULT_TIMEOUT_MS);
  }
  transaction.end();
  const { xid, participants, rollbackOnlyReason } = transaction;
  const open = participants.filter((participant) => participant.open);
  const failures = await abandon(participants);
  if (open.length > 0 || failures.length > 0) {
    const descriptions = open.map((participant) => participant.description).join(', ');
    throw new GlobalTxError(
      'LOCAL_TRANSACTION_OPEN',
      `work in the global transaction ${xid} ended while a local transaction was not committed (${descriptions}); it was rolled back. Commit or roll back each local transaction before the work is over`,
      { xid, construct: descriptions, cause: failures[0] },
    );
  }
  if (rollbackOnlyReason !== undefined) {
    const { reason, cause } = rollbackOnlyReason;
    throw new GlobalTxError(
      'ROLLBACK_ONLY',
      `work in the global transaction ${xid} marked it rollback-only (${reason}); the process that began it must roll it back`,
      { xid, cause, details: { reason } },
    );
  }
}
