import type { Effect, LockView, TransactionView } from '../../../src/server/core/index.js';
import { must, Violation } from '../violation.js';

// Each rule is worked out anew from plain data, in the simplest way, not with the core's own code.

type Waiter = LockView['waiters'][number];

function conflict(a: string, b: string): boolean {
  return a === 'EXCLUSIVE' || b === 'EXCLUSIVE';
}

function nameOf(lock: LockView): string {
  return `${lock.resourceId} ${lock.table} ${lock.key}`;
}

function holds(lock: LockView, xid: string): boolean {
  return lock.holders.some((holder) => holder.xid === xid);
}

/** The holders that a place in a queue cannot go with. */
function holdersInTheWay(lock: LockView, waiter: Waiter): string[] {
  return lock.holders
    .filter(({ xid, mode }) => xid !== waiter.xid && conflict(mode, waiter.mode))
    .map(({ xid }) => xid);
}

/** Those that a place in a queue must not overtake; a transaction that holds the lock passes the queue. */
function aheadInTheWay(lock: LockView, waiter: Waiter, place: number): string[] {
  if (holds(lock, waiter.xid)) return [];
  return lock.waiters
    .slice(0, place)
    .filter(({ xid, mode }) => xid !== waiter.xid && conflict(mode, waiter.mode))
    .map(({ xid }) => xid);
}

export function checkHolders(locks: readonly LockView[], statuses: ReadonlyMap<string, string>): void {
  for (const lock of locks) {
    must(
      lock.holders.length < 2 || lock.holders.every(({ mode }) => mode === 'SHARED'),
      'two undecided transactions never hold one lock',
      () => `${nameOf(lock)} is held by ${lock.holders.map(({ xid }) => xid).join(', ')}`,
    );
    for (const { xid } of lock.holders) {
      must(
        statuses.has(xid) && statuses.get(xid) !== 'COMMITTING',
        'a decided commit holds no lock',
        () => `${nameOf(lock)} is held by ${xid}, which is ${statuses.get(xid) ?? 'over'}`,
      );
    }
  }
}

export function checkWaiters(locks: readonly LockView[], statuses: ReadonlyMap<string, string>): void {
  const edges = new Map<string, Set<string>>();
  const free = new Map<string, boolean>();
  for (const lock of locks) {
    lock.waiters.forEach((waiter, place) => {
      const holders = holdersInTheWay(lock, waiter);
      const ahead = aheadInTheWay(lock, waiter, place);
      const request = `${waiter.xid} ${waiter.requestId}`;
      free.set(request, (free.get(request) ?? true) && holders.length + ahead.length === 0);
      const known = edges.get(waiter.xid) ?? new Set();
      edges.set(waiter.xid, known);
      for (const blocker of holders) known.add(blocker);
      // A request behind an earlier one of its transaction passes the queue once that one is granted.
      const isFirst = lock.waiters.findIndex(({ xid }) => xid === waiter.xid) === place;
      if (isFirst) for (const blocker of ahead) known.add(blocker);
      for (const holder of lock.holders) {
        if (holder.xid === waiter.xid || !conflict(holder.mode, waiter.mode)) continue;
        const status = statuses.get(holder.xid) ?? '';
        must(
          status !== 'ROLLING_BACK' && status !== 'NEEDS_ATTENTION',
          'nobody waits on a holder that is rolling back',
          () => `${waiter.xid} waits for ${holder.xid} at ${nameOf(lock)}`,
        );
      }
    });
  }
  for (const [request, isFree] of free) {
    must(!isFree, 'nobody waits for a lock that is free', () => request);
  }
  checkCycles(edges);
}

function checkCycles(edges: ReadonlyMap<string, ReadonlySet<string>>): void {
  const finished = new Set<string>();
  const path = new Set<string>();
  const visit = (xid: string): void => {
    if (finished.has(xid)) return;
    if (path.has(xid)) throw new Violation('nobody waits in a cycle', [...path, xid].join(' -> '));
    path.add(xid);
    for (const next of edges.get(xid) ?? []) visit(next);
    path.delete(xid);
    finished.add(xid);
  };
  for (const xid of edges.keys()) visit(xid);
}

/** The transactions that got more than one request granted in a step: each grant stores a branch. */
function grantedTwice(effects: readonly Effect[]): Set<string> {
  const xids = effects.flatMap((effect) =>
    effect.type === 'store' && effect.change.op === 'put' && effect.change.record.type === 'branch'
      ? [effect.change.record.xid]
      : [],
  );
  return new Set(xids.filter((xid, index) => xids.indexOf(xid) !== index));
}

/** The transactions of which a request was refused in a step: it may have come again in the same step. */
function refusedIn(effects: readonly Effect[]): Set<string> {
  return new Set(
    effects.flatMap((effect) =>
      effect.type === 'send' && effect.body.body === 'failure' ? [effect.body.failure.xid] : [],
    ),
  );
}

/**
 * Who got a lock in a step must not have passed anybody who still waits for it. A transaction that
 * got it twice may have: first as a reader that is in nobody's way, then, holding it already, as a writer.
 */
export function checkOrder(
  before: readonly LockView[],
  now: readonly LockView[],
  effects: readonly Effect[],
): void {
  const earlier = new Map(
    before.filter(({ waiters }) => waiters.length > 0).map((lock) => [nameOf(lock), lock]),
  );
  if (earlier.size === 0) return;
  const exempt = grantedTwice(effects);
  const refused = refusedIn(effects);
  for (const lock of now) {
    const then = earlier.get(nameOf(lock));
    if (then === undefined) continue;
    for (const holder of lock.holders) {
      if (holds(then, holder.xid) || exempt.has(holder.xid)) continue;
      const place = then.waiters.findIndex(({ xid }) => xid === holder.xid);
      const ahead = place === -1 ? then.waiters : then.waiters.slice(0, place);
      const passed = ahead.find(
        (waiter) =>
          !refused.has(waiter.xid) &&
          conflict(waiter.mode, holder.mode) &&
          lock.waiters.some(({ xid, requestId }) => xid === waiter.xid && requestId === waiter.requestId),
      );
      must(
        passed === undefined,
        'the queue is first come first served',
        () => `${holder.xid} got ${nameOf(lock)} before ${passed?.xid}`,
      );
    }
  }
}

export function statusesOf(transactions: readonly TransactionView[]): Map<string, string> {
  return new Map(transactions.map(({ xid, status }) => [xid, status]));
}
