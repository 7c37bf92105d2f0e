import type { LockView, TransactionView } from '../../../src/server/core/index.js';
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

/** Whom a place in a queue waits for: holders, and those before it, unless its transaction holds the lock. */
function inTheWay(lock: LockView, waiter: Waiter, place: number): string[] {
  const holders = lock.holders.filter(({ xid, mode }) => xid !== waiter.xid && conflict(mode, waiter.mode));
  const ahead = holds(lock, waiter.xid)
    ? []
    : lock.waiters
        .slice(0, place)
        .filter(({ xid, mode }) => xid !== waiter.xid && conflict(mode, waiter.mode));
  return [...holders, ...ahead].map(({ xid }) => xid);
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
      const blockers = inTheWay(lock, waiter, place);
      const request = `${waiter.xid} ${waiter.requestId}`;
      free.set(request, (free.get(request) ?? true) && blockers.length === 0);
      const known = edges.get(waiter.xid) ?? new Set();
      edges.set(waiter.xid, known);
      for (const blocker of blockers) known.add(blocker);
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

/** Who got a lock between two looks must not have passed anybody who still waits for it. */
export function checkOrder(before: readonly LockView[], now: readonly LockView[]): void {
  const earlier = new Map(
    before.filter(({ waiters }) => waiters.length > 0).map((lock) => [nameOf(lock), lock]),
  );
  if (earlier.size === 0) return;
  for (const lock of now) {
    const then = earlier.get(nameOf(lock));
    if (then === undefined) continue;
    for (const holder of lock.holders) {
      if (holds(then, holder.xid)) continue;
      const place = then.waiters.findIndex(({ xid }) => xid === holder.xid);
      const ahead = place === -1 ? then.waiters : then.waiters.slice(0, place);
      const passed = ahead.find(
        (waiter) =>
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
