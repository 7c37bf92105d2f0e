import { answerAll } from './answers.js';
import type { EndedTransaction, GlobalTransaction } from './model.js';
import type { Output } from './output.js';
import { transactionRecord } from './records.js';
import type { CoordinatorState } from './state.js';
import { moveTransaction } from './transitions.js';

/**
 * Nothing is left to be done. The end is not written at once: a coordinator that has lost it would push
 * phase two again, and phase two has its effect once.
 */
export function end(state: CoordinatorState, out: Output, transaction: GlobalTransaction): void {
  const { xid, name, application, begunAt, reason } = transaction;
  const status = transaction.status === 'COMMITTING' ? 'COMMITTED' : 'ROLLED_BACK';
  moveTransaction(transaction, status);
  const endedAt = state.clock.shellTime;
  out.storeLater({ op: 'put', record: transactionRecord(transaction, status, endedAt) });
  for (const key of transaction.leftovers) out.storeLater({ op: 'delete', key });
  state.transactions.delete(xid);
  state.registrations -= transaction.requests.size;
  const forgetAt = state.clock.time + state.config.rememberEndedMs;
  remember(state, { xid, name, application, status, reason, begunAt, endedAt, forgetAt });
  forget(state, out);
  answerAll(state, out, xid, transaction.rollbackReplies);
}

export function remember(state: CoordinatorState, transaction: EndedTransaction): void {
  state.ended.set(transaction.xid, transaction);
  state.endedInOrder.push(transaction);
}

/** Forgets what ended long ago, and the oldest when there are too many. */
export function forget(state: CoordinatorState, out: Output): void {
  const { ended, endedInOrder, config } = state;
  for (let oldest = endedInOrder.first; oldest !== undefined; oldest = endedInOrder.first) {
    if (oldest.forgetAt > state.clock.time && ended.size <= config.maxEnded) return;
    endedInOrder.shift();
    ended.delete(oldest.xid);
    out.storeLater({ op: 'delete', key: { type: 'transaction', xid: oldest.xid } });
  }
}
