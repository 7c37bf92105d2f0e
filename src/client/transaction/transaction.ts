import type { RegisterBranch } from '../../protocol/frames.js';
import type { TransactionHooks } from './hooks.js';

/** Work of this process inside a transaction that has not been settled: a statement, an open local transaction. */
export interface Participant {
  /** 'UPDATE on pool shop', for messages. */
  readonly description: string;
  /** Resolves once nothing of it is under way; an open local transaction stays open. */
  settled(): Promise<void>;
  /** An open local transaction that writes and is not committed: the global commit must not pass over it. */
  readonly open: boolean;
  /** Gives up what is not committed locally, before the global rollback: it may hold rows that the rollback needs. */
  abandon(): Promise<void>;
}

/** A branch to be registered; the rest of the frame is the transaction's. */
export type BranchRequest = Pick<RegisterBranch, 'resourceId' | 'kind' | 'locks' | 'locksOnly' | 'branchId'>;

/** What a local transaction takes its global locks for: a global transaction, or its own while alone (`LockHolder`). */
export interface BranchOwner {
  readonly xid: string;
  /** Whether it has ended, or its end has begun: nothing may be enlisted any more. */
  readonly ended: boolean;
  /** How long, in milliseconds, a branch may wait for a global lock. */
  readonly lockWaitMs: number;
  /** True where the local COMMIT is final: nothing of it is ever undone, so no undo log is written. */
  readonly locksOnly?: true;
  /** From now on the transaction can only be rolled back. The first reason is kept. */
  setRollbackOnly(reason: string, cause?: unknown): void;
  /**
   * Registers a branch and takes its locks; begins the transaction on the way, if need be.
   * @param lockWaitMs how long the coordinator may let it wait; default: the transaction's
   * @returns the branch's id, a decimal
   * @throws GlobalTxError LOCK_CONFLICT, LOCK_WAIT_TIMEOUT, DEADLOCK, TRANSACTION_NOT_ACTIVE, TIMED_OUT,
   * COORDINATOR_UNAVAILABLE
   */
  registerBranch(branch: BranchRequest, lockWaitMs?: number): Promise<string>;
  /** The local transaction of a branch is over. */
  reportBranch(branchId: string, outcome: 'PHASE_ONE_DONE' | 'PHASE_ONE_FAILED' | 'PHASE_ONE_UNKNOWN'): void;
  /** A local transaction that has registered branches is over, one way or the other. */
  localTransactionOver?(): void;
}

/**
 * A global transaction as the code inside it sees it, in the process that began it and in those that joined.
 * What branch kinds need of it stands here; what applications need is the same object.
 */
export interface Transaction extends BranchOwner {
  readonly name: string;
  /** 'launcher' in the function that began it; 'participant' where it was joined. */
  readonly role: 'launcher' | 'participant';
  /** Set by `setRollbackOnly`, or by a branch whose local commit may or may not have happened. */
  readonly rollbackOnly: boolean;
  /**
   * Has hooks called when the transaction ends, after those that are there already.
   * @throws GlobalTxError INVALID_OPTION where it was joined: only the process that began it hears of its end;
   * TRANSACTION_NOT_ACTIVE
   *
   * @example
   * currentTransaction()?.addHooks({ afterCommit: () => cache.delete(key) });
   */
  addHooks(hooks: TransactionHooks): void;
  /** Must be called before the xid leaves the process: the coordinator then knows of it. */
  ensureBegun(): Promise<void>;
  /** Adds work that commit and rollback must settle first; the function returned takes it out again. */
  addParticipant(participant: Participant): () => void;
}
