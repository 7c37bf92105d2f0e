import type { ReportBranch } from '../../protocol/frames.js';
import { commitIfReported } from './decision.js';
import { removeBranch } from './grant.js';
import { refuse } from './lock-wait.js';
import type { Branch } from './model.js';
import type { Output } from './output.js';
import { branchKeys, branchRecord, locksOf } from './records.js';
import type { CoordinatorState } from './state.js';

/**
 * What became of a branch's local transaction. Once the decision has fallen, only that it is committed is still of use: a
 * rollback then knows that there is an undo record.
 */
export function reportBranch(
  state: CoordinatorState,
  out: Output,
  { xid, branchId, outcome }: ReportBranch,
): void {
  const transaction = state.transactions.get(xid);
  const branch = transaction?.branches.get(branchId);
  if (transaction === undefined || branch === undefined) return;
  if (transaction.status === 'ROLLING_BACK' && outcome === 'PHASE_ONE_DONE') noteDone(branch);
  if (transaction.status !== 'ACTIVE') return;
  switch (outcome) {
    case 'PHASE_ONE_DONE':
      if (!noteDone(branch)) return;
      break;
    case 'PHASE_ONE_FAILED':
      if (branch.phaseOne === 'PHASE_ONE_DONE') return;
      drop(state, out, branch);
      break;
    case 'PHASE_ONE_UNKNOWN':
      if (branch.locksOnly || branch.phaseOne !== '') return;
      branch.phaseOne = 'PHASE_ONE_UNKNOWN';
      transaction.rollbackOnly = 'LOCAL_COMMIT_UNKNOWN';
      out.store({ op: 'put', record: branchRecord(branch) });
      break;
  }
  commitIfReported(state, out, transaction);
}

/**
 * Not stored: clients repeat their reports to a coordinator that has been started again.
 * @returns whether it was news
 */
function noteDone(branch: Branch): boolean {
  if (branch.locksOnly || branch.phaseOne !== '') return false;
  branch.phaseOne = 'PHASE_ONE_DONE';
  branch.transaction.unreported--;
  return true;
}

/** The local transaction is rolled back for certain: there is nothing to compensate and nothing to protect. */
function drop(state: CoordinatorState, out: Output, branch: Branch): void {
  const { transaction } = branch;
  for (const request of [...transaction.waiting]) {
    if (request.target !== branch) continue;
    refuse(state, out, request, 'BRANCH_NOT_FOUND', `branch ${branch.id} has been given up`);
  }
  for (const key of branchKeys(branch)) out.storeLater({ op: 'delete', key });
  removeBranch(state, branch);
  state.locks.release(transaction, locksOf(branch));
}
