import type { ErrorCode } from '../../protocol/error-codes.js';
import type { ServerBody, TransactionStatus } from '../../protocol/frames.js';
import type { Few } from './few.js';
import type { EndedTransaction, GlobalTransaction, Reply, Session } from './model.js';
import type { Output } from './output.js';
import type { CoordinatorState } from './state.js';

/**
 * What is said of a transaction. A rollback that a branch holds up shows as NEEDS_ATTENTION; a commit never
 * does, because its outcome stands and its locks are free.
 */
export function statusOf(transaction: GlobalTransaction | EndedTransaction): TransactionStatus {
  if (transaction.status !== 'ROLLING_BACK') return transaction.status;
  return transaction.needingAttention > 0 ? 'NEEDS_ATTENTION' : 'ROLLING_BACK';
}

function unfinished(transaction: GlobalTransaction): number {
  let count = 0;
  for (const branch of transaction.branches.values()) if (!branch.locksOnly) count++;
  return count;
}

export function outcomeOf(state: CoordinatorState, xid: string): ServerBody {
  const live = state.transactions.get(xid);
  if (live !== undefined) {
    return {
      body: 'transaction',
      transaction: {
        xid,
        status: statusOf(live),
        reason: live.reason,
        unfinishedBranches: unfinished(live),
      },
    };
  }
  const ended = state.ended.get(xid);
  return {
    body: 'transaction',
    transaction: {
      xid,
      status: ended?.status ?? 'NOT_FOUND',
      reason: ended?.reason ?? '',
      unfinishedBranches: 0,
    },
  };
}

export function answerOutcome(
  state: CoordinatorState,
  out: Output,
  session: Session,
  id: number,
  xid: string,
): void {
  // No answer speaks of what is not on disk.
  out.writeNow();
  out.send(session, id, outcomeOf(state, xid));
}

/** Answers everyone in `replies`. */
export function answerAll(state: CoordinatorState, out: Output, xid: string, replies: Few<Reply>): void {
  for (const reply of replies) answerReply(state, out, xid, reply);
  replies.clear();
}

export function answerReply(state: CoordinatorState, out: Output, xid: string, reply: Reply): void {
  state.timers.cancel(reply.timer);
  reply.session.unanswered--;
  answerOutcome(state, out, reply.session, reply.id, xid);
}

/** Why nothing can be added to a transaction that is no longer active. */
export function refusalOf(transaction: GlobalTransaction | EndedTransaction): {
  readonly code: ErrorCode;
  readonly message: string;
} {
  switch (transaction.status) {
    case 'ROLLING_BACK':
    case 'ROLLED_BACK':
      return transaction.reason === 'TIMED_OUT'
        ? { code: 'TIMED_OUT', message: 'the transaction took longer than its timeout and is rolled back' }
        : {
            code: 'ROLLED_BACK',
            message: `the transaction is rolled back${transaction.reason === '' ? '' : `: ${transaction.reason}`}`,
          };
    case 'ACTIVE':
    case 'COMMITTING':
    case 'COMMITTED':
      return {
        code: 'TRANSACTION_NOT_ACTIVE',
        message:
          'the transaction is committed, or its commit has been asked for; nothing can join it any more',
      };
  }
}
