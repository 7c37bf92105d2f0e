import type { Logger } from '../logger.js';
import { untilAborted } from './abort.js';
import type { Completion } from './completion.js';
import { runInContext } from './context.js';
import type { GlobalTransaction } from './global-transaction.js';
import type { HookCaller } from './hook-caller.js';
import { attachRollbackReport, rollbackReport } from './rollback-report.js';
import { rollsBack } from './rolls-back.js';
import type { ResolvedRunOptions } from './run-options.js';

/** What is under way at the end gets at least so much time to come to its own. */
const LEAST_SETTLE_MS = 1_000;

type Work<Result> = () => Result | PromiseLike<Result>;

/** The end of a function whose transaction is to be committed. */
type Done<Result> =
  | { readonly threw: false; readonly result: Result }
  | { readonly threw: true; readonly error: unknown };

/** Runs a function in a transaction that begins with it and ends with it. */
export class Launcher {
  readonly #completion: Completion;
  readonly #hooks: HookCaller;
  readonly #logger: Logger;

  constructor(completion: Completion, hooks: HookCaller, logger: Logger) {
    this.#completion = completion;
    this.#hooks = hooks;
    this.#logger = logger;
  }

  async launch<Result>(
    transaction: GlobalTransaction,
    options: ResolvedRunOptions,
    fn: Work<Result>,
  ): Promise<Result> {
    if (transaction.hooks.length > 0) await this.#hooks.beforeBegin(transaction);
    // Nothing is waited for beyond the time-out: the coordinator then rolls back whatever is under way here.
    const until = Date.now() + options.timeoutMs;
    const settleMs = (): number => Math.max(LEAST_SETTLE_MS, until - Date.now());
    let done: Done<Result>;
    try {
      done = await this.#abortable(transaction, options, fn);
    } catch (error) {
      const report = await this.#completion.rollback(transaction, error, settleMs());
      attachRollbackReport(error, report);
      await this.#hooks.rolledBack(transaction, report);
      throw error;
    }
    try {
      await this.#completion.commit(transaction, settleMs());
    } catch (error) {
      await this.#notCommitted(transaction, done, error);
      throw error;
    }
    if (transaction.hooks.length > 0) await this.#hooks.committed(transaction);
    if (done.threw) throw done.error;
    return done.result;
  }

  #abortable<Result>(
    transaction: GlobalTransaction,
    options: ResolvedRunOptions,
    fn: Work<Result>,
  ): Promise<Done<Result>> {
    const work = (): Promise<Done<Result>> =>
      runInContext(transaction, () => this.#work(transaction, options, fn));
    if (options.signal === undefined) return work();
    const { xid } = transaction;
    return untilAborted(options.signal, work, (error) => {
      this.#logger.debug({ xid, err: error }, `the function of ${xid} threw after it had been aborted`);
    });
  }

  /** @throws what makes the transaction one to be rolled back */
  async #work<Result>(
    transaction: GlobalTransaction,
    options: ResolvedRunOptions,
    fn: Work<Result>,
  ): Promise<Done<Result>> {
    if (transaction.hooks.length > 0) await this.#hooks.afterBegin(transaction);
    let done: Done<Result>;
    try {
      done = { threw: false, result: await fn() };
    } catch (error) {
      if (rollsBack(error, options, transaction, this.#logger)) throw error;
      done = { threw: true, error };
    }
    if (transaction.hooks.length > 0 && !transaction.rollbackOnly) {
      await this.#hooks.beforeCommit(transaction);
    }
    return done;
  }

  async #notCommitted(transaction: GlobalTransaction, done: Done<unknown>, error: unknown): Promise<void> {
    if (done.threw) {
      const { xid } = transaction;
      this.#logger.warn(
        { xid, error: done.error },
        `an error that was not to roll ${xid} back; the commit failed, too`,
      );
    }
    const report = rollbackReport(error);
    if (report === undefined) await this.#hooks.unknown(transaction);
    else await this.#hooks.rolledBack(transaction, report);
  }
}
