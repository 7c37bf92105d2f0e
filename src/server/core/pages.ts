import type {
  BranchPage,
  BranchSummary,
  HeldLock,
  ListOfTransactionRequest,
  ListTransactionsRequest,
  LockPage,
  Summary,
  TransactionSummary,
  Wait,
} from '../../protocol/admin.js';
import type { LockSet } from '../../protocol/frames.js';
import { statusOf } from './answers.js';
import type { QueueEntry } from './lock.js';
import { keyCount } from './lock-table.js';
import type { Branch, EndedTransaction, GlobalTransaction, LockRequest, Resource } from './model.js';
import { locksOf } from './records.js';
import type { CoordinatorState } from './state.js';
import { counts } from './views.js';

// What operators look at, in pages that cost little each, whatever the coordinator holds. Nothing here changes
// the state.

/** Entries of a page. */
const PAGE = 500;
/** Transactions and branches that are looked at for one page. */
const LOOKS = 5_000;
/** Of what can be long within one entry, so many are named; the rest is counted. */
const NAMED = 5;

export type StatusCounts = Record<string, number>;

/** Counts the next few transactions by status. @returns whether there are more */
export function countStatuses(transactions: Iterator<GlobalTransaction>, into: StatusCounts): boolean {
  for (let looks = 0; looks < LOOKS; looks++) {
    const { value, done } = transactions.next();
    if (done) return false;
    const status = statusOf(value);
    into[status] = (into[status] ?? 0) + 1;
  }
  return true;
}

export function summary(state: CoordinatorState, byStatus: StatusCounts): Summary {
  const { sessions, needingAttention: _, ...rest } = counts(state);
  const { coordinatorId, clock } = state;
  return { coordinatorId, nowMs: String(clock.shellTime), ...rest, clients: sessions, byStatus };
}

function pageSize(limit: number): number {
  return limit === 0 ? PAGE : Math.min(limit, PAGE);
}

function labelOf(resource: Resource): string {
  const [claim] = resource.claims.values();
  return claim?.label ?? '';
}

function branchSummary(branch: Branch): BranchSummary {
  const { id, kind, resource, clientId, locksOnly, phaseTwo, attempt, attention } = branch;
  return {
    branchId: id,
    kind,
    resourceId: resource.id,
    resourceLabel: labelOf(resource),
    clientId,
    locksOnly,
    locks: keyCount(locksOf(branch)),
    registeredAtMs: String(branch.registeredAt),
    phaseOne: branch.phaseOne === '' ? 'REGISTERED' : branch.phaseOne,
    phaseTwo,
    attempt,
    code: attention?.code ?? '',
    detail: attention?.detail ?? '',
    resolution: attention?.resolution ?? 'UNRESOLVED',
  };
}

/** Who holds the lock in the way of this place in its queue, then who stands ahead: the first of them. */
function inTheWay(entry: QueueEntry): string[] {
  const own = entry.request.transaction;
  const found: string[] = [];
  for (const { transaction, exclusive } of entry.lock.holds()) {
    if (found.length === NAMED) return found;
    if (transaction !== own && (entry.mode === 'EXCLUSIVE' || exclusive > 0)) found.push(transaction.xid);
  }
  if (entry.lock.holdOf(own) !== undefined) return found;
  let other = entry.previous;
  for (let looks = 0; other !== undefined && looks < NAMED && found.length < NAMED; looks++) {
    const { transaction } = other.request;
    if (transaction !== own && (entry.mode === 'EXCLUSIVE' || other.mode === 'EXCLUSIVE')) {
      found.push(transaction.xid);
    }
    other = other.previous;
  }
  return found;
}

function wait(state: CoordinatorState, request: LockRequest): Wait | undefined {
  const [entry] = request.blocked;
  if (entry === undefined) return undefined;
  return {
    waitedMs: state.clock.time - request.since,
    resourceId: entry.set.resourceId,
    table: entry.set.table,
    key: entry.key,
    mode: entry.mode,
    keys: request.blocked.size,
    holders: inTheWay(entry),
  };
}

function firstOf<Item, Found>(items: Iterable<Item>, find: (item: Item) => Found | undefined): Found[] {
  const found: Found[] = [];
  for (const item of items) {
    if (found.length === NAMED) break;
    const one = find(item);
    if (one !== undefined) found.push(one);
  }
  return found;
}

function transactionSummary(state: CoordinatorState, transaction: GlobalTransaction): TransactionSummary {
  const { xid, name, application, reason, begunAt, timeoutMs, decidedAt, branches, waiting } = transaction;
  let locks = 0;
  for (const branch of branches.values()) locks += keyCount(locksOf(branch));
  const { needingAttention } = transaction;
  const stuck = (branch: Branch) => (branch.phaseTwo === 'ATTENTION' ? branchSummary(branch) : undefined);
  return {
    xid,
    name,
    application,
    status: statusOf(transaction),
    reason,
    begunAtMs: String(begunAt),
    timeoutMs,
    decidedAtMs: String(decidedAt),
    endedAtMs: '0',
    branches: branches.size,
    locks,
    waiting: waiting.size,
    waits: firstOf(waiting, (request) => wait(state, request)),
    needingAttention,
    attention: needingAttention === 0 ? [] : firstOf(branches.values(), stuck),
  };
}

