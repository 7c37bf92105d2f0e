import { GlobalTxError } from '../../protocol/errors.js';
import type { BranchRecord, StoreRecord, TransactionRecord } from '../store/store.js';
import { addTransaction } from './begin.js';
import { end, forget, remember } from './end.js';
import type { Effect } from './events.js';
import { addBranch, noteRequest, removeBranch } from './grant.js';
import type { Branch, GlobalTransaction } from './model.js';
import { Output } from './output.js';
import { startPhaseTwo } from './phase-two.js';
import { branchKeys, locksOf } from './records.js';
import type { CoordinatorState } from './state.js';

/**
 * Builds up a fresh state from what the store has kept: transactions, branches, the locks of those that are
 * not committed, and phase two of what was decided. Nothing is pushed until a session enlists its resource.
 *
 * @param records all records, in no order
 * @throws GlobalTxError STORE_CORRUPT when the records contradict each other
 */
export function recover(state: CoordinatorState, records: Iterable<StoreRecord>, now: number): Effect[] {
  const out = new Output(state);
  state.clock.read(now);
  const open: TransactionRecord[] = [];
  const ended: TransactionRecord[] = [];
  const branches: BranchRecord[] = [];
  let coordinatorId: string | undefined;
  for (const record of records) {
    switch (record.type) {
      case 'transaction':
        if (record.status === 'COMMITTED' || record.status === 'ROLLED_BACK') ended.push(record);
        else open.push(record);
        break;
      case 'branch':
        branches.push(record);
        break;
      case 'fact':
        if (record.name === 'coordinatorId') coordinatorId = record.value;
        if (record.name === 'branchIdLimit') {
          state.branchIdLimit = BigInt(record.value);
          // Any id below the limit may have been given out.
          state.lastBranchId = state.branchIdLimit - 1n;
        }
        break;
    }
  }
  if (coordinatorId === undefined) {
    const fact = { type: 'fact', name: 'coordinatorId', value: state.coordinatorId } as const;
    out.store({ op: 'put', record: fact });
  } else {
    state.coordinatorId = coordinatorId;
  }

  open.sort((a, b) => a.begunAt - b.begunAt || (a.xid < b.xid ? -1 : 1));
  for (const record of open) recoverTransaction(state, record);
  ended.sort((a, b) => a.endedAt - b.endedAt);
  for (const record of ended) recoverEnded(state, record);
  branches.sort((a, b) => (BigInt(a.branchId) < BigInt(b.branchId) ? -1 : 1));
  for (const record of branches) recoverBranch(state, record);
  for (const transaction of [...state.transactions.values()]) resume(state, out, transaction);
  forget(state, out);
  return out.effects;
}

function corrupt(message: string, xid: string): GlobalTxError {
  return new GlobalTxError(
    'STORE_CORRUPT',
    `${message}; the coordinator does not start on records that contradict each other: restore its data folder`,
    { xid },
  );
}

function recoverTransaction(state: CoordinatorState, record: TransactionRecord): void {
  const { xid, name, application, status, reason, timeoutMs, decidedAt } = record;
  // A clock that was set back in between must not make the timeout longer than it is.
  const begunAt = Math.min(record.begunAt, state.clock.shellTime);
  const facts = { xid, name, application, begunAt, timeoutMs, status, reason, decidedAt };
  const transaction = addTransaction(state, facts);
  if (status !== 'ACTIVE') return;
  const remaining = Math.max(0, begunAt + timeoutMs - state.clock.shellTime);
  transaction.timer = state.timers.set(state.clock.time + remaining, { kind: 'timeout', transaction });
}

function recoverEnded(state: CoordinatorState, record: TransactionRecord): void {
  const { xid, name, application, status, reason, begunAt, endedAt } = record;
  const age = Math.max(0, state.clock.shellTime - endedAt);
  remember(state, {
    xid,
    name,
    application,
    status: status === 'COMMITTED' ? 'COMMITTED' : 'ROLLED_BACK',
    reason,
    begunAt,
    endedAt,
    forgetAt: state.clock.time + Math.max(0, state.config.rememberEndedMs - age),
  });
}

function recoverBranch(state: CoordinatorState, record: BranchRecord): void {
  const transaction = state.transactions.get(record.xid);
  if (transaction === undefined) {
    throw corrupt(`branch ${record.branchId} belongs to no unfinished transaction`, record.xid);
  }
  if (BigInt(record.branchId) > state.lastBranchId) {
    throw corrupt(`branch ${record.branchId} is beyond the ids that were given out`, record.xid);
  }
  const { branchId, requestId, clientId, locks, partOf } = record;
  if (partOf === undefined) {
    const { kind, resourceId, locksOnly, registeredAt, phaseOne, attention } = record;
    const facts = { id: branchId, kind, resourceId, clientId, requestId, locksOnly, locks };
    addBranch(state, transaction, { ...facts, registeredAt, phaseOne, attention });
    if (phaseOne === 'PHASE_ONE_UNKNOWN') transaction.rollbackOnly = 'LOCAL_COMMIT_UNKNOWN';
  } else {
    const target = transaction.branches.get(partOf);
    if (target === undefined) {
      throw corrupt(`the locks ${branchId} belong to branch ${partOf}, which is not there`, record.xid);
    }
    target.additions.push({ branchId, requestId, clientId, locks });
  }
  noteRequest(state, transaction, { clientId, requestId }, partOf ?? branchId);
}

function resume(state: CoordinatorState, out: Output, transaction: GlobalTransaction): void {
  for (const branch of [...transaction.branches.values()]) {
    const isDecided = transaction.status !== 'ACTIVE';
    if (isDecided && branch.locksOnly) forgetLocks(state, transaction, branch);
    else if (transaction.status !== 'COMMITTING') takeLocks(state, transaction, branch);
  }
  if (transaction.status === 'ACTIVE') return;
  if (transaction.branches.size === 0) end(state, out, transaction);
  else startPhaseTwo(state, transaction);
}

function forgetLocks(state: CoordinatorState, transaction: GlobalTransaction, branch: Branch): void {
  transaction.leftovers.push(...branchKeys(branch));
  removeBranch(state, branch);
}

function takeLocks(state: CoordinatorState, transaction: GlobalTransaction, branch: Branch): void {
  const locks = locksOf(branch);
  const obstacle = state.locks.obstacle(transaction, locks);
  if (obstacle !== undefined) {
    throw corrupt(`the lock ${obstacle.key} is also held by ${obstacle.transaction.xid}`, transaction.xid);
  }
  state.locks.acquire(transaction, locks);
}
