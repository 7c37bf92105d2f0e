import type { ReportBranch } from '../../protocol/frames.js';
import { commitIfReported } from './decision.js';
import { removeBranch } from './grant.js';
import { refuse } from './lock-wait.js';
import type { Branch } from './model.js';
import type { Output } from './output.js';
import { branchKeys, branchRecord, locksOf } from './records.js';
import type { CoordinatorState } from './state.js';

/** What became of a branch's local transaction. Of no meaning once the decision has fallen. */
export function reportBranch(
  state: CoordinatorState,
  out: Output,
  { xid, branchId, outcome }: ReportBranch,
): void {
  const transaction = state.transactions.get(xid);
  const branch = transaction?.branches.get(branchId);
  if (transaction === undefined || branch === undefined || transaction.status !== 'ACTIVE') return;
  switch (outcome) {
    case 'PHASE_ONE_DONE':
      if (branch.locksOnly || branch.phaseOne !== '') return;
      // Not stored: clients repeat their reports to a coordinator that has been started again.
      branch.phaseOne = 'PHASE_ONE_DONE';
      transaction.unreported--;
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
