import type { LockMode, LockSet } from '../../protocol/frames.js';
import type { GlobalTransaction, LockRequest } from './model.js';

/** What one transaction holds of a lock: how many of its branches hold it, by mode. */
export interface Hold {
  readonly transaction: GlobalTransaction;
  shared: number;
  exclusive: number;
}

/** A place in the queue of one lock. */
export interface QueueEntry {
  readonly request: LockRequest;
  readonly lock: Lock;
  readonly set: LockSet;
  readonly key: string;
  mode: LockMode;
  previous: QueueEntry | undefined;
  next: QueueEntry | undefined;
}

/**
 * One lock: who holds it and who waits, first come first served. A transaction that holds the lock already
 * waits only for the other holders, never for the queue: those in the queue wait for it anyway.
 */
export class Lock {
  // Nearly every lock has one holder, so the map is made only for the second.
  #only: Hold | undefined;
  #many: Map<GlobalTransaction, Hold> | undefined;
  first: QueueEntry | undefined;
  last: QueueEntry | undefined;

  get isHeld(): boolean {
    return this.#only !== undefined || this.#many !== undefined;
  }

  get isUnused(): boolean {
    return !this.isHeld && this.first === undefined;
  }

  holdOf(transaction: GlobalTransaction): Hold | undefined {
    if (this.#many !== undefined) return this.#many.get(transaction);
    return this.#only?.transaction === transaction ? this.#only : undefined;
  }

  holds(): Iterable<Hold> {
    if (this.#many !== undefined) return this.#many.values();
    return this.#only === undefined ? [] : [this.#only];
  }

  /** The holder, if there is only one. */
  get soleHolder(): GlobalTransaction | undefined {
    return this.#only?.transaction;
  }

  /** @returns whether the transaction did not hold the lock before */
  acquire(transaction: GlobalTransaction, mode: LockMode): boolean {
    let hold = this.holdOf(transaction);
    const isNew = hold === undefined;
    if (hold === undefined) {
      hold = { transaction, shared: 0, exclusive: 0 };
      if (this.#many !== undefined) this.#many.set(transaction, hold);
      else if (this.#only === undefined) this.#only = hold;
      else {
        this.#many = new Map([
          [this.#only.transaction, this.#only],
          [transaction, hold],
        ]);
        this.#only = undefined;
      }
    }
    if (mode === 'SHARED') hold.shared++;
    else hold.exclusive++;
    return isNew;
  }

  /** @returns whether the transaction no longer holds the lock */
  release(transaction: GlobalTransaction, mode: LockMode): boolean {
    const hold = this.holdOf(transaction);
    if (hold === undefined) return false;
    if (mode === 'SHARED') hold.shared--;
    else hold.exclusive--;
    if (hold.shared + hold.exclusive > 0) return false;
    if (this.#many === undefined) this.#only = undefined;
    else {
      this.#many.delete(transaction);
      if (this.#many.size === 1) {
        [this.#only] = this.#many.values();
        this.#many = undefined;
      }
    }
    return true;
  }

  /**
   * A holder, other than `transaction`, that a hold in this mode would not go with; with `rollingBackFirst`,
   * one that is being rolled back if there is one.
   */
  holderInTheWay(
    transaction: GlobalTransaction,
    mode: LockMode,
    rollingBackFirst = false,
  ): GlobalTransaction | undefined {
    if (this.#many !== undefined) {
      // Several holders are all SHARED.
      if (mode === 'SHARED') return undefined;
      let found: GlobalTransaction | undefined;
      for (const other of this.#many.keys()) {
        if (other === transaction) continue;
        if (!rollingBackFirst || other.status === 'ROLLING_BACK') return other;
        found ??= other;
      }
      return found;
    }
    const only = this.#only;
    if (only === undefined || only.transaction === transaction) return undefined;
    return mode === 'EXCLUSIVE' || only.exclusive > 0 ? only.transaction : undefined;
  }

  /** The nearest place in the queue, from `entry` to the front, that this request must not overtake. */
  queuedInTheWay(
    transaction: GlobalTransaction,
    mode: LockMode,
    entry: QueueEntry | undefined,
  ): QueueEntry | undefined {
    if (this.first === undefined || this.holdOf(transaction) !== undefined) return undefined;
    for (let other = entry; other !== undefined; other = other.previous) {
      if (other.request.transaction === transaction) continue;
      if (mode === 'EXCLUSIVE' || other.mode === 'EXCLUSIVE') return other;
    }
    return undefined;
  }

  enqueue(entry: QueueEntry): void {
    entry.previous = this.last;
    if (this.last === undefined) this.first = entry;
    else this.last.next = entry;
    this.last = entry;
  }

  dequeue(entry: QueueEntry): void {
    if (entry.previous === undefined) this.first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) this.last = entry.previous;
    else entry.next.previous = entry.previous;
    entry.previous = undefined;
    entry.next = undefined;
  }

  /**
   * The transactions that a place in the queue waits for. Of those ahead in the queue only the nearest are
   * given: they wait for the rest, so what can be reached in the waits-for graph is the same.
   */
  waitsFor(entry: QueueEntry): GlobalTransaction[] {
    const transaction = entry.request.transaction;
    const found: GlobalTransaction[] = [];
    for (const hold of this.holds()) {
      if (hold.transaction === transaction) continue;
      if (entry.mode === 'EXCLUSIVE' || hold.exclusive > 0) found.push(hold.transaction);
    }
    if (!this.#waitsForQueue(entry)) return found;
    for (let other = entry.previous; other !== undefined; other = other.previous) {
      if (other.request.transaction === transaction) continue;
      if (entry.mode === 'EXCLUSIVE' || other.mode === 'EXCLUSIVE') found.push(other.request.transaction);
      if (other.mode === 'EXCLUSIVE' && this.#waitsForQueue(other)) break;
    }
    return found;
  }

  /**
   * A transaction that holds the lock passes the queue. One that stands further ahead with another request
   * will pass it once that one is granted, so it waits for what is ahead of its first place only.
   */
  #waitsForQueue({ request }: QueueEntry): boolean {
    if (this.holdOf(request.transaction) !== undefined) return false;
    for (const other of request.transaction.waiting) {
      if (other === request) return true;
      if (other.entries.has(this)) return false;
    }
    return true;
  }
}
