import { type Routine, until } from './coroutine.js';
import type { Scheduler } from './scheduler.js';
import { must } from './violation.js';

/** `value` is changed by global transactions alone, `version` by writers outside alone. */
export interface RowState {
  readonly value: number;
  readonly version: number;
}

interface Image {
  readonly row: number;
  readonly before: RowState;
  readonly after: RowState;
}

/** An undo log row; without images it is a defence record. */
type UndoRow = readonly Image[] | 'defence';

interface Lockable {
  owner: LocalTransaction | undefined;
  readonly queue: { readonly local: LocalTransaction; readonly granted: () => void }[];
}

/** A local transaction: what it holds, and what it has written. */
export class LocalTransaction {
  readonly held = new Set<string>();
  readonly images = new Map<number, Image>();
  undo: { readonly key: string; readonly row: UndoRow } | undefined;
  isOver = false;
}

export function undoKey(xid: string, branchId: string): string {
  return `${xid}/${branchId}`;
}

/** A database with row locks, local transactions and an undo log, as far as AT needs one. */
export class Database {
  readonly rows: RowState[];
  readonly undo = new Map<string, UndoRow>();
  readonly #scheduler: Scheduler;
  readonly #locks = new Map<string, Lockable>();

  constructor(scheduler: Scheduler, rows: number) {
    this.#scheduler = scheduler;
    this.rows = Array.from({ length: rows }, () => ({ value: 1_000, version: 0 }));
  }

  isLocked(row: number): boolean {
    return this.#locks.get(`row ${row}`)?.owner !== undefined;
  }

  /** @returns whether it got the lock in time */
  *lock(local: LocalTransaction, name: string, waitMs: number): Routine<boolean> {
    const lockable = this.#locks.get(name) ?? { owner: undefined, queue: [] };
    this.#locks.set(name, lockable);
    if (lockable.owner === undefined || lockable.owner === local) {
      lockable.owner = local;
      local.held.add(name);
      return true;
    }
    return yield* until<boolean>((resume) => {
      const waiter = { local, granted: () => resume(true) };
      lockable.queue.push(waiter);
      this.#scheduler.after(waitMs, () => {
        const place = lockable.queue.indexOf(waiter);
        if (place === -1) return;
        lockable.queue.splice(place, 1);
        resume(false);
      });
    });
  }

  /** The row as this local transaction sees it. Call with the row locked. */
  read(local: LocalTransaction, row: number): RowState {
    return local.images.get(row)?.after ?? this.rows[row]!;
  }

  write(local: LocalTransaction, row: number, after: RowState): void {
    const before = local.images.get(row)?.before ?? this.rows[row]!;
    local.images.set(row, { row, before, after });
  }

  /** The undo log row of a branch, in the same local transaction as its changes. Call with its key locked. */
  writeUndo(local: LocalTransaction, key: string): 'written' | 'defence record met' {
    if (this.undo.has(key)) {
      must(this.undo.get(key) === 'defence', 'one undo row a branch', () => `${key} is written twice`);
      return 'defence record met';
    }
    local.undo = { key, row: [...local.images.values()] };
    return 'written';
  }

  writeDefence(local: LocalTransaction, key: string): void {
    local.undo = { key, row: 'defence' };
  }

  commit(local: LocalTransaction): void {
    must(!local.isOver, 'the model', () => 'a local transaction ended twice');
    for (const { row, after } of local.images.values()) this.rows[row] = after;
    if (local.undo !== undefined) this.undo.set(local.undo.key, local.undo.row);
    this.#release(local);
  }

  /** Somebody outside changes a row, preferably one that a branch has changed. */
  outsideWrite(preferred: number): void {
    const touched = [...this.undo.values()].flatMap((undo) =>
      undo === 'defence' ? [] : undo.map(({ row }) => row),
    );
    const row = touched[preferred % touched.length] ?? preferred;
    const state = this.rows[row]!;
    if (!this.isLocked(row)) this.rows[row] = { ...state, version: state.version + 1 };
  }

  /** Takes back what writers outside did to the rows of a branch. */
  repair(xid: string, branchId: string): void {
    const undo = this.undo.get(undoKey(xid, branchId));
    if (undo === undefined || undo === 'defence') return;
    for (const { row, after } of undo) {
      if (!this.isLocked(row)) this.rows[row] = { ...this.rows[row]!, version: after.version };
    }
  }

  rollback(local: LocalTransaction): void {
    if (!local.isOver) this.#release(local);
  }

  #release(local: LocalTransaction): void {
    local.isOver = true;
    for (const lockable of this.#locks.values()) {
      const place = lockable.queue.findIndex((waiter) => waiter.local === local);
      if (place !== -1) lockable.queue.splice(place, 1);
    }
    for (const name of local.held) {
      const lockable = this.#locks.get(name);
      if (lockable === undefined) continue;
      const next = lockable.queue.shift();
      lockable.owner = next?.local;
      if (next === undefined) {
        this.#locks.delete(name);
        continue;
      }
      next.local.held.add(name);
      next.granted();
    }
    local.held.clear();
  }
}
