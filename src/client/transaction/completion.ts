import { GlobalTxError } from '../../protocol/errors.js';
import type { Transaction as TransactionFrame } from '../../protocol/frames.js';
import type { Coordinator } from '../connection/coordinator.js';
import { retryDelayMs } from '../connection/retry.js';
import type { Logger } from '../logger.js';
import type { GlobalTransaction } from './global-transaction.js';
import type { HookCaller } from './hook-caller.js';
import { outcomeUnknownError, rolledBackError } from './outcome.js';
import { attachRollbackReport, type RollbackReport } from './rollback-report.js';
import { abandon, settle } from './settle.js';

const LONGEST_REASON = 500;
/** How much longer than the coordinator's own wait the answer to a rollback may take. */
const ROLLBACK_ANSWER_MS = 5_000;

export interface CompletionLimits {
  /** How long the outcome of a commit is asked for, in milliseconds. */
  readonly commitDeadlineMs: number;
  /** How long a rollback waits for the compensation of its branches, in milliseconds. */
  readonly rollbackWaitMs: number;
}

/** Brings a global transaction to its end, from the process that began it. */
export class Completion {
  readonly #coordinator: Coordinator;
  readonly #logger: Logger;
  readonly #hooks: HookCaller;
  readonly #limits: CompletionLimits;

  constructor(coordinator: Coordinator, logger: Logger, hooks: HookCaller, limits: CompletionLimits) {
    this.#coordinator = coordinator;
    this.#logger = logger;
    this.#hooks = hooks;
    this.#limits = limits;
  }

  /**
   * The function has returned. An error by which it was rolled back has a report (`rollbackReport`).
   * @throws GlobalTxError ROLLBACK_ONLY, LOCAL_TRANSACTION_OPEN, ROLLED_BACK, TIMED_OUT, LOCAL_COMMIT_UNKNOWN,
   * PHASE_ONE_UNFINISHED, OUTCOME_UNKNOWN
   */
  async commit(transaction: GlobalTransaction, settleMs: number): Promise<void> {
    const refusal = await this.#refusal(transaction, settleMs);
    if (refusal !== undefined) {
      await this.#hooks.beforeRollback(transaction, refusal);
      const report = await this.#rollBack(transaction, `${refusal.code}: ${refusal.message}`);
      throw withReport(refusal, report);
    }
    transaction.decisionAsked();
    // Nothing was written and the xid has not left the process: the coordinator need not know.
    if (transaction.begun === 'no') return;
    const answer = await this.#decide(transaction);
    switch (answer.status) {
      case 'COMMITTED':
      case 'COMMITTING':
        return;
      case 'ROLLING_BACK':
        // Told only once everything that can be reached is compensated.
        throw rolledBackError(await this.#compensated(answer), undefined);
      case 'ROLLED_BACK':
      case 'NEEDS_ATTENTION':
        throw rolledBackError(answer, undefined);
      case 'ACTIVE':
      case 'NOT_FOUND':
        throw this.#notFound(transaction, answer);
    }
  }

  /** The function threw. Says what became of the rollback; never throws itself. */
  async rollback(transaction: GlobalTransaction, error: unknown, settleMs: number): Promise<RollbackReport> {
    transaction.end();
    await this.#hooks.beforeRollback(transaction, error);
    await settle(transaction.participants, settleMs);
    return this.#rollBack(transaction, reasonOf(error));
  }

  /** Why the transaction must not be committed, if it must not. */
  async #refusal(transaction: GlobalTransaction, settleMs: number): Promise<GlobalTxError | undefined> {
    // Twice: what ran un-awaited may have begun something new while it was waited for.
    if (transaction.hasParticipants) await settle(transaction.participants, settleMs);
    transaction.end();
    const settled = !transaction.hasParticipants || (await settle(transaction.participants, settleMs));
    const { xid, rollbackOnlyReason } = transaction;
    if (rollbackOnlyReason !== undefined) {
      const { reason, cause } = rollbackOnlyReason;
      return new GlobalTxError(
        'ROLLBACK_ONLY',
        `the global transaction ${xid} was marked rollback-only (${reason}) and has been rolled back`,
        { xid, cause, details: { reason } },
      );
    }
    if (!settled) {
      return new GlobalTxError(
        'TIMED_OUT',
        `the function returned, but work of it was still under way when the time-out of the global transaction ${xid} had passed; it has been rolled back`,
        { xid },
      );
    }
    const open = transaction.participants.filter((participant) => participant.open);
    if (open.length === 0) return undefined;
    const descriptions = open.map((participant) => participant.description).join(', ');
    return new GlobalTxError(
      'LOCAL_TRANSACTION_OPEN',
      `the function returned while a local transaction was not committed (${descriptions}); the global transaction ${xid} has been rolled back. Commit or roll back each local transaction before the function returns`,
      { xid, construct: descriptions },
    );
  }

