import type { Decision, LockSet, PhaseOneOutcome, Resolution } from '../../protocol/frames.js';

/** Where a stored transaction stands. ACTIVE has no decision yet; the rest are decided. */
export type StoredStatus = 'ACTIVE' | 'COMMITTING' | 'ROLLING_BACK' | 'COMMITTED' | 'ROLLED_BACK';

export interface TransactionRecord {
  readonly type: 'transaction';
  readonly xid: string;
  readonly name: string;
  readonly application: string;
  readonly status: StoredStatus;
  /** Why it is rolled back; empty otherwise. */
  readonly reason: string;
  /** Milliseconds since 1970, by the coordinator's clock. */
  readonly begunAt: number;
  readonly timeoutMs: number;
  /** When the decision fell, or 0. */
  readonly decidedAt: number;
  /** When the last branch was finished, or 0: the record is kept from then on only to answer questions. */
  readonly endedAt: number;
}

export interface BranchRecord {
  readonly type: 'branch';
  readonly xid: string;
  /** Decimal; the order of registration. */
  readonly branchId: string;
  readonly kind: string;
  readonly resourceId: string;
  readonly clientId: string;
  readonly requestId: string;
  readonly locksOnly: boolean;
  readonly locks: readonly LockSet[];
  /** Set when these locks were added later to that branch: they live as long as it, and have no phase two. */
  readonly partOf?: string;
  readonly registeredAt: number;
  /** Known only once reported and worth keeping; a branch that is dropped is deleted instead. */
  readonly phaseOne: PhaseOneOutcome | '';
  /** Set when phase two cannot go on without a person; such a branch is not retried by itself. */
  readonly attention: Attention | null;
}

export interface Attention {
  readonly decision: Decision;
  readonly code: string;
  readonly detail: string;
  /** What the person has said. Unless it is UNRESOLVED, phase two goes on with it. */
  readonly resolution: Resolution;
}

/** Facts of the whole store, by name: 'coordinatorId', 'branchIdLimit' (ids below it may have been given out). */
export interface FactRecord {
  readonly type: 'fact';
  readonly name: string;
  readonly value: string;
}

export type StoreRecord = TransactionRecord | BranchRecord | FactRecord;

export type RecordKey =
  | { readonly type: 'transaction'; readonly xid: string }
  | { readonly type: 'branch'; readonly xid: string; readonly branchId: string }
  | { readonly type: 'fact'; readonly name: string };

export type StoreChange =
  | { readonly op: 'put'; readonly record: StoreRecord }
  | { readonly op: 'delete'; readonly key: RecordKey };

/**
 * The coordinator's durable state. Every implementation passes the conformance suite in test/server/store.
 * The interface knows no connection and no transaction of any one engine.
 */
export interface Store {
  /** All records, in no order. Called once, before the first write. */
  load(): AsyncIterable<StoreRecord>;
  /**
   * Applies the changes in order, all or none. Resolves once they survive a crash of the process and of the
   * machine. Writes take effect in the order of the calls.
   * @throws GlobalTxError STORE_FAILED when they could not be made durable; the store is then unusable.
   */
  write(changes: readonly StoreChange[]): Promise<void>;
  close(): Promise<void>;
}
