import type { RegisterBranch } from '../../protocol/frames.js';
import { refusalOf } from './answers.js';
import { begin } from './begin.js';
import { grant, requestKey } from './grant.js';
import { keyCount } from './lock-table.js';
import { wait } from './lock-wait.js';
import type { GlobalTransaction, Registration, Session } from './model.js';
import type { Limit, Output } from './output.js';
import type { CoordinatorState } from './state.js';

/** Finds the transaction that a registration belongs to, beginning it on the way; undefined: it was refused. */
function transactionFor(
  state: CoordinatorState,
  out: Output,
  session: Session,
  id: number,
  frame: RegisterBranch,
): GlobalTransaction | undefined {
  const { xid } = frame;
  const known = state.transactions.get(xid) ?? state.ended.get(xid);
  if (known !== undefined && known.status === 'ACTIVE') return known;
  if (known !== undefined) {
    const { code, message } = refusalOf(known);
    out.fail(session, id, code, message, xid);
    return undefined;
  }
  if (frame.begin !== null) return begin(state, out, session, id, { ...frame.begin, xid });
  out.fail(
    session,
    id,
    'TRANSACTION_NOT_FOUND',
    'no such transaction: it was never begun here, or ended longer ago than the coordinator remembers',
    xid,
  );
  return undefined;
}

/** The name of the limit that this registration would go past. */
function limitReached(
  state: CoordinatorState,
  session: Session,
  transaction: GlobalTransaction,
  frame: RegisterBranch,
): Limit | undefined {
  const { config, locks } = state;
  // Counted by requests: locks that were added to a branch need room, too, and so does what is known of a failed one.
  if (transaction.requests.size >= config.maxBranches) return 'maxBranches';
  if (state.registrations >= config.maxRegistrations) return 'maxRegistrations';
  if (locks.named + locks.queued + keyCount(frame.locks) > config.maxLocks) return 'maxLocks';
  if (session.unanswered >= config.maxWaiting) return 'maxWaiting';
  return undefined;
}

export function registerBranch(
  state: CoordinatorState,
  out: Output,
  session: Session,
  id: number,
  frame: RegisterBranch,
): void {
  const transaction = transactionFor(state, out, session, id, frame);
  if (transaction === undefined) return;
  const { xid } = transaction;

  const earlier = transaction.requests.get(requestKey(session.clientId, frame.requestId));
  if (typeof earlier === 'string') {
    out.send(session, id, { body: 'branchRegistered', branchRegistered: { branchId: earlier } });
    return;
  }
  if (earlier !== undefined) {
    earlier.id = id;
    return;
  }
  if (transaction.commitAsked) {
    const { code, message } = refusalOf(transaction);
    out.fail(session, id, code, message, xid);
    return;
  }
  const limit = limitReached(state, session, transaction, frame);
  if (limit !== undefined) {
    out.exhausted(session, id, limit, xid);
    return;
  }
  const target = frame.branchId === '' ? undefined : transaction.branches.get(frame.branchId);
  if (frame.branchId !== '' && target === undefined) {
    out.fail(session, id, 'BRANCH_NOT_FOUND', `the transaction has no branch ${frame.branchId}`, xid);
    return;
  }

  const request: Registration = { transaction, frame, clientId: session.clientId, target, session, id };
  const obstacle = state.locks.obstacle(transaction, frame.locks);
  if (obstacle === undefined) {
    grant(state, out, request);
    return;
  }
  const rollingBack = obstacle.isHolder && obstacle.transaction.status === 'ROLLING_BACK';
  if (frame.lockWaitMs > 0 && !rollingBack) {
    wait(state, request);
    return;
  }
  out.fail(
    session,
    id,
    'LOCK_CONFLICT',
    rollingBack
      ? `the row is locked by transaction ${obstacle.transaction.xid}, which is being rolled back; ` +
          'roll the local transaction back and try again'
      : `the row is locked by transaction ${obstacle.transaction.xid}`,
    xid,
    {
      resource: obstacle.set.resourceId,
      table: obstacle.set.table,
      key: obstacle.key,
      holder: obstacle.transaction.xid,
    },
  );
}
