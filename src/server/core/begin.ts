import type { Begin } from '../../protocol/frames.js';
import { isXid } from '../../protocol/xid.js';
import { refusalOf } from './answers.js';
import { Few } from './few.js';
import type { GlobalTransaction, Session } from './model.js';
import type { Output } from './output.js';
import { transactionRecord } from './records.js';
import type { CoordinatorState } from './state.js';

export type NewTransaction = Pick<
  GlobalTransaction,
  'xid' | 'name' | 'application' | 'begunAt' | 'timeoutMs' | 'status' | 'reason' | 'decidedAt'
>;

export function addTransaction(state: CoordinatorState, facts: NewTransaction): GlobalTransaction {
  const transaction: GlobalTransaction = {
    // Written out: an object that begins with a spread is made one property at a time.
    xid: facts.xid,
    name: facts.name,
    application: facts.application,
    begunAt: facts.begunAt,
    timeoutMs: facts.timeoutMs,
    status: facts.status,
    reason: facts.reason,
    decidedAt: facts.decidedAt,
    age: state.begun++,
    rollbackOnly: '',
    branches: new Map(),
    unreported: 0,
    requests: new Map(),
    waiting: new Few(),
    timer: undefined,
    patience: undefined,
    commitReplies: new Few(),
    rollbackReplies: new Few(),
    commitAsked: false,
    running: 0,
    needingAttention: 0,
    rollbackOrder: undefined,
    leftovers: [],
  };
  state.transactions.set(transaction.xid, transaction);
  return transaction;
}

/** The time that a caller asked for, within what the operator allows. */
export function timeoutOf(state: CoordinatorState, asked: number): number {
  return Math.min(asked === 0 ? state.config.defaultTimeoutMs : asked, state.config.maxTimeoutMs);
}

/** The active transaction that `begin` names, new or known; undefined once the request has been refused. */
export function begin(
  state: CoordinatorState,
  out: Output,
  session: Session,
  id: number,
  { xid, name, timeoutMs }: Begin,
): GlobalTransaction | undefined {
  const known = state.transactions.get(xid) ?? state.ended.get(xid);
  if (known !== undefined && known.status === 'ACTIVE') return known;
  if (known !== undefined) {
    const { code, message } = refusalOf(known);
    out.fail(session, id, code === 'TIMED_OUT' ? code : 'TRANSACTION_NOT_ACTIVE', message, xid);
    return undefined;
  }
  if (!isXid(xid)) {
    out.fail(
      session,
      id,
      'INVALID_XID',
      'an xid is 1 to 128 letters, digits, dots, underscores, colons or dashes',
    );
    return undefined;
  }
  if (state.transactions.size >= state.config.maxTransactions) {
    out.exhausted(session, id, 'maxTransactions', xid);
    return undefined;
  }
  const transaction = addTransaction(state, {
    xid,
    name,
    application: session.application,
    begunAt: state.clock.shellTime,
    timeoutMs: timeoutOf(state, timeoutMs),
    status: 'ACTIVE',
    reason: '',
    decidedAt: 0,
  });
  transaction.timer = state.timers.set(state.clock.time + transaction.timeoutMs, {
    kind: 'timeout',
    transaction,
  });
  out.store({ op: 'put', record: transactionRecord(transaction, 'ACTIVE', 0) });
  return transaction;
}
