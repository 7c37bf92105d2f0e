import type { TransactionStatus } from '../../protocol/frames.js';
import type { BranchRecord } from '../store/store.js';
import { statusOf } from './answers.js';
import { keyCount } from './lock-table.js';
import type { Branch, GlobalTransaction, PhaseTwoState } from './model.js';
import { locksOf } from './records.js';
import type { CoordinatorState } from './state.js';

// Plain data for operators, metrics and tests: nothing here changes the state or can be changed through it.

export interface BranchView {
  readonly branchId: string;
  readonly kind: string;
  readonly resourceId: string;
  readonly clientId: string;
  readonly locksOnly: boolean;
  readonly locks: number;
  readonly registeredAt: number;
  readonly phaseOne: BranchRecord['phaseOne'];
  readonly phaseTwo: PhaseTwoState;
  readonly attempt: number;
  readonly attention: BranchRecord['attention'];
}

export interface WaitView {
  readonly xid: string;
  readonly clientId: string;
  readonly requestId: string;
  readonly waitedMs: number;
  /** The keys where somebody is in the way, and who. */
  readonly blocked: readonly {
    readonly resourceId: string;
    readonly table: string;
    readonly key: string;
    readonly mode: string;
    readonly by: readonly string[];
  }[];
}

export interface TransactionView {
  readonly xid: string;
  readonly name: string;
  readonly application: string;
  readonly status: TransactionStatus;
  readonly reason: string;
  readonly begunAt: number;
  readonly timeoutMs: number;
  readonly decidedAt: number;
  readonly branches: readonly BranchView[];
  readonly waits: readonly WaitView[];
}

export interface TransactionFilter {
  readonly xid?: string;
  readonly status?: TransactionStatus;
  readonly application?: string;
  readonly resourceId?: string;
  /** Begun at this time or before, in milliseconds since 1970. */
  readonly begunBefore?: number;
  /** @default all */
  readonly limit?: number;
}

export interface LockView {
  readonly resourceId: string;
  readonly table: string;
  readonly key: string;
  readonly holders: readonly { readonly xid: string; readonly mode: 'EXCLUSIVE' | 'SHARED' }[];
  /** In the order of the queue. */
  readonly waiters: readonly {
    readonly xid: string;
    readonly requestId: string;
    readonly mode: 'EXCLUSIVE' | 'SHARED';
  }[];
}

export interface Counts {
  readonly transactions: number;
  readonly branches: number;
  readonly locks: number;
  readonly waiting: number;
  readonly needingAttention: number;
  readonly sessions: number;
  readonly resources: number;
  readonly remembered: number;
}

function branchView(branch: Branch): BranchView {
  const { id, kind, clientId, locksOnly, registeredAt, phaseOne, phaseTwo, attempt, attention } = branch;
  const locks = keyCount(locksOf(branch));
  const resourceId = branch.resource.id;
  return {
    branchId: id,
    kind,
    resourceId,
    clientId,
    locksOnly,
    locks,
    registeredAt,
    phaseOne,
    phaseTwo,
    attempt,
    attention,
  };
}

function waitViews(state: CoordinatorState, transaction: GlobalTransaction): WaitView[] {
  return [...transaction.waiting].map((request) => ({
    xid: transaction.xid,
    clientId: request.clientId,
    requestId: request.frame.requestId,
    waitedMs: state.clock.time - request.since,
    blocked: [...request.blocked].map((entry) => ({
      resourceId: entry.set.resourceId,
      table: entry.set.table,
      key: entry.key,
      mode: entry.mode,
      by: [...new Set(entry.lock.waitsFor(entry).map((blocker) => blocker.xid))],
    })),
  }));
}

function transactionView(state: CoordinatorState, transaction: GlobalTransaction): TransactionView {
  const { xid, name, application, reason, begunAt, timeoutMs, decidedAt } = transaction;
  const branches = [...transaction.branches.values()].map(branchView);
  const waits = waitViews(state, transaction);
  const status = statusOf(transaction);
  return { xid, name, application, status, reason, begunAt, timeoutMs, decidedAt, branches, waits };
}

function matches(transaction: GlobalTransaction, filter: TransactionFilter): boolean {
  if (filter.xid !== undefined && transaction.xid !== filter.xid) return false;
  if (filter.status !== undefined && statusOf(transaction) !== filter.status) return false;
  if (filter.application !== undefined && transaction.application !== filter.application) return false;
  if (filter.begunBefore !== undefined && transaction.begunAt > filter.begunBefore) return false;
  if (filter.resourceId === undefined) return true;
  return [...transaction.branches.values()].some((branch) => branch.resource.id === filter.resourceId);
}

/** The transactions that have not ended, oldest first. */
export function listTransactions(state: CoordinatorState, filter: TransactionFilter = {}): TransactionView[] {
  const views: TransactionView[] = [];
  for (const transaction of state.transactions.values()) {
    if (views.length >= (filter.limit ?? Number.POSITIVE_INFINITY)) break;
    if (matches(transaction, filter)) views.push(transactionView(state, transaction));
  }
  return views;
}

/** The locks that are held or waited for. */
export function listLocks(state: CoordinatorState, limit = Number.POSITIVE_INFINITY): LockView[] {
  const views: LockView[] = [];
  for (const { resourceId, table, key, lock } of state.locks.all()) {
    if (views.length >= limit) break;
    const holders = Array.from(lock.holds(), (hold) => ({
      xid: hold.transaction.xid,
      mode: hold.exclusive > 0 ? ('EXCLUSIVE' as const) : ('SHARED' as const),
    }));
    const waiters: LockView['waiters'][number][] = [];
    for (let entry = lock.first; entry !== undefined; entry = entry.next) {
      const { transaction, frame } = entry.request;
      waiters.push({ xid: transaction.xid, requestId: frame.requestId, mode: entry.mode });
    }
    views.push({ resourceId, table, key, holders, waiters });
  }
  return views;
}

/** Who waits for whom, request by request. */
export function listWaits(state: CoordinatorState): WaitView[] {
  return [...state.transactions.values()].flatMap((transaction) => waitViews(state, transaction));
}

/** Locks held, counted once for each transaction that holds one. */
export function lockCount(state: CoordinatorState): number {
  return state.locks.held;
}

/** Costs the same whatever the coordinator holds: every gauge of the metrics asks for it. */
export function counts(state: CoordinatorState): Counts {
  let branches = 0;
  for (const resource of state.resources.values()) branches += resource.branches;
  return {
    transactions: state.transactions.size,
    branches,
    locks: state.locks.held,
    waiting: state.locks.waiting,
    needingAttention: state.needingAttention,
    sessions: state.sessions.size,
    resources: state.resources.size,
    remembered: state.ended.size,
  };
}