  /** Asks for the decision until it is known or the deadline is over. */
  async #decide(transaction: GlobalTransaction): Promise<TransactionFrame> {
    const { xid } = transaction;
    const until = Date.now() + this.#limits.commitDeadlineMs;
    for (let attempt = 1; ; attempt += 1) {
      const left = until - Date.now();
      let unanswered: unknown;
      try {
        const { transaction: answer } = await this.#coordinator.request(
          { body: 'commit', commit: { xid } },
          Math.max(1, left),
        );
        if (answer.status !== 'ACTIVE') return answer;
        unanswered = new GlobalTxError('INTERNAL', 'the coordinator has not decided yet', { xid });
      } catch (error) {
        unanswered = error;
      }
      const delayMs = retryDelayMs(attempt);
      if (isFinal(unanswered) || Date.now() + delayMs >= until) {
        throw outcomeUnknownError(xid, messageOf(unanswered), unanswered);
      }
      this.#logger.warn({ xid, err: unanswered, attempt }, 'a commit was not decided; asking again');
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }

  /** Waits for the compensation that the coordinator has begun by itself. */
  async #compensated(answer: TransactionFrame): Promise<TransactionFrame> {
    const report = await this.#tellRollback(answer.xid, answer.reason, 'ROLLED_BACK');
    if (report.status === 'UNKNOWN') return answer;
    return { ...answer, status: report.status, unfinishedBranches: report.unfinishedBranches };
  }

  async #rollBack(transaction: GlobalTransaction, reason: string): Promise<RollbackReport> {
    const { xid } = transaction;
    for (const error of await abandon(transaction.participants)) {
      this.#logger.warn({ xid, err: error }, 'a local transaction could not be given up before the rollback');
    }
    transaction.decisionAsked();
    if (transaction.begun === 'no') return { xid, status: 'ROLLED_BACK', unfinishedBranches: 0 };
    // What the coordinator has never heard of holds nothing that could be taken back. What it had acknowledged is
    // forgotten, and was rolled back by its time-out; or its store is lost, and the writes stand.
    const unknown = transaction.begun === 'acknowledged' ? 'NOT_FOUND' : 'ROLLED_BACK';
    const report = await this.#tellRollback(xid, reason.slice(0, LONGEST_REASON), unknown);
    if (report.status !== 'ROLLED_BACK') {
      this.#logger.warn({ ...report }, `the rollback of ${xid} is not finished: ${explain(report)}`);
    }
    return report;
  }

  /** @param unknown what it is when the coordinator does not know it (any more) */
  async #tellRollback(
    xid: string,
    reason: string,
    unknown: 'ROLLED_BACK' | 'NOT_FOUND',
  ): Promise<RollbackReport> {
    const waitMs = this.#limits.rollbackWaitMs;
    try {
      const { transaction } = await this.#coordinator.request(
        { body: 'rollback', rollback: { xid, reason, waitMs } },
        waitMs + ROLLBACK_ANSWER_MS,
      );
      const status = transaction.status === 'NOT_FOUND' ? unknown : transaction.status;
      return { xid, status, unfinishedBranches: transaction.unfinishedBranches };
    } catch (cause) {
      return { xid, status: 'UNKNOWN', unfinishedBranches: 0, cause };
    }
  }

  #notFound(transaction: GlobalTransaction, answer: TransactionFrame): GlobalTxError {
    if (transaction.begun === 'acknowledged') {
      return outcomeUnknownError(transaction.xid, 'the coordinator does not know it any more', undefined);
    }
    // No branch was ever acknowledged, so none has been committed locally.
    return rolledBackError(
      { ...answer, status: 'ROLLED_BACK', reason: 'it never reached the coordinator' },
      undefined,
    );
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof GlobalTxError && error.code === 'CLIENT_CLOSED';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return `the function threw ${String(error)}`;
  const code = error instanceof GlobalTxError ? error.code : error.name;
  return `${code}: ${error.message}`;
}

function explain(report: RollbackReport): string {
  switch (report.status) {
    case 'NEEDS_ATTENTION':
      return "a branch cannot be compensated without a person; the coordinator's log names it";
    case 'UNKNOWN':
      return 'the coordinator could not be told; its time-out will roll the transaction back';
    case 'ROLLING_BACK':
    case 'ACTIVE':
      return `${report.unfinishedBranches} branches are left; the coordinator goes on by itself`;
    case 'NOT_FOUND':
      return 'the coordinator has forgotten it since its time-out, or has lost its store: look at the data';
    case 'ROLLED_BACK':
      return 'nothing is left to do';
    case 'COMMITTING':
    case 'COMMITTED':
      return 'it had been committed before';
  }
}

function withReport(refusal: GlobalTxError, report: RollbackReport): GlobalTxError {
  const error = new GlobalTxError(refusal.code, refusal.message, {
    xid: refusal.xid,
    construct: refusal.construct,
    cause: refusal.cause,
    details: {
      ...refusal.details,
      status: report.status,
      unfinishedBranches: String(report.unfinishedBranches),
    },
  });
  attachRollbackReport(error, report);
  return error;
}
