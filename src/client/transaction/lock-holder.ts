import { newXid } from '../../protocol/xid.js';
import type { Logger } from '../logger.js';
import type { TransactionServices } from './global-transaction.js';
import { DEFAULT_LOCK_WAIT_MS, DEFAULT_TIMEOUT_MS } from './run-options.js';
import type { BranchOwner, BranchRequest } from './transaction.js';

/** What holding locks needs of a client. */
export interface LockServices extends TransactionServices {
  readonly logger: Logger;
  /** Counts what the client's end waits for. @returns a function that says it is over */
  started(): () => void;
}

/** How these transactions are called in the coordinator's pages and logs. */
const NAME = 'global-lock';

/** One local transaction's locks, from the first that was asked for. */
interface Held {
  readonly services: LockServices;
  readonly over: () => void;
  /** The coordinator has answered, so that begin need not be carried any more. */
  begun: boolean;
}

/**
 * Takes global locks for the local transactions of one connection, one after the other, and gives them back when each
 * is over. To the coordinator each is a small global transaction that has nothing to undo: its commit and its rollback
 * are the same.
 */
export class LockHolder implements BranchOwner {
  readonly locksOnly = true;
  readonly ended = false;
  lockWaitMs = DEFAULT_LOCK_WAIT_MS;
  readonly #services: () => LockServices;
  #xid = newXid();
  #held: Held | undefined;

  /** @param services of this process's client, as it is when the first lock is needed */
  constructor(services: () => LockServices) {
    this.#services = services;
  }

  /** Another one for every local transaction. */
  get xid(): string {
    return this.#xid;
  }

  async registerBranch(branch: BranchRequest, lockWaitMs: number = this.lockWaitMs): Promise<string> {
    this.#held ??= this.#hold();
    const held = this.#held;
    const { coordinator, requestTimeoutMs, nextRequestId } = held.services;
    const { branchRegistered } = await coordinator.request(
      {
        body: 'registerBranch',
        registerBranch: {
          ...branch,
          xid: this.#xid,
          begin: held.begun ? null : { xid: this.#xid, name: NAME, timeoutMs: DEFAULT_TIMEOUT_MS },
          requestId: nextRequestId(),
          lockWaitMs,
        },
      },
      lockWaitMs + requestTimeoutMs,
    );
    held.begun = true;
    return branchRegistered.branchId;
  }

  /** Nothing waits for the answer: the next local transaction has another xid, and asks behind this. */
  localTransactionOver(): void {
    if (this.#held === undefined) return;
    const { services, over } = this.#held;
    const xid = this.#xid;
    this.#held = undefined;
    this.#xid = newXid();
    services.coordinator
      .request({ body: 'commit', commit: { xid } }, services.requestTimeoutMs)
      .catch((error: unknown) => {
        services.logger.warn(
          { xid, error },
          `the locks of ${xid} are held until the coordinator times it out`,
        );
      })
      .finally(over);
  }

  /** A local transaction is its own master: what would end a global one ends it by the error that is thrown. */
  setRollbackOnly(): void {}

  /** Nobody waits for these branches. */
  reportBranch(): void {}

  #hold(): Held {
    const services = this.#services();
    return { services, over: services.started(), begun: false };
  }
}
