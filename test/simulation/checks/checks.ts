import type { Decision, LockSet, ServerBody } from '../../../src/protocol/frames.js';
import {
  type CoordinatorState,
  type Effect,
  type LockView,
  listLocks,
  listTransactions,
  lockCount,
} from '../../../src/server/core/index.js';
import type { StoreChange } from '../../../src/server/store/store.js';
import { must } from '../violation.js';
import { checkHolders, checkOrder, checkWaiters, statusesOf } from './lock-checks.js';

/** A registration whose answer has left the coordinator. */
interface Acknowledged {
  readonly xid: string;
  readonly branchId: string;
  readonly resourceId: string;
  readonly locksOnly: boolean;
  readonly locks: LockSet[];
  /** The client has said that the local transaction is rolled back. */
  failed: boolean;
}

function decisionIn(status: string): Decision | undefined {
  switch (status) {
    case 'COMMITTING':
    case 'COMMITTED':
      return 'COMMIT';
    case 'ROLLING_BACK':
    case 'ROLLED_BACK':
    case 'NEEDS_ATTENTION':
      return 'ROLLBACK';
    default:
      return undefined;
  }
}

function kindOf(body: ServerBody): string {
  switch (body.body) {
    case 'transaction':
      return `${body.transaction.status} ${body.transaction.reason}`.trim();
    case 'failure':
      return body.failure.code;
    case 'phaseTwo':
      return `push ${body.phaseTwo.decision}`;
    case 'welcome':
    case 'done':
    case 'branchRegistered':
      return body.body;
  }
}

/** What must hold after every event, seen from outside the core. */
export class Checks {
  /** What was met: answers by kind, status or failure code, pushes by decision. */
  readonly met = new Map<string, number>();
  /** By xid: the decision that is on the disk. */
  readonly decisions = new Map<string, Decision>();
  /** Called when a decision reaches the disk. */
  onDecision: (xid: string, decision: Decision) => void = () => undefined;
  readonly #acknowledged = new Map<string, Acknowledged>();
  /** Branches that a process has compensated; that may be before their registration's answer has arrived. */
  readonly #compensated = new Set<string>();
  readonly #committedLocally = new Set<string>();
  readonly #requests = new Map<string, string>();
  readonly #owners = new Map<string, string>();
  #before: readonly LockView[] = [];

  stepped(state: CoordinatorState, effects: readonly Effect[]): void {
    const locks = listLocks(state);
    const transactions = listTransactions(state);
    const statuses = statusesOf(transactions);
    checkHolders(locks, statuses);
    checkWaiters(locks, statuses);
    checkOrder(this.#before, locks, effects);
    this.#before = locks;
    must(
      lockCount(state) === locks.reduce((sum, { holders }) => sum + holders.length, 0),
      'locks are counted right',
      () => `${lockCount(state)}`,
    );
    const branches = new Map(transactions.map(({ xid, branches: all }) => [xid, all]));
    const held = new Map(locks.map((lock) => [`${lock.resourceId} ${lock.table} ${lock.key}`, lock]));
    for (const acknowledged of this.#acknowledged.values()) {
      if (statuses.has(acknowledged.xid)) this.#checkKept(acknowledged, statuses, branches, held);
      else this.#checkEnded(acknowledged, state);
    }
    for (const { xid, status } of transactions) {
      const durable = this.decisions.get(xid);
      must(
        durable === undefined || decisionIn(status) === durable,
        'no durable decision is lost or changed',
        () => `${xid} was decided ${durable} and is ${status}`,
      );
    }
  }

  recovered(state: CoordinatorState): void {
    this.#before = [];
    this.stepped(state, []);
  }

  /** A change has reached the disk. */
  written(change: StoreChange): void {
    if (change.op !== 'put' || change.record.type !== 'transaction') return;
    const { xid, status } = change.record;
    const decision = decisionIn(status);
    const known = this.decisions.get(xid);
    must(
      known === undefined || known === decision,
      'a decision never changes',
      () => `${xid}: ${known}, then ${status} is written`,
    );
    if (decision === undefined || known !== undefined) return;
    this.decisions.set(xid, decision);
    if (decision === 'COMMIT') this.#checkPhaseOne(xid);
    this.onDecision(xid, decision);
  }

  /** A message has left the coordinator. */
  sent(message: Exclude<Effect, { type: 'store' }>): void {
    this.#count(message);
    if (message.type === 'end') return;
    const { body } = message;
    if (body.body === 'transaction') {
      const { xid, status } = body.transaction;
      const decision = decisionIn(status);
      must(
        decision === undefined || this.decisions.get(xid) === decision,
        'an answer speaks of what is on disk',
        () => `${xid} is said to be ${status}, on disk: ${this.decisions.get(xid) ?? 'no decision'}`,
      );
    }
    if (body.body === 'phaseTwo') {
      const { xid, branchId, decision } = body.phaseTwo;
      must(
        this.decisions.get(xid) === decision,
        'phase two agrees with the decision',
        () => `${decision} of ${xid} ${branchId}, decided: ${this.decisions.get(xid) ?? 'nothing'}`,
      );
      if (decision === 'ROLLBACK') this.#checkNewestFirst(xid, branchId);
    }
  }

  /** A registration has been answered, perhaps not for the first time. */
  answered(request: string, branchId: string): void {
    const earlier = this.#requests.get(request);
    must(
      earlier === undefined || earlier === branchId,
      'a request has its effect once',
      () => `${request} got branch ${earlier} and branch ${branchId}`,
    );
    this.#requests.set(request, branchId);
  }

  /** A client has learnt of its registration: `request` names it as the client does. */
  acknowledged(
    request: string,
    facts: Pick<Acknowledged, 'xid' | 'branchId' | 'resourceId' | 'locksOnly'>,
    locks: readonly LockSet[],
    isAddition: boolean,
  ): void {
    const { branchId } = facts;
    const isRepeated = this.#requests.has(request);
    this.answered(request, branchId);
    const known = this.#acknowledged.get(branchId);
    if (isAddition) {
      if (known !== undefined && !isRepeated) known.locks.push(...locks);
      return;
    }
    must(
      (this.#owners.get(branchId) ?? request) === request,
      'no branch id is given out twice',
      () => `${branchId} to ${this.#owners.get(branchId)} and to ${request}`,
    );
    this.#owners.set(branchId, request);
    if (known !== undefined || isRepeated) return;
    must(
      facts.locksOnly || this.decisions.get(facts.xid) !== 'COMMIT',
      'a commit waits for phase one',
      () => `${facts.xid} was committed before ${request} knew of its branch ${branchId}`,
    );
    this.#acknowledged.set(branchId, { ...facts, locks: [...locks], failed: false });
  }

  committedLocally(branchId: string): void {
    this.#committedLocally.add(branchId);
  }

  /** The client says that the branch's local transaction is rolled back. */
  failed(branchId: string): void {
    const known = this.#acknowledged.get(branchId);
    if (known !== undefined) known.failed = true;
  }

  /** A process has undone the branch, or made sure that it cannot come any more. */
  compensated(branchId: string): void {
    this.#compensated.add(branchId);
  }

  #count(message: Exclude<Effect, { type: 'store' }>): void {
    const what = message.type === 'end' ? `end ${message.code}` : kindOf(message.body);
    this.met.set(what, (this.met.get(what) ?? 0) + 1);
  }

  #checkPhaseOne(xid: string): void {
    for (const { xid: owner, branchId, locksOnly, failed } of this.#acknowledged.values()) {
      if (owner !== xid || locksOnly || failed) continue;
      must(
        this.#committedLocally.has(branchId),
        'a commit waits for phase one',
        () => `${xid} is committed, its branch ${branchId} is not committed locally`,
      );
    }
  }