function endedSummary(ended: EndedTransaction): TransactionSummary {
  const { xid, name, application, status, reason, begunAt, endedAt } = ended;
  return {
    xid,
    name,
    application,
    status,
    reason,
    begunAtMs: String(begunAt),
    timeoutMs: 0,
    decidedAtMs: '0',
    endedAtMs: String(endedAt),
    branches: 0,
    locks: 0,
    waiting: 0,
    waits: [],
    needingAttention: 0,
    attention: [],
  };
}

function touches(transaction: GlobalTransaction, resource: string): boolean {
  for (const branch of transaction.branches.values()) {
    if (branch.resource.id === resource || labelOf(branch.resource) === resource) return true;
  }
  return false;
}

function matches(transaction: GlobalTransaction, filter: ListTransactionsRequest): boolean {
  if (filter.status !== '' && statusOf(transaction) !== filter.status) return false;
  if (filter.application !== '' && transaction.application !== filter.application) return false;
  const begunBefore = Number(filter.begunBeforeMs);
  if (begunBefore !== 0 && transaction.begunAt > begunBefore) return false;
  return filter.resource === '' || touches(transaction, filter.resource);
}

/** One transaction, also when it has ended and is remembered. */
export function oneTransaction(state: CoordinatorState, xid: string): TransactionSummary | undefined {
  const live = state.transactions.get(xid);
  if (live !== undefined) return transactionSummary(state, live);
  const ended = state.ended.get(xid);
  return ended === undefined ? undefined : endedSummary(ended);
}

export interface TransactionsSeen {
  readonly transactions: TransactionSummary[];
  /** The age of the last one looked at; undefined: there are no more. */
  readonly last: number | undefined;
}

/**
 * Takes from `all` what makes one page.
 * @param after the age of the last one that an earlier page has looked at; -1 for none
 */
export function transactionPage(
  state: CoordinatorState,
  all: Iterator<GlobalTransaction>,
  request: ListTransactionsRequest,
  after: number,
): TransactionsSeen {
  const size = pageSize(request.limit);
  const transactions: TransactionSummary[] = [];
  let last = after;
  for (let looks = 0; transactions.length < size && looks < LOOKS; looks++) {
    const { value, done } = all.next();
    if (done) return { transactions, last: undefined };
    if (value.age <= after) continue;
    last = value.age;
    if (request.resource !== '') looks += value.branches.size;
    if (!matches(value, request)) continue;
    looks += value.branches.size;
    transactions.push(transactionSummary(state, value));
  }
  return { transactions, last };
}

export function branchPage(state: CoordinatorState, request: ListOfTransactionRequest): BranchPage {
  const after = BigInt(request.pageToken === '' ? 0 : request.pageToken);
  const size = pageSize(request.limit);
  const branches: BranchSummary[] = [];
  for (const branch of state.transactions.get(request.xid)?.branches.values() ?? []) {
    if (BigInt(branch.id) <= after) continue;
    if (branches.length === size) return { branches, nextPageToken: branches.at(-1)!.branchId };
    branches.push(branchSummary(branch));
  }
  return { branches, nextPageToken: '' };
}

function heldLock(state: CoordinatorState, branchId: string, set: LockSet, key: string): HeldLock {
  const { resourceId, table, mode } = set;
  const lock = state.locks.find(resourceId, table, key);
  const waiters: string[] = [];
  let waiting = 0;
  for (let entry = lock?.first; entry !== undefined && waiting < PAGE; entry = entry.next) {
    waiting++;
    if (waiters.length < NAMED) waiters.push(entry.request.transaction.xid);
  }
  return { resourceId, table, key, mode, branchId, waiters, waiting };
}

/** Whether the branches of this transaction hold their locks: a commit has freed them. */
function holdsLocks(transaction: GlobalTransaction): boolean {
  return transaction.status === 'ACTIVE' || transaction.status === 'ROLLING_BACK';
}

/** The token is the place of the first lock that was not given. */
export function lockPage(state: CoordinatorState, request: ListOfTransactionRequest): LockPage {
  const transaction = state.transactions.get(request.xid);
  const locks: HeldLock[] = [];
  if (transaction === undefined || !holdsLocks(transaction)) return { locks, nextPageToken: '' };
  const from = request.pageToken === '' ? 0 : Number(request.pageToken);
  const size = pageSize(request.limit);
  let place = 0;
  for (const branch of transaction.branches.values()) {
    for (const set of locksOf(branch)) {
      if (place + set.keys.length > from) {
        for (const key of set.keys.slice(Math.max(0, from - place))) {
          if (locks.length === size) return { locks, nextPageToken: String(from + size) };
          locks.push(heldLock(state, branch.id, set, key));
        }
      }
      place += set.keys.length;
    }
  }
  return { locks, nextPageToken: '' };
}
