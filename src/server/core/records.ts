import type { BranchRecord, RecordKey, StoredStatus, TransactionRecord } from '../store/store.js';
import type { Branch, GlobalTransaction, Registration } from './model.js';

export function transactionRecord(
  transaction: GlobalTransaction,
  status: StoredStatus,
  endedAt: number,
): TransactionRecord {
  const { xid, name, application, reason, begunAt, timeoutMs, decidedAt } = transaction;
  return {
    type: 'transaction',
    xid,
    name,
    application,
    status,
    reason,
    begunAt,
    timeoutMs,
    decidedAt,
    endedAt,
  };
}

export function branchRecord(branch: Branch): BranchRecord {
  return {
    type: 'branch',
    xid: branch.transaction.xid,
    branchId: branch.id,
    kind: branch.kind,
    resourceId: branch.resource.id,
    clientId: branch.clientId,
    requestId: branch.requestId,
    locksOnly: branch.locksOnly,
    locks: branch.locks,
    registeredAt: branch.registeredAt,
    phaseOne: branch.phaseOne,
    attention: branch.attention,
  };
}

export function additionRecord(
  branch: Branch,
  branchId: string,
  request: Registration,
  now: number,
): BranchRecord {
  return {
    type: 'branch',
    xid: branch.transaction.xid,
    branchId,
    kind: branch.kind,
    resourceId: branch.resource.id,
    clientId: request.clientId,
    requestId: request.frame.requestId,
    locksOnly: true,
    locks: request.frame.locks,
    partOf: branch.id,
    registeredAt: now,
    phaseOne: '',
    attention: null,
  };
}

/** The keys of a branch's records: its own and those of the locks that were added to it. */
export function branchKeys(branch: Branch): RecordKey[] {
  const { xid } = branch.transaction;
  const keys: RecordKey[] = [{ type: 'branch', xid, branchId: branch.id }];
  for (const { branchId } of branch.additions) keys.push({ type: 'branch', xid, branchId });
  return keys;
}

/** Everything that a branch holds. */
export function locksOf(branch: Branch): BranchRecord['locks'] {
  if (branch.additions.length === 0) return branch.locks;
  return [...branch.locks, ...branch.additions.flatMap((addition) => addition.locks)];
}
