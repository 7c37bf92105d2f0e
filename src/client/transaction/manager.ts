import { GlobalTxError } from '../../protocol/errors.js';
import { isXid, newXid } from '../../protocol/xid.js';
import type { Coordinator } from '../connection/coordinator.js';
import type { Logger } from '../logger.js';
import { Completion, type CompletionLimits } from './completion.js';
import { currentTransaction, runInContext } from './context.js';
import { GlobalTransaction, type TransactionServices } from './global-transaction.js';
import { HookCaller } from './hook-caller.js';
import { JoinedTransaction } from './joined.js';
import { Launcher } from './launcher.js';
import type { LockServices } from './lock-holder.js';
import { runNested } from './nested.js';
import { ALONE, type Propagation, WITHIN } from './propagation.js';
import { type ResolvedRunOptions, resolveRunOptions } from './run-options.js';
import type { TransactionState } from './transaction-state.js';

export interface ManagerOptions extends CompletionLimits {
  readonly requestTimeoutMs: number;
  readonly lockWaitMs: number;
}

/** Begins, joins and ends global transactions. */
export class TransactionManager {
  readonly #services: TransactionServices;
  readonly #launcher: Launcher;
  readonly #logger: Logger;
  readonly #underWay = new Set<{ over: () => void }>();
  #lastRequest = 0;
  #closed = false;

  constructor(coordinator: Coordinator, logger: Logger, options: ManagerOptions) {
    this.#services = {
      coordinator,
      requestTimeoutMs: options.requestTimeoutMs,
      lockWaitMs: options.lockWaitMs,
      nextRequestId: () => String(++this.#lastRequest),
    };
    this.#logger = logger;
    const hooks = new HookCaller(logger);
    this.#launcher = new Launcher(new Completion(coordinator, logger, hooks, options), hooks, logger);
  }

  /**
   * Runs `fn` in a global transaction, or outside of any, as its propagation says.
   * @throws what `fn` throws; else GlobalTxError as `Completion.commit` says, PROPAGATION_REFUSED,
   * TRANSACTION_NOT_ACTIVE, CLIENT_CLOSED
   */
  async run<Result>(resolved: ResolvedRunOptions, fn: () => Result | PromiseLike<Result>): Promise<Result> {
    resolved.signal?.throwIfAborted();
    const current = currentTransaction();
    if (current === undefined) {
      switch (ALONE[resolved.propagation]) {
        case 'begin':
          return await this.#begin(resolved, fn);
        case 'outside':
          return await fn();
        case 'refuse':
          throw refusal(resolved.propagation, undefined);
      }
    }
    switch (WITHIN[resolved.propagation]) {
      case 'join':
        return await runNested(current, resolved, this.#logger, fn);
      case 'begin':
        return await this.#begin(resolved, fn);
      case 'outside':
        return await runInContext(undefined, fn);
      case 'refuse':
        throw refusal(resolved.propagation, current.xid);
    }
  }

  /**
   * What the coordinator says of a transaction: NOT_FOUND when it never heard of it, or has forgotten it since.
   * @throws GlobalTxError INVALID_XID, COORDINATOR_UNAVAILABLE, CLIENT_CLOSED
   */
  async state(xid: string): Promise<TransactionState> {
    const { transaction } = await this.#services.coordinator.request(
      { body: 'getTransaction', getTransaction: { xid: checkedXid(xid) } },
      this.#services.requestTimeoutMs,
    );
    return transaction;
  }

  /**
   * Runs `fn` as a part of the transaction that another process has begun. What `fn` throws is thrown; the
   * whole is committed or rolled back by the process that began it.
   * @throws GlobalTxError INVALID_XID, LOCAL_TRANSACTION_OPEN, ROLLBACK_ONLY, CLIENT_CLOSED
   */
  async join<Result>(xid: string, fn: () => Result | PromiseLike<Result>): Promise<Result> {
    const current = currentTransaction();
    if (current?.xid === xid) {
      return await runNested(current, resolveRunOptions({}, 'joined'), this.#logger, fn);
    }
    const joined = this.enter(xid);
    let result: Result;
    try {
      result = await runInContext(joined.transaction, fn);
    } catch (error) {
      await joined.leave(true).catch((left: unknown) => {
        this.#logger.debug({ xid, err: left }, 'a joined call threw; what it had not committed was given up');
      });
      throw error;
    }
    await joined.leave();
    return result;
  }

  /** Like `join`, for carriers that cannot wrap the work in a function. @throws GlobalTxError INVALID_XID, CLIENT_CLOSED */
  enter(xid: string): JoinedTransaction {
    this.#refuseIfClosed();
    return new JoinedTransaction(checkedXid(xid), this.#services, this.#logger, this.#started());
  }

  /** For local transactions that take global locks without being global. @throws GlobalTxError CLIENT_CLOSED */
  lockServices(): LockServices {
    this.#refuseIfClosed();
    return { ...this.#services, logger: this.#logger, started: () => this.#started() };
  }

  /** Takes nothing new, and waits for what is under way, but no longer than `limitMs`. @returns what is left */
  async close(limitMs: number): Promise<number> {
    this.#closed = true;
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    const over = Array.from(
      this.#underWay,
      (work) =>
        new Promise<void>((resolve) => {
          work.over = resolve;
        }),
    );
    await Promise.race([Promise.all(over), timeUp]);
    clearTimeout(timer);
    return this.#underWay.size;
  }

  async #begin<Result>(options: ResolvedRunOptions, fn: () => Result | PromiseLike<Result>): Promise<Result> {
    this.#refuseIfClosed();
    const transaction = new GlobalTransaction({ ...options, xid: newXid() }, this.#services);
    if (options.hooks !== undefined) transaction.addHooks(options.hooks);
    const over = this.#started();
    try {
      return await this.#launcher.launch(transaction, options, fn);
    } finally {
      over();
    }
  }

  /** Counts a piece of work that `close` waits for. @returns a function that says it is over */
  #started(): () => void {
    const work = { over: (): void => {} };
    this.#underWay.add(work);
    return () => {
      this.#underWay.delete(work);
      work.over();
    };
  }

  #refuseIfClosed(): void {
    if (this.#closed)
      throw new GlobalTxError('CLIENT_CLOSED', 'the client is closed: no global transaction can begin');
  }
}

/** @throws GlobalTxError INVALID_XID */
function checkedXid(xid: string): string {
  if (isXid(xid)) return xid;
  throw new GlobalTxError(
    'INVALID_XID',
    'the text that was given is not an xid: 1 to 128 letters, digits or ._:-',
  );
}

function refusal(propagation: Propagation, xid: string | undefined): GlobalTxError {
  return new GlobalTxError(
    'PROPAGATION_REFUSED',
    xid === undefined
      ? `the function was called outside of a global transaction, and its propagation is ${propagation}: call it inside of one, or let it begin one (REQUIRED)`
      : `the function was called inside of the global transaction ${xid}, and its propagation is ${propagation}: call it outside, by withoutTransaction(), or let it run outside (NOT_SUPPORTED)`,
    { xid },
  );
}
