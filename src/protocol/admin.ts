import type { LockMode, Resolution, TransactionStatus } from './frames.js';

/**
 * The messages of proto/globaltx/v1/admin.proto as @grpc/proto-loader gives them with the options in
 * `contract.ts`: camelCase names, enumerations as strings. Times are decimal strings: milliseconds since 1970.
 */

export interface Summary {
  readonly coordinatorId: string;
  readonly nowMs: string;
  readonly transactions: number;
  readonly branches: number;
  readonly locks: number;
  readonly waiting: number;
  readonly clients: number;
  readonly resources: number;
  readonly remembered: number;
  readonly byStatus: Readonly<Record<string, number>>;
}

export interface ListTransactionsRequest {
  readonly status: string;
  readonly application: string;
  readonly resource: string;
  readonly begunBeforeMs: string;
  readonly xid: string;
  readonly limit: number;
  readonly pageToken: string;
}

export interface TransactionPage {
  readonly transactions: readonly TransactionSummary[];
  readonly nextPageToken: string;
}

export interface TransactionSummary {
  readonly xid: string;
  readonly name: string;
  readonly application: string;
  readonly status: TransactionStatus;
  readonly reason: string;
  readonly begunAtMs: string;
  readonly timeoutMs: number;
  readonly decidedAtMs: string;
  readonly endedAtMs: string;
  readonly branches: number;
  readonly locks: number;
  readonly waiting: number;
  readonly waits: readonly Wait[];
  readonly needingAttention: number;
  readonly attention: readonly BranchSummary[];
}

export interface Wait {
  readonly waitedMs: number;
  readonly resourceId: string;
  readonly table: string;
  readonly key: string;
  readonly mode: LockMode;
  readonly keys: number;
  readonly holders: readonly string[];
}

export interface ListOfTransactionRequest {
  readonly xid: string;
  readonly limit: number;
  readonly pageToken: string;
}

export interface BranchPage {
  readonly branches: readonly BranchSummary[];
  readonly nextPageToken: string;
}

export interface BranchSummary {
  readonly branchId: string;
  readonly kind: string;
  readonly resourceId: string;
  readonly resourceLabel: string;
  readonly clientId: string;
  readonly locksOnly: boolean;
  readonly locks: number;
  readonly registeredAtMs: string;
  readonly phaseOne: string;
  readonly phaseTwo: string;
  readonly attempt: number;
  readonly code: string;
  readonly detail: string;
  readonly resolution: Resolution;
}

export interface LockPage {
  readonly locks: readonly HeldLock[];
  readonly nextPageToken: string;
}

export interface HeldLock {
  readonly resourceId: string;
  readonly table: string;
  readonly key: string;
  readonly mode: LockMode;
  readonly branchId: string;
  readonly waiters: readonly string[];
  readonly waiting: number;
}

export type OrderKind = 'RETRY' | 'ROLL_BACK' | 'RESOLVE';

export interface Order {
  readonly kind: OrderKind;
  readonly xid: string;
  readonly branchId: string;
  readonly resolution: Resolution;
  readonly user: string;
  readonly host: string;
}

export interface OrderAnswer {
  readonly outcome: string;
}
