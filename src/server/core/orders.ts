import type { Order } from '../../protocol/admin.js';
import type { ErrorCode } from '../../protocol/error-codes.js';
import { statusOf } from './answers.js';
import type { CoreEvent } from './events.js';
import type { Branch, GlobalTransaction } from './model.js';
import type { CoordinatorState } from './state.js';

export interface OrderRefusal {
  readonly code: ErrorCode;
  readonly message: string;
}

type OperatorEvent = Extract<CoreEvent, { type: 'retry' | 'resolve' | 'rollback' }>;

/** What an operator's order comes to now: the event that carries it out, or why it is refused. */
export function judgeOrder(
  state: CoordinatorState,
  order: Pick<Order, 'kind' | 'xid' | 'branchId' | 'resolution'>,
): OperatorEvent | OrderRefusal {
  const { xid, branchId } = order;
  const transaction = state.transactions.get(xid);
  if (transaction === undefined) {
    const ended = state.ended.get(xid);
    if (ended !== undefined) return refused(`the transaction has ended: it is ${ended.status}`);
    return { code: 'TRANSACTION_NOT_FOUND', message: `there is no transaction '${xid}' here (any more)` };
  }
  if (order.kind === 'ROLL_BACK') return judgeRollback(transaction);
  const branch = transaction.branches.get(branchId);
  if (branch === undefined && (branchId !== '' || order.kind === 'RESOLVE')) {
    const message = `the transaction has no unfinished branch '${branchId}'`;
    return { code: 'BRANCH_NOT_FOUND', message };
  }
  return order.kind === 'RETRY'
    ? judgeRetry(transaction, branch)
    : judgeResolve(transaction, branch!, order.resolution);
}

function refused(message: string): OrderRefusal {
  return { code: 'ORDER_REFUSED', message };
}

function judgeRollback(transaction: GlobalTransaction): OperatorEvent | OrderRefusal {
  if (transaction.status === 'ACTIVE') return { type: 'rollback', xid: transaction.xid };
  return refused(`the transaction is decided, and a decision never changes: it is ${statusOf(transaction)}`);
}

function judgeRetry(
  transaction: GlobalTransaction,
  branch: Branch | undefined,
): OperatorEvent | OrderRefusal {
  const branches = branch === undefined ? [...transaction.branches.values()] : [branch];
  if (branches.some(({ phaseTwo }) => phaseTwo === 'ATTENTION' || phaseTwo === 'BACKING_OFF')) {
    return { type: 'retry', xid: transaction.xid, branchId: branch?.id ?? '' };
  }
  if (transaction.status === 'ACTIVE') return refused('the transaction is not decided yet');
  return refused(
    'no branch needs a person or waits for its next attempt; see what phase two of each is doing',
  );
}

function judgeResolve(
  transaction: GlobalTransaction,
  branch: Branch,
  resolution: Order['resolution'],
): OperatorEvent | OrderRefusal {
  if (branch.phaseTwo !== 'ATTENTION') {
    return refused(`branch ${branch.id} does not need a person: its phase two is ${branch.phaseTwo}`);
  }
  switch (resolution) {
    case 'UNRESOLVED':
      return refused('an order to resolve says ACCEPT_CURRENT or RESTORE_BEFORE');
    case 'RESTORE_BEFORE':
      if (transaction.status !== 'ROLLING_BACK')
        return refused('the transaction is committed: there is nothing to restore');
      break;
    case 'ACCEPT_CURRENT':
      break;
  }
  return { type: 'resolve', xid: transaction.xid, branchId: branch.id, resolution };
}
