import type { Logger } from '../logger.js';
import { runInContext } from './context.js';
import type { GlobalTransaction } from './global-transaction.js';
import { type CompletionOutcome, callEveryHook, callHooks } from './hooks.js';
import type { RollbackReport } from './rollback-report.js';

/** Calls the hooks of a transaction, each in the context that it is promised. */
export class HookCaller {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @throws what a hook throws: nothing begins then */
  async beforeBegin(transaction: GlobalTransaction): Promise<void> {
    await runInContext(undefined, () =>
      callHooks(transaction.hooks, (hooks) => hooks.beforeBegin?.(transaction)),
    );
  }

  /** Called inside of the transaction. @throws what a hook throws: it must then be rolled back */
  async afterBegin(transaction: GlobalTransaction): Promise<void> {
    await callHooks(transaction.hooks, (hooks) => hooks.afterBegin?.(transaction));
  }

  /** Called inside of the transaction. @throws what a hook throws: it must then be rolled back */
  async beforeCommit(transaction: GlobalTransaction): Promise<void> {
    await callHooks(transaction.hooks, (hooks) => hooks.beforeCommit?.(transaction));
  }

  /** Never throws: nothing keeps a transaction from being rolled back. */
  async beforeRollback(transaction: GlobalTransaction, error: unknown): Promise<void> {
    if (transaction.hooks.length === 0) return;
    await this.#every(transaction, 'beforeRollback', () =>
      callEveryHook(transaction.hooks, (hooks) => hooks.beforeRollback?.(transaction, error)),
    );
  }

  async committed(transaction: GlobalTransaction): Promise<void> {
    await this.#every(transaction, 'afterCommit', () =>
      callEveryHook(transaction.hooks, (hooks) => hooks.afterCommit?.(transaction)),
    );
    await this.#completed(transaction, 'COMMITTED');
  }

  async rolledBack(transaction: GlobalTransaction, report: RollbackReport): Promise<void> {
    if (transaction.hooks.length === 0) return;
    await this.#every(transaction, 'afterRollback', () =>
      callEveryHook(transaction.hooks, (hooks) => hooks.afterRollback?.(transaction, report)),
    );
    await this.#completed(transaction, 'ROLLED_BACK');
  }

  async unknown(transaction: GlobalTransaction): Promise<void> {
    if (transaction.hooks.length > 0) await this.#completed(transaction, 'UNKNOWN');
  }

  async #completed(transaction: GlobalTransaction, outcome: CompletionOutcome): Promise<void> {
    await this.#every(transaction, 'afterCompletion', () =>
      callEveryHook(transaction.hooks, (hooks) => hooks.afterCompletion?.(transaction, outcome)),
    );
  }

  async #every(
    { xid }: GlobalTransaction,
    hook: string,
    call: () => Promise<readonly unknown[]>,
  ): Promise<void> {
    for (const error of await runInContext(undefined, call)) {
      this.#logger.warn({ xid, error, hook }, `a hook ${hook} of the global transaction ${xid} threw`);
    }
  }
}
