import type { BranchRecord } from '../store/store.js';
import type { Branch, GlobalTransaction, LockRequest, Registration } from './model.js';
import type { Output } from './output.js';
import { additionRecord, branchRecord } from './records.js';
import { type CoordinatorState, dropIfIdle, resourceOf } from './state.js';

/** Names a registration within its transaction. */
export function requestKey(clientId: string, requestId: string): string {
  return `${clientId}\n${requestId}`;
}

/** A registration is known from now on: it waits, or a branch has come of it. */
export function noteRequest(
  state: CoordinatorState,
  transaction: GlobalTransaction,
  { clientId, requestId }: { readonly clientId: string; readonly requestId: string },
  outcome: LockRequest | string,
): void {
  const { requests } = transaction;
  state.registrations -= requests.size;
  requests.set(requestKey(clientId, requestId), outcome);
  state.registrations += requests.size;
}

function nextBranchId(state: CoordinatorState, out: Output): string {
  state.lastBranchId++;
  if (state.lastBranchId >= state.branchIdLimit) {
    state.branchIdLimit = state.lastBranchId + BigInt(state.config.branchIdBlock);
    out.store({
      op: 'put',
      record: { type: 'fact', name: 'branchIdLimit', value: String(state.branchIdLimit) },
    });
  }
  return String(state.lastBranchId);
}

/** Gives a registration its locks, which nobody is in the way of, and answers it. */
export function grant(state: CoordinatorState, out: Output, request: Registration): void {
  const { transaction, target, frame, session } = request;
  const id = nextBranchId(state, out);
  state.locks.acquire(transaction, frame.locks);
  let record: BranchRecord;
  let answer: string;
  if (target === undefined) {
    const branch = addBranch(state, transaction, {
      id,
      kind: frame.kind,
      resourceId: frame.resourceId,
      clientId: request.clientId,
      requestId: frame.requestId,
      locksOnly: frame.locksOnly,
      locks: frame.locks,
      registeredAt: state.clock.shellTime,
      phaseOne: '',
      attention: null,
    });
    record = branchRecord(branch);
    answer = id;
  } else {
    record = additionRecord(target, id, request, state.clock.shellTime);
    target.additions.push({
      branchId: id,
      requestId: frame.requestId,
      clientId: request.clientId,
      locks: frame.locks,
    });
    answer = target.id;
  }
  noteRequest(state, transaction, { clientId: request.clientId, requestId: frame.requestId }, answer);
  out.store({ op: 'put', record });
  out.send(session, request.id, { body: 'branchRegistered', branchRegistered: { branchId: answer } });
}

type NewBranch = Pick<
  Branch,
  'id' | 'kind' | 'clientId' | 'requestId' | 'locksOnly' | 'locks' | 'registeredAt' | 'phaseOne' | 'attention'
> & { readonly resourceId: string };

/** A branch that has its locks becomes part of its transaction. */
export function addBranch(state: CoordinatorState, transaction: GlobalTransaction, facts: NewBranch): Branch {
  const branch: Branch = {
    // Written out: an object that begins with a spread is made one property at a time.
    id: facts.id,
    kind: facts.kind,
    clientId: facts.clientId,
    requestId: facts.requestId,
    locksOnly: facts.locksOnly,
    locks: facts.locks,
    registeredAt: facts.registeredAt,
    phaseOne: facts.phaseOne,
    attention: facts.attention,
    transaction,
    resource: resourceOf(state, facts.resourceId),
    additions: [],
    phaseTwo: 'NONE',
    attempt: 0,
    failures: 0,
    pushedTo: undefined,
    avoid: undefined,
    timer: undefined,
    behind: 0,
  };
  branch.resource.branches++;
  transaction.branches.set(branch.id, branch);
  if (!branch.locksOnly && branch.phaseOne !== 'PHASE_ONE_DONE') transaction.unreported++;
  return branch;
}

/** The branch is over. What it held is the caller's to release. */
export function removeBranch(state: CoordinatorState, branch: Branch): void {
  const { transaction, resource } = branch;
  transaction.branches.delete(branch.id);
  if (!branch.locksOnly && branch.phaseOne !== 'PHASE_ONE_DONE') transaction.unreported--;
  resource.branches--;
  dropIfIdle(state, resource);
}
