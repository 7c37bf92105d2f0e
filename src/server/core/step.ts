import type { ClientBody } from '../../protocol/frames.js';
import { answerOutcome, answerReply } from './answers.js';
import { begin } from './begin.js';
import { commit, decide, rollback } from './decision.js';
import { forget } from './end.js';
import type { CoreEvent, Effect } from './events.js';
import { refuseForTime, settleLocks } from './lock-wait.js';
import type { Due, Session } from './model.js';
import { Output } from './output.js';
import { phaseTwoResult, pushAgain, resolveByOperator, retryByOperator, retryNow } from './phase-two.js';
import { registerBranch } from './registration.js';
import { reportBranch } from './report.js';
import { endSession, enlist, hello, leave, openSession, withdraw } from './sessions.js';
import type { CoordinatorState } from './state.js';

/**
 * What happens next: changes `state` and returns what the shell must do. Whatever is due at `now` happens
 * first, then the event.
 *
 * @param now milliseconds since 1970. A clock that is set back does no harm; one that jumps ahead makes
 * everything due that would have been due by then.
 */
export function step(state: CoordinatorState, event: CoreEvent, now: number): Effect[] {
  const out = new Output(state);
  const time = state.clock.read(now);
  for (let timer = state.timers.takeDue(time); timer !== undefined; timer = state.timers.takeDue(time)) {
    fire(state, out, timer.due);
    settleLocks(state, out);
  }
  forget(state, out);
  switch (event.type) {
    case 'tick':
      break;
    case 'closing':
      out.writeNow();
      break;
    case 'frame':
      frame(state, out, state.sessions.get(event.session) ?? openSession(state, event.session), event);
      break;
    case 'disconnected': {
      const session = state.sessions.get(event.session);
      if (session !== undefined) leave(state, out, session);
      state.sessions.delete(event.session);
      break;
    }
    case 'retry':
      retryByOperator(state, out, event.xid, event.branchId);
      break;
    case 'resolve':
      resolveByOperator(state, out, event);
      break;
    case 'rollback': {
      const transaction = state.transactions.get(event.xid);
      if (transaction?.status === 'ACTIVE') decide(state, out, transaction, 'ROLLBACK', 'OPERATOR');
      break;
    }
  }
  settleLocks(state, out);
  return out.effects;
}

/** When `step` must be called at the latest, by the shell's clock, if nothing happens before. */
export function nextWake(state: CoordinatorState): number | undefined {
  const never = Number.POSITIVE_INFINITY;
  const next = Math.min(state.timers.next ?? never, state.endedInOrder.first?.forgetAt ?? never);
  return next === never ? undefined : state.clock.toShell(next);
}

function fire(state: CoordinatorState, out: Output, due: Due): void {
  switch (due.kind) {
    case 'timeout':
      decide(state, out, due.transaction, 'ROLLBACK', 'TIMED_OUT');
      break;
    case 'commitPatience':
      decide(state, out, due.transaction, 'ROLLBACK', 'PHASE_ONE_UNFINISHED');
      break;
    case 'lockWait':
      refuseForTime(state, out, due.request);
      break;
    case 'rollbackReply':
      due.transaction.rollbackReplies.delete(due.reply);
      answerReply(state, out, due.transaction.xid, due.reply);
      break;
    case 'pushUnanswered':
      pushAgain(state, out, due.branch);
      break;
    case 'retry':
      retryNow(state, out, due.branch);
      break;
    case 'writeLater':
      out.writeNow();
      break;
  }
}

function frame(
  state: CoordinatorState,
  out: Output,
  session: Session,
  { id, body }: { readonly id: number; readonly body: ClientBody },
): void {
  if (session.over) return;
  if ((session.clientId === '') !== (body.body === 'hello')) {
    endSession(state, out, session, 'MALFORMED_FRAME', 'the first frame of a stream, and no other, is hello');
    return;
  }
  switch (body.body) {
    case 'hello':
      hello(state, out, session, id, body.hello);
      break;
    case 'enlistResource':
      enlist(state, out, session, id, body.enlistResource);
      break;
    case 'withdrawResource':
      withdraw(state, out, session, body.withdrawResource.resourceId);
      break;
    case 'begin':
      if (begin(state, out, session, id, body.begin) !== undefined) out.done(session, id);
      break;
    case 'registerBranch':
      registerBranch(state, out, session, id, body.registerBranch);
      break;
    case 'reportBranch':
      reportBranch(state, out, body.reportBranch);
      break;
    case 'commit':
      commit(state, out, session, id, body.commit.xid);
      break;
    case 'rollback':
      rollback(state, out, session, id, body.rollback);
      break;
    case 'getTransaction':
      answerOutcome(state, out, session, id, body.getTransaction.xid);
      break;
    case 'phaseTwoResult':
      phaseTwoResult(state, out, body.phaseTwoResult);
      break;
  }
}
