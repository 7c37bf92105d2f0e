import type { Decision } from '../../protocol/frames.js';
import { answerAll, answerOutcome, refusalOf } from './answers.js';
import { timeoutOf } from './begin.js';
import { end } from './end.js';
import { removeBranch } from './grant.js';
import { refuse, refuseWaitersOn } from './lock-wait.js';
import type { Branch, GlobalTransaction, Reply, Session } from './model.js';
import type { Output } from './output.js';
import { answerIfStuck, dispatchAll, startPhaseTwo } from './phase-two.js';
import { branchKeys, locksOf, transactionRecord } from './records.js';
import type { CoordinatorState } from './state.js';
import { moveTransaction } from './transitions.js';

/**
 * The decision falls, for ever. A commit frees every lock at once; a rollback keeps those of the branches
 * that wrote until each is compensated. Whoever waited for a commit is answered.
 */
export function decide(
  state: CoordinatorState,
  out: Output,
  transaction: GlobalTransaction,
  decision: Decision,
  reason: string,
): void {
  state.timers.cancel(transaction.timer);
  state.timers.cancel(transaction.patience);
  transaction.reason = reason;
  transaction.decidedAt = state.clock.shellTime;
  moveTransaction(transaction, decision === 'COMMIT' ? 'COMMITTING' : 'ROLLING_BACK');
  refuseOwnWaiting(state, out, transaction);

  const branches = [...transaction.branches.values()];
  const writers = branches.filter((branch) => !branch.locksOnly);
  if (decision === 'ROLLBACK') refuseWaitersOn(state, out, transaction);
  for (const branch of branches) {
    if (decision === 'ROLLBACK' && !branch.locksOnly) continue;
    state.locks.release(transaction, locksOf(branch));
    if (!branch.locksOnly) {
      forgetLocks(branch);
      continue;
    }
    transaction.leftovers.push(...branchKeys(branch));
    removeBranch(state, branch);
  }

  if (writers.length === 0) {
    end(state, out, transaction);
    out.writeNow();
  } else {
    out.store({ op: 'put', record: transactionRecord(transaction, transaction.status, 0) });
    startPhaseTwo(state, transaction);
    dispatchAll(state, out, new Set(writers.map((branch) => branch.resource)));
  }
  answerAll(state, out, transaction.xid, transaction.commitReplies);
}

function forgetLocks(branch: Branch): void {
  branch.locks = [];
  for (const addition of branch.additions) addition.locks = [];
}

function refuseOwnWaiting(state: CoordinatorState, out: Output, transaction: GlobalTransaction): void {
  const { code, message } = refusalOf(transaction);
  for (const request of transaction.waiting) refuse(state, out, request, code, message);
}

export function commit(
  state: CoordinatorState,
  out: Output,
  session: Session,
  id: number,
  xid: string,
): void {
  const transaction = state.transactions.get(xid);
  if (transaction === undefined || transaction.status !== 'ACTIVE') {
    answerOutcome(state, out, session, id, xid);
    return;
  }
  if (session.unanswered >= state.config.maxWaiting) {
    out.exhausted(session, id, 'maxWaiting', xid);
    return;
  }
  const isFirst = !transaction.commitAsked;
  transaction.commitAsked = true;
  if (commitIfReported(state, out, transaction)) {
    answerOutcome(state, out, session, id, xid);
    return;
  }
  transaction.commitReplies.add({ session, id, timer: undefined });
  session.unanswered++;
  if (!isFirst) return;
  refuseOwnWaiting(state, out, transaction);
  transaction.patience = state.timers.set(state.clock.time + state.config.commitPatienceMs, {
    kind: 'commitPatience',
    transaction,
  });
}

/** Decides a commit that has been asked for, once nothing is missing any more. @returns whether it is decided */
export function commitIfReported(
  state: CoordinatorState,
  out: Output,
  transaction: GlobalTransaction,
): boolean {
  if (!transaction.commitAsked) return false;
  if (transaction.rollbackOnly !== '') {
    decide(state, out, transaction, 'ROLLBACK', transaction.rollbackOnly);
    return true;
  }
  if (transaction.unreported > 0) return false;
  decide(state, out, transaction, 'COMMIT', '');
  return true;
}

export function rollback(
  state: CoordinatorState,
  out: Output,
  session: Session,
  id: number,
  { xid, reason, waitMs }: { readonly xid: string; readonly reason: string; readonly waitMs: number },
): void {
  const transaction = state.transactions.get(xid);
  if (transaction?.status === 'ACTIVE') decide(state, out, transaction, 'ROLLBACK', reason);
  const isOver = state.transactions.get(xid)?.status !== 'ROLLING_BACK';
  if (transaction === undefined || isOver || waitMs === 0) {
    answerOutcome(state, out, session, id, xid);
    return;
  }
  if (session.unanswered >= state.config.maxWaiting) {
    out.exhausted(session, id, 'maxWaiting', xid);
    return;
  }
  const reply: Reply = { session, id, timer: undefined };
  reply.timer = state.timers.set(state.clock.time + timeoutOf(state, waitMs), {
    kind: 'rollbackReply',
    transaction,
    reply,
  });
  transaction.rollbackReplies.add(reply);
  session.unanswered++;
  answerIfStuck(state, out, transaction);
}
