import type { RollbackReport } from './rollback-report.js';
import type { Transaction } from './transaction.js';

/**
 * What was decided about a global transaction. ROLLED_BACK: how far the rollback has come is in the report that
 * `afterRollback` gets. UNKNOWN: it is committed or rolled back as a whole; nobody could say which.
 */
export type CompletionOutcome = 'COMMITTED' | 'ROLLED_BACK' | 'UNKNOWN';

type Answer = void | PromiseLike<void>;

/**
 * What is called around the beginning and the end of a global transaction, in the process that begins it. Each
 * is awaited. Those that come before the decision may still prevent it: an error of `beforeBegin` is thrown and
 * nothing begins; one of `afterBegin` or `beforeCommit` rolls back and is thrown. The others cannot change
 * anything any more: their errors are logged.
 *
 * `afterBegin` and `beforeCommit` run inside of the transaction and may write; the others run outside of any.
 *
 * @example
 * await gtx.run({ hooks: { afterCommit: () => mailer.send(receipt) } }, placeOrder);
 */
export interface TransactionHooks {
  beforeBegin?(transaction: Transaction): Answer;
  afterBegin?(transaction: Transaction): Answer;
  /** The function has returned. Not called when the transaction can only be rolled back. */
  beforeCommit?(transaction: Transaction): Answer;
  /** The decision is durable. */
  afterCommit?(transaction: Transaction): Answer;
  /** Not called when the coordinator has rolled back by itself: nobody could be asked before. */
  beforeRollback?(transaction: Transaction, error: unknown): Answer;
  afterRollback?(transaction: Transaction, report: RollbackReport): Answer;
  /** Last, whatever the end was. */
  afterCompletion?(transaction: Transaction, outcome: CompletionOutcome): Answer;
}

export const HOOK_NAMES = [
  'beforeBegin',
  'afterBegin',
  'beforeCommit',
  'afterCommit',
  'beforeRollback',
  'afterRollback',
  'afterCompletion',
] as const satisfies readonly (keyof TransactionHooks)[];

type Call = (hooks: TransactionHooks) => Answer | undefined;

/** Calls one hook of each, in order, until one throws. */
export async function callHooks(all: readonly TransactionHooks[], call: Call): Promise<void> {
  for (const hooks of all) await call(hooks);
}

/** Calls one hook of each, in order, whatever the others do. @returns what they threw */
export async function callEveryHook(
  all: readonly TransactionHooks[],
  call: Call,
): Promise<readonly unknown[]> {
  const errors: unknown[] = [];
  for (const hooks of all) {
    try {
      await call(hooks);
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
}
