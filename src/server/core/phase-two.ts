import type { Decision, PhaseTwoResult } from '../../protocol/frames.js';
import { answerAll } from './answers.js';
import { end } from './end.js';
import type { CoreEvent } from './events.js';
import { removeBranch } from './grant.js';
import type { Branch, GlobalTransaction, PhaseTwoState, Resource, Session } from './model.js';
import type { Output } from './output.js';
import { branchKeys, branchRecord, locksOf } from './records.js';
import type { CoordinatorState } from './state.js';
import { moveBranch } from './transitions.js';

function isRunning(phaseTwo: PhaseTwoState): boolean {
  return phaseTwo === 'READY' || phaseTwo === 'PUSHED' || phaseTwo === 'BACKING_OFF';
}

/** Moves a branch and keeps what is counted and indexed by its state. */
function move(state: CoordinatorState, branch: Branch, to: PhaseTwoState): void {
  const { transaction, resource } = branch;
  const from = branch.phaseTwo;
  moveBranch(branch, to);
  transaction.running += Number(isRunning(to)) - Number(isRunning(from));
  const stuck = Number(to === 'ATTENTION') - Number(from === 'ATTENTION');
  transaction.needingAttention += stuck;
  state.needingAttention += stuck;
  state.timers.cancel(branch.timer);
  branch.timer = undefined;
  branch.pushedTo?.pushed.delete(branch);
  branch.pushedTo = undefined;
  if (from === 'READY') resource.ready.delete(branch);
  if (from === 'BACKING_OFF') resource.backingOff.delete(branch);
  if (to === 'READY') resource.ready.add(branch);
  if (to === 'BACKING_OFF') resource.backingOff.add(branch);
}

export function decisionOf(transaction: GlobalTransaction): Decision | undefined {
  switch (transaction.status) {
    case 'ACTIVE':
      return undefined;
    case 'COMMITTING':
    case 'COMMITTED':
      return 'COMMIT';
    case 'ROLLING_BACK':
    case 'ROLLED_BACK':
      return 'ROLLBACK';
  }
}

/** Everything that a branch may have changed: its own resource, and those that its locks speak of. */
function resourcesTouched(branch: Branch): Set<string> {
  return new Set([branch.resource.id, ...locksOf(branch).map((set) => set.resourceId)]);
}

/**
 * Gets the branches of a decided transaction going. Commits may come in any order. Rollbacks come newest
 * first among branches that have a resource in common: the older one's after image is what the newer one
 * found. A resource is common also when one branch reached it through another one's connection.
 */
export function startPhaseTwo(state: CoordinatorState, transaction: GlobalTransaction): void {
  const branches = [...transaction.branches.values()];
  if (transaction.status === 'ROLLING_BACK') layOutRollback(transaction, branches);
  for (const branch of branches) {
    if (branch.behind > 0) move(state, branch, 'BEHIND');
    else move(state, branch, branch.attention?.resolution === 'UNRESOLVED' ? 'ATTENTION' : 'READY');
  }
}

/** Fills `rollbackOrder`: the last of each resource is the next to be rolled back. */
function layOutRollback(transaction: GlobalTransaction, branches: readonly Branch[]): void {
  const orders = new Map<string, Branch[]>();
  transaction.rollbackOrder = orders;
  for (const branch of branches) {
    for (const resource of resourcesTouched(branch)) {
      const order = orders.get(resource);
      if (order === undefined) {
        orders.set(resource, [branch]);
        continue;
      }
      order.at(-1)!.behind++;
      order.push(branch);
    }
  }
}

/** Pushes what is ready to sessions that have room. */
export function dispatch(state: CoordinatorState, out: Output, resource: Resource): void {
  for (const branch of resource.ready) {
    const session = chooseSession(state, resource, branch);
    if (session === undefined) return;
    push(state, out, branch, session);
  }
}

export function dispatchAll(state: CoordinatorState, out: Output, resources: Iterable<Resource>): void {
  for (const resource of resources) dispatch(state, out, resource);
}

function hasRoom(state: CoordinatorState, session: Session): boolean {
  return session.pushed.size < state.config.maxPushes;
}

/** The client that registered the branch if it is there, else whoever's turn it is. */
function chooseSession(state: CoordinatorState, resource: Resource, branch: Branch): Session | undefined {
  const own = state.clients.get(branch.clientId);
  if (own !== undefined && own !== branch.avoid && resource.claims.has(own) && hasRoom(state, own))
    return own;
  let second: Session | undefined;
  for (const [session, claim] of resource.claims) {
    if (!hasRoom(state, session)) continue;
    if (session === branch.avoid) {
      second = session;
      continue;
    }
    resource.claims.delete(session);
    resource.claims.set(session, claim);
    return session;
  }
  return second;
}

function push(state: CoordinatorState, out: Output, branch: Branch, session: Session): void {
  const decision = decisionOf(branch.transaction);
  if (decision === undefined) return;
  move(state, branch, 'PUSHED');
  branch.attempt++;
  branch.pushedTo = session;
  session.pushed.add(branch);
  branch.timer = state.timers.set(state.clock.time + state.config.phaseTwoTimeoutMs, {
    kind: 'pushUnanswered',
    branch,
  });
  out.send(session, 0, {
    body: 'phaseTwo',
    phaseTwo: {
      xid: branch.transaction.xid,
      branchId: branch.id,
      resourceId: branch.resource.id,
      kind: branch.kind,
      decision,
      attempt: branch.attempt,
      resolution: branch.attention?.resolution ?? 'UNRESOLVED',
      phaseOneDone: branch.phaseOne === 'PHASE_ONE_DONE',
    },
  });
}

