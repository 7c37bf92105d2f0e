import type { LockSet } from '../../protocol/frames.js';
import { Lock, type QueueEntry } from './lock.js';
import type { GlobalTransaction, LockRequest } from './model.js';

function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

const makeLock = () => new Lock();

/** Beyond so many locks of one transaction, the search for a cycle is not the dearer way to find out. */
const MOST_LOOKS = 1_000;

/** Who is in a request's way, and at which key. */
export interface Obstacle {
  readonly set: LockSet;
  readonly key: string;
  readonly transaction: GlobalTransaction;
  readonly isHolder: boolean;
}

/**
 * Every lock that is held or waited for. A request gets all of its locks or none: while it waits it holds
 * none of them, but has its place in the queue of each.
 *
 * What changes here is only noted (`dirty`, `grantable`, `suspects`); `lock-wait.ts` acts on it once the
 * step's own work is done.
 */
export class LockTable {
  // By resource, table and key; the key's text is the one that the branch record holds anyway.
  readonly #resources = new Map<string, Map<string, Map<string, Lock>>>();
  /** Locks whose queue may have to move. */
  readonly dirty = new Set<Lock>();
  /** Waiting requests that nobody is in the way of. */
  readonly grantable = new Set<LockRequest>();
  /** Transactions that came to wait for somebody new: one of them would be on any new cycle. */
  readonly suspects = new Set<GlobalTransaction>();
  /** Locks held, counted once for each transaction that holds one. */
  held = 0;
  /** Keys that branches name, one that several of them name as often. */
  named = 0;
  /** Places in queues. */
  queued = 0;
  /** Requests that wait. */
  waiting = 0;

  #keys(set: LockSet): Map<string, Lock> {
    const tables = getOrMake(this.#resources, set.resourceId, () => new Map<string, Map<string, Lock>>());
    return getOrMake(tables, set.table, () => new Map<string, Lock>());
  }