  #checkNewestFirst(xid: string, branchId: string): void {
    const resources = (branch: Acknowledged) =>
      new Set([branch.resourceId, ...branch.locks.map(({ resourceId }) => resourceId)]);
    const pushed = this.#acknowledged.get(branchId);
    if (pushed === undefined) return;
    const mine = resources(pushed);
    for (const other of this.#acknowledged.values()) {
      if (other.xid !== xid || other.locksOnly || other.failed || this.#compensated.has(other.branchId))
        continue;
      if (BigInt(other.branchId) <= BigInt(branchId)) continue;
      must(
        ![...resources(other)].some((resource) => mine.has(resource)),
        'branches are rolled back newest first',
        () => `${xid}: ${branchId} is pushed before ${other.branchId} is compensated`,
      );
    }
  }

  #checkKept(
    { xid, branchId, failed, locksOnly, locks }: Acknowledged,
    statuses: ReadonlyMap<string, string>,
    branches: ReadonlyMap<string, readonly { readonly branchId: string }[]>,
    held: ReadonlyMap<string, LockView>,
  ): void {
    const status = statuses.get(xid);
    if (
      failed ||
      this.#compensated.has(branchId) ||
      status === 'COMMITTING' ||
      (locksOnly && status !== 'ACTIVE')
    )
      return;
    must(
      branches.get(xid)?.some((branch) => branch.branchId === branchId) === true,
      'no acknowledged registration is lost',
      () => `${xid} (${status}) has no branch ${branchId} any more`,
    );
    for (const { resourceId, table, keys } of locks) {
      for (const key of keys) {
        must(
          held.get(`${resourceId} ${table} ${key}`)?.holders.some((holder) => holder.xid === xid) === true,
          'an undecided branch keeps its locks',
          () => `${xid} ${branchId} (${status}): ${key}`,
        );
      }
    }
  }

  #checkEnded({ xid, branchId, failed, locksOnly }: Acknowledged, state: CoordinatorState): void {
    const status = state.ended.get(xid)?.status;
    must(
      status === 'COMMITTED' ||
        failed ||
        this.#compensated.has(branchId) ||
        (locksOnly && status !== undefined) ||
        // It ended in an earlier step, which was looked at, and has been remembered long enough.
        (status === undefined && this.decisions.has(xid)),
      'no acknowledged registration is lost',
      () => `${xid} is ${status ?? 'forgotten'}, but branch ${branchId} was not compensated`,
    );
    if (this.decisions.has(xid)) this.#acknowledged.delete(branchId);
  }
}