export function phaseTwoResult(state: CoordinatorState, out: Output, result: PhaseTwoResult): void {
  const transaction = state.transactions.get(result.xid);
  const branch = transaction?.branches.get(result.branchId);
  if (transaction === undefined || branch === undefined) return;
  if (decisionOf(transaction) !== result.decision) return;
  if (result.attempt < 1 || result.attempt > branch.attempt) return;
  const session = branch.pushedTo;
  const wasFull = session !== undefined && !hasRoom(state, session);
  // What is done stays done, so a late answer is as good; any other answer holds only for its own push.
  if (result.outcome === 'PHASE_TWO_DONE') {
    finish(state, out, branch);
  } else if (branch.phaseTwo === 'PUSHED' && result.attempt === branch.attempt) {
    if (result.outcome === 'PHASE_TWO_RETRY') backOff(state, branch);
    else needAttention(state, out, branch, result);
    answerIfStuck(state, out, transaction);
  }
  if (wasFull) dispatchAll(state, out, [...session.resources]);
}

function finish(state: CoordinatorState, out: Output, branch: Branch): void {
  const { transaction } = branch;
  move(state, branch, 'FINISHED');
  const keys = branchKeys(branch);
  removeBranch(state, branch);
  if (transaction.status === 'COMMITTING') {
    transaction.leftovers.push(...keys);
  } else {
    for (const key of keys) out.storeLater({ op: 'delete', key });
    state.locks.release(transaction, locksOf(branch));
    for (const next of nextInOrder(branch)) {
      if (next.phaseTwo !== 'BEHIND') continue;
      move(state, next, 'READY');
      dispatch(state, out, next.resource);
    }
  }
  if (transaction.branches.size === 0) end(state, out, transaction);
  else answerIfStuck(state, out, transaction);
}

/** The branches that nothing newer is in the way of any more, now that this one is compensated. */
function nextInOrder(branch: Branch): Branch[] {
  const free: Branch[] = [];
  for (const resource of resourcesTouched(branch)) {
    const order = branch.transaction.rollbackOrder?.get(resource);
    order?.pop();
    const next = order?.at(-1);
    if (next === undefined) continue;
    next.behind--;
    if (next.behind === 0) free.push(next);
  }
  return free;
}

function backOff(state: CoordinatorState, branch: Branch): void {
  const { firstMs, factor, ceilingMs, jitter } = state.config.retry;
  const wait = Math.min(ceilingMs, firstMs * factor ** branch.failures);
  branch.failures++;
  move(state, branch, 'BACKING_OFF');
  const at = state.clock.time + wait * (1 + jitter * (2 * state.random() - 1));
  branch.timer = state.timers.set(at, { kind: 'retry', branch });
}

function needAttention(state: CoordinatorState, out: Output, branch: Branch, result: PhaseTwoResult): void {
  const { decision, code, detail } = result;
  move(state, branch, 'ATTENTION');
  branch.attention = { decision, code, detail, resolution: 'UNRESOLVED' };
  out.store({ op: 'put', record: branchRecord(branch) });
}

/** Answers those who wait for a rollback, once all that is left of it needs a person. */
export function answerIfStuck(state: CoordinatorState, out: Output, transaction: GlobalTransaction): void {
  if (transaction.running > 0 || transaction.branches.size === 0) return;
  answerAll(state, out, transaction.xid, transaction.rollbackReplies);
}

/** The push was lost, or its session: another attempt, at once. */
export function pushAgain(state: CoordinatorState, out: Output, branch: Branch): void {
  branch.avoid = branch.pushedTo;
  move(state, branch, 'READY');
  dispatch(state, out, branch.resource);
}

export function retryNow(state: CoordinatorState, out: Output, branch: Branch): void {
  move(state, branch, 'READY');
  dispatch(state, out, branch.resource);
}

/** A session has come that can carry out phase two here: whatever waited for its next attempt gets it now. */
export function resourceIsBack(state: CoordinatorState, out: Output, resource: Resource): void {
  for (const branch of [...resource.backingOff]) {
    branch.failures = 0;
    move(state, branch, 'READY');
  }
  dispatch(state, out, resource);
}

/** What an operator has decided is stored with the branch, so that a restart goes on with it. */
export function resolveByOperator(
  state: CoordinatorState,
  out: Output,
  {
    xid,
    branchId,
    resolution,
  }: Pick<Extract<CoreEvent, { type: 'resolve' }>, 'xid' | 'branchId' | 'resolution'>,
): void {
  const branch = state.transactions.get(xid)?.branches.get(branchId);
  if (branch === undefined || branch.attention === null || branch.phaseTwo !== 'ATTENTION') return;
  if (resolution === 'RESTORE_BEFORE' && branch.attention.decision !== 'ROLLBACK') return;
  branch.failures = 0;
  branch.attention = { ...branch.attention, resolution };
  out.store({ op: 'put', record: branchRecord(branch) });
  move(state, branch, 'READY');
  dispatch(state, out, branch.resource);
}

/** An operator says that what needed a person has been put right. */
export function retryByOperator(state: CoordinatorState, out: Output, xid: string, branchId: string): void {
  const transaction = state.transactions.get(xid);
  if (transaction === undefined) return;
  for (const branch of [...transaction.branches.values()]) {
    if (branchId !== '' && branch.id !== branchId) continue;
    branch.failures = 0;
    if (branch.phaseTwo === 'ATTENTION') {
      branch.attention = null;
      out.store({ op: 'put', record: branchRecord(branch) });
      move(state, branch, 'READY');
    } else if (branch.phaseTwo === 'BACKING_OFF') {
      move(state, branch, 'READY');
    }
    dispatch(state, out, branch.resource);
  }
}