  #dropIfUnused(set: LockSet, keys: Map<string, Lock>, key: string, lock: Lock): void {
    if (!lock.isUnused) return;
    keys.delete(key);
    if (keys.size > 0) return;
    const tables = this.#resources.get(set.resourceId);
    tables?.delete(set.table);
    if (tables?.size === 0) this.#resources.delete(set.resourceId);
  }

  /** The first obstacle to a new request; one that is being rolled back before any other. */
  obstacle(transaction: GlobalTransaction, sets: readonly LockSet[]): Obstacle | undefined {
    let found: Obstacle | undefined;
    for (const set of sets) {
      const keys = this.#resources.get(set.resourceId)?.get(set.table);
      if (keys === undefined) continue;
      for (const key of set.keys) {
        const lock = keys.get(key);
        if (lock === undefined) continue;
        const holder = lock.holderInTheWay(transaction, set.mode, true);
        if (holder?.status === 'ROLLING_BACK') return { set, key, transaction: holder, isHolder: true };
        if (found !== undefined) continue;
        if (holder !== undefined) found = { set, key, transaction: holder, isHolder: true };
        else {
          const queued = lock.queuedInTheWay(transaction, set.mode, lock.last);
          if (queued !== undefined) {
            found = { set, key, transaction: queued.request.transaction, isHolder: false };
          }
        }
      }
    }
    return found;
  }

  acquire(transaction: GlobalTransaction, sets: readonly LockSet[]): void {
    for (const set of sets) {
      const keys = this.#keys(set);
      this.named += set.keys.length;
      for (const key of set.keys) {
        const lock = getOrMake(keys, key, makeLock);
        const sole = lock.soleHolder;
        if (lock.acquire(transaction, set.mode)) {
          this.held++;
          // Its own waiting requests pass the queue from now on, and those of the sole holder no longer do.
          this.#judgeOwn(lock, transaction);
          if (sole !== undefined) this.#judgeOwn(lock, sole);
        }
        if (lock.first !== undefined) this.dirty.add(lock);
      }
    }
  }

  release(transaction: GlobalTransaction, sets: readonly LockSet[]): void {
    for (const set of sets) {
      this.named -= set.keys.length;
      const keys = this.#resources.get(set.resourceId)?.get(set.table);
      if (keys === undefined) continue;
      for (const key of set.keys) {
        const lock = keys.get(key);
        if (lock === undefined) continue;
        if (lock.release(transaction, set.mode)) {
          this.held--;
          // Its own waiting requests have lost the right to pass the queue: they may wait for others now.
          if (transaction.waiting.size > 0) {
            this.suspects.add(transaction);
            this.#judgeOwn(lock, transaction);
          }
        }
        if (lock.first !== undefined) this.dirty.add(lock);
        this.#dropIfUnused(set, keys, key, lock);
      }
    }
  }

  enqueue(request: LockRequest): void {
    for (const set of request.frame.locks) {
      const keys = this.#keys(set);
      for (const key of set.keys) {
        const lock = getOrMake(keys, key, makeLock);
        const earlier = request.entries.get(lock);
        if (earlier !== undefined) {
          if (set.mode === 'EXCLUSIVE') earlier.mode = 'EXCLUSIVE';
          this.#judge(earlier);
          continue;
        }
        const entry: QueueEntry = {
          request,
          lock,
          set,
          key,
          mode: set.mode,
          previous: undefined,
          next: undefined,
        };
        lock.enqueue(entry);
        request.entries.set(lock, entry);
        this.queued++;
        this.#judge(entry);
      }
    }
    if (request.blocked.size === 0) this.grantable.add(request);
    this.suspects.add(request.transaction);
    this.waiting++;
  }

  dequeue(request: LockRequest): void {
    for (const [lock, entry] of request.entries) {
      lock.dequeue(entry);
      if (lock.first !== undefined) this.dirty.add(lock);
      this.#dropIfUnused(entry.set, this.#keys(entry.set), entry.key, lock);
    }
    // A later request of the same transaction may have stood behind this one, and now waits for others itself.
    if (request.transaction.waiting.size > 0) this.suspects.add(request.transaction);
    this.queued -= request.entries.size;
    this.waiting--;
    request.entries.clear();
    request.blocked.clear();
    this.grantable.delete(request);
  }

  /** Looks again at who in this lock's queue is blocked. */
  review(lock: Lock): void {
    // Behind EXCLUSIVE places of two transactions everyone stays blocked, so the rest need not be looked at.
    let exclusive: GlobalTransaction | undefined;
    let first: GlobalTransaction | undefined;
    let severalAhead = false;
    let severalExclusive = false;
    for (let entry = lock.first; entry !== undefined && !severalExclusive; entry = entry.next) {
      const transaction = entry.request.transaction;
      const ahead = entry.mode === 'EXCLUSIVE' ? first : exclusive;
      const behindOther =
        lock.holdOf(transaction) === undefined &&
        ((ahead !== undefined && ahead !== transaction) || (entry.mode === 'EXCLUSIVE' && severalAhead));
      this.#mark(entry, behindOther || lock.holderInTheWay(transaction, entry.mode) !== undefined);
      if (first === undefined) first = transaction;
      else if (first !== transaction) severalAhead = true;
      if (entry.mode !== 'EXCLUSIVE') continue;
      if (exclusive !== undefined && exclusive !== transaction) severalExclusive = true;
      exclusive ??= transaction;
    }
    // A sole holder passes the queue, from wherever it stands.
    if (lock.soleHolder !== undefined) this.#judgeOwn(lock, lock.soleHolder);
  }

  /** Looks again at one request, at every key. @returns whether it may have its locks */
  recheck(request: LockRequest): boolean {
    for (const entry of request.entries.values()) this.#judge(entry);
    return request.blocked.size === 0;
  }

  /** The requests that wait for a lock which this transaction holds. */
  waitersOn(transaction: GlobalTransaction, sets: readonly LockSet[]): Set<LockRequest> {
    const found = new Set<LockRequest>();
    for (const set of sets) {
      const keys = this.#resources.get(set.resourceId)?.get(set.table);
      if (keys === undefined) continue;
      for (const key of set.keys) {
        const lock = keys.get(key);
        const hold = lock?.holdOf(transaction);
        if (hold === undefined) continue;
        for (let entry = lock?.first; entry !== undefined; entry = entry.next) {
          if (entry.request.transaction === transaction) continue;
          if (entry.mode === 'EXCLUSIVE' || hold.exclusive > 0) found.add(entry.request);
        }
      }
    }
    return found;
  }

  /**
   * Whether anybody may be waiting for this transaction: then it can be on a cycle. Saves the search in the
   * usual case, a newcomer at the end of a long queue whose own locks nobody wants.
   */
  mayBeWaitedFor(transaction: GlobalTransaction): boolean {
    for (const request of transaction.waiting) {
      for (const entry of request.entries.values()) if (entry.next !== undefined) return true;
    }
    let looks = 0;
    for (const branch of transaction.branches.values()) {
      for (const sets of [branch.locks, ...branch.additions.map((addition) => addition.locks)]) {
        for (const set of sets) {
          const keys = this.#resources.get(set.resourceId)?.get(set.table);
          for (const key of set.keys) {
            if (keys?.get(key)?.first !== undefined) return true;
            if (++looks > MOST_LOOKS) return true;
          }
        }
      }
    }
    return false;
  }

  find(resourceId: string, table: string, key: string): Lock | undefined {
    return this.#resources.get(resourceId)?.get(table)?.get(key);
  }

  /** Every lock with its name, for people. */
  *all(): Iterable<{ resourceId: string; table: string; key: string; lock: Lock }> {
    for (const [resourceId, tables] of this.#resources) {
      for (const [table, keys] of tables) {
        for (const [key, lock] of keys) yield { resourceId, table, key, lock };
      }
    }
  }

  #judgeOwn(lock: Lock, transaction: GlobalTransaction): void {
    for (const request of transaction.waiting) {
      const entry = request.entries.get(lock);
      if (entry !== undefined) this.#judge(entry);
    }
  }

  #judge(entry: QueueEntry): void {
    const { lock, mode } = entry;
    const transaction = entry.request.transaction;
    this.#mark(
      entry,
      lock.holderInTheWay(transaction, mode) !== undefined ||
        lock.queuedInTheWay(transaction, mode, entry.previous) !== undefined,
    );
  }

  #mark(entry: QueueEntry, isBlocked: boolean): void {
    const { request } = entry;
    if (isBlocked) {
      if (request.blocked.has(entry)) return;
      request.blocked.add(entry);
      this.grantable.delete(request);
      this.suspects.add(request.transaction);
    } else if (request.blocked.delete(entry) && request.blocked.size === 0) {
      this.grantable.add(request);
    }
  }
}

/** How many keys a request names. */
export function keyCount(sets: readonly LockSet[]): number {
  return sets.reduce((sum, set) => sum + set.keys.length, 0);
}
