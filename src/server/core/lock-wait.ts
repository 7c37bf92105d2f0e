import type { ErrorCode } from '../../protocol/error-codes.js';
import { findCycle, victimOf } from './deadlock.js';
import { grant, noteRequest, requestKey } from './grant.js';
import type { GlobalTransaction, LockRequest, Registration } from './model.js';
import type { Output } from './output.js';
import type { CoordinatorState } from './state.js';

/** Puts a registration in the queues of all of its locks. */
export function wait(state: CoordinatorState, registration: Registration): void {
  const { transaction, session, frame } = registration;
  const waitMs = Math.min(frame.lockWaitMs, state.config.maxTimeoutMs);
  const request: LockRequest = {
    ...registration,
    entries: new Map(),
    blocked: new Set(),
    timer: undefined,
    since: state.clock.time,
  };
  request.timer = state.timers.set(state.clock.time + waitMs, { kind: 'lockWait', request });
  transaction.waiting.add(request);
  noteRequest(state, transaction, { clientId: request.clientId, requestId: frame.requestId }, request);
  session.waiting.add(request);
  session.unanswered++;
  state.locks.enqueue(request);
}

/** Takes a waiting registration out, without an answer. */
export function stopWaiting(state: CoordinatorState, request: LockRequest): void {
  const { transaction, session } = request;
  state.timers.cancel(request.timer);
  transaction.waiting.delete(request);
  transaction.requests.delete(requestKey(request.clientId, request.frame.requestId));
  state.registrations--;
  session.waiting.delete(request);
  session.unanswered--;
  state.locks.dequeue(request);
}

export function refuse(
  state: CoordinatorState,
  out: Output,
  request: LockRequest,
  code: ErrorCode,
  message: string,
  details: Readonly<Record<string, string>> = {},
): void {
  stopWaiting(state, request);
  out.fail(request.session, request.id, code, message, request.transaction.xid, details);
}

export function refuseForTime(state: CoordinatorState, out: Output, request: LockRequest): void {
  const [entry] = request.blocked;
  const holder = entry?.lock.waitsFor(entry)[0]?.xid ?? '';
  const waited = state.clock.time - request.since;
  refuse(
    state,
    out,
    request,
    'LOCK_WAIT_TIMEOUT',
    `waited ${waited} ms for a global lock that transaction ${holder} is in the way of; ` +
      'try again, or allow a longer wait',
    entry === undefined
      ? {}
      : { resource: entry.set.resourceId, table: entry.set.table, key: entry.key, holder },
  );
}

/** A holder has started to roll back: its waiters hold database locks that the rollback needs. */
export function refuseWaitersOn(state: CoordinatorState, out: Output, holder: GlobalTransaction): void {
  for (const branch of holder.branches.values()) {
    for (const sets of [branch.locks, ...branch.additions.map((addition) => addition.locks)]) {
      for (const request of state.locks.waitersOn(holder, sets)) {
        refuse(
          state,
          out,
          request,
          'LOCK_CONFLICT',
          `transaction ${holder.xid}, which holds a lock that this one waited for, is being rolled back; ` +
            'roll the local transaction back and try again',
          { holder: holder.xid },
        );
      }
    }
  }
}

/** Grants what can be granted and breaks every cycle, until nothing moves any more. */
export function settleLocks(state: CoordinatorState, out: Output): void {
  const { dirty, grantable, suspects } = state.locks;
  while (dirty.size + grantable.size + suspects.size > 0) {
    // Iterating a set also meets what is added meanwhile.
    for (const lock of dirty) {
      dirty.delete(lock);
      state.locks.review(lock);
    }
    for (const request of grantable) {
      grantable.delete(request);
      // Another grant of this round may have come in between.
      if (!state.locks.recheck(request)) continue;
      stopWaiting(state, request);
      grant(state, out, request);
    }
    for (const suspect of suspects) {
      // Every lock that moved is looked at before anybody is made a victim.
      if (dirty.size + grantable.size > 0) break;
      if (!breakCycle(state, out, suspect)) suspects.delete(suspect);
    }
  }
}

/** @returns whether there was one */
function breakCycle(state: CoordinatorState, out: Output, suspect: GlobalTransaction): boolean {
  if (suspect.waiting.size === 0 || !state.locks.mayBeWaitedFor(suspect)) return false;
  const cycle = findCycle(suspect);
  if (cycle === undefined) return false;
  const victim = victimOf(cycle);
  const names = cycle.map((edge) => edge.request.transaction.xid);
  refuse(
    state,
    out,
    victim.request,
    'DEADLOCK',
    'transactions wait for each other in a cycle, and this one is the youngest; roll it back and try again',
    { cycle: [...names, names[0]].join(' -> '), victim: victim.request.transaction.xid },
  );
  return true;
}
