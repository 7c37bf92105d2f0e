import { GlobalTxError } from '../../protocol/errors.js';
import type { Logger } from '../logger.js';
import { GlobalTransaction, type TransactionServices } from './global-transaction.js';
import { DEFAULT_TIMEOUT_MS } from './run-options.js';
import { abandon, settle } from './settle.js';

/** A transaction that came from another process, until its work here is over. */
export class JoinedTransaction {
  readonly transaction: GlobalTransaction;
  readonly #services: TransactionServices;
  readonly #logger: Logger;
  readonly #over: () => void;
  #left: Promise<void> | undefined;
  #answeredWell = false;

  /** @param over called once the work is over */
  constructor(xid: string, services: TransactionServices, logger: Logger, over: () => void) {
    this.#services = services;
    this.#logger = logger;
    this.#over = over;
    const facts = { xid, name: '', timeoutMs: undefined, lockWaitMs: undefined };
    this.transaction = new GlobalTransaction(facts, services, () => {
      // Work that was not awaited came too late for a good answer: the process that began must still not commit.
      if (this.#answeredWell) void this.#tellMark();
    });
  }

  /** Whether leaving it now would neither wait nor fail. */
  get idle(): boolean {
    return this.transaction.participants.length === 0 && !this.transaction.rollbackOnly;
  }

  /**
   * Ends its work in this process, once however often it is called: waits for what is under way and gives up what
   * is not committed locally. The whole is left to the process that began it; but one that was marked
   * rollback-only here is rolled back, whatever that process makes of the answer.
   * @param failed whether the work has failed: then nothing of it is enlisted from now on
   * @throws GlobalTxError LOCAL_TRANSACTION_OPEN when something had to be given up; ROLLBACK_ONLY when the work
   * asked for that: who began the transaction must hear of it
   */
  leave(failed = false): Promise<void> {
    if (failed) this.transaction.end();
    this.#left ??= this.#leave(failed).finally(this.#over);
    return this.#left;
  }

  async #leave(failed: boolean): Promise<void> {
    const { transaction } = this;
    if (transaction.participants.length > 0) {
      // Twice: what ran un-awaited may have begun something new while it was waited for.
      await settle(transaction.participants, DEFAULT_TIMEOUT_MS);
      transaction.end();
      await settle(transaction.participants, DEFAULT_TIMEOUT_MS);
    }
    transaction.end();
    const { xid, participants } = transaction;
    const open = participants.filter((participant) => participant.open);
    const failures = await abandon(participants);
    const { rollbackOnlyReason } = transaction;
    if (rollbackOnlyReason !== undefined) await this.#tellMark();
    if (open.length > 0 || failures.length > 0) {
      const descriptions = open.map((participant) => participant.description).join(', ');
      throw new GlobalTxError(
        'LOCAL_TRANSACTION_OPEN',
        `work in the global transaction ${xid} ended while a local transaction was not committed (${descriptions}); it was rolled back. Commit or roll back each local transaction before the work is over`,
        { xid, construct: descriptions, cause: failures[0] },
      );
    }
    if (rollbackOnlyReason === undefined) {
      this.#answeredWell = !failed;
      return;
    }
    const { reason, cause } = rollbackOnlyReason;
    throw new GlobalTxError(
      'ROLLBACK_ONLY',
      `work in the global transaction ${xid} marked it rollback-only (${reason}); it is rolled back`,
      { xid, cause, details: { reason } },
    );
  }

  /** The mark binds: who began the transaction might overlook the answer that says it. */
  async #tellMark(): Promise<void> {
    const { xid, rollbackOnlyReason } = this.transaction;
    const reason = `ROLLBACK_ONLY: ${rollbackOnlyReason?.reason ?? ''}`;
    try {
      await this.#services.coordinator.request(
        { body: 'rollback', rollback: { xid, reason, waitMs: 0 } },
        this.#services.requestTimeoutMs,
      );
    } catch (error) {
      this.#logger.warn(
        { xid, err: error },
        `the coordinator could not be told that ${xid} must be rolled back`,
      );
    }
  }
}
