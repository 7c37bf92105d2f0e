import type { ImageRow } from '../image/plan.js';
import type { Row } from '../image/row.js';
import type { TableDefinition } from '../table/definition.js';
import { DEFAULT_UNDO_LIMIT, rowBytes, tooLarge } from '../undo/undo-limit.js';

/** A row as the branch first met it. */
export interface TouchedRow {
  /** Equal exactly when the database calls the keys equal. */
  readonly identity: string;
  /** Null: the row was not there before the branch. */
  readonly before: ImageRow | null;
  /** Values of the whole row at some touch; its key columns find the row again. */
  readonly keyed: Row;
  /**
   * A row that has the unique values and the parents of this one after its last touch; null: it was deleted then.
   * Undefined where only reading it can tell.
   */
  readonly leaves?: ImageRow | null | undefined;
  /** The row after its last touch, where it was read then; null: it is gone. Undefined where it must be read still. */
  readonly after?: ImageRow | null | undefined;
}

export interface TouchedTable {
  readonly table: TableDefinition;
  /** In the order of the last touch. */
  readonly rows: readonly TouchedRow[];
}

interface Touch {
  readonly table: TableDefinition;
  readonly row: TouchedRow;
  readonly bytes: number;
}

function imageBytes(image: ImageRow | null | undefined): number {
  return image === null || image === undefined ? 0 : rowBytes(image.row);
}

/** Savepoint names compare without case, as identifiers do in both servers. */
function savepointKey(name: string): string {
  return name.toLowerCase();
}

/**
 * What one local transaction has touched so far, statement by statement, so that a savepoint can take back
 * the last of them. Only the first image of a row counts in the end: see "The net change of a row" in
 * docs/architecture.md.
 */
export class TouchedRows {
  readonly #limit: number;
  readonly #touches: Touch[] = [];
  #bytes = 0;
  #savepoints: { readonly key: string; readonly mark: number }[] = [];

  /** @param limit what the images may take, in bytes */
  constructor(limit = DEFAULT_UNDO_LIMIT) {
    this.#limit = limit;
  }

  get empty(): boolean {
    return this.#touches.length === 0;
  }

  /** Whether rows of the table were touched: it cannot be altered until the local transaction ends. */
  has(table: TableDefinition): boolean {
    return this.#touches.some((touch) => touch.table === table);
  }

  /** @throws GlobalTxError UNDO_RECORD_TOO_LARGE */
  add(table: TableDefinition, row: TouchedRow): void {
    const bytes = imageBytes(row.before) + imageBytes(row.after);
    this.#touches.push({ table, row, bytes });
    this.#bytes += bytes;
    this.allow(0);
  }

  /** @throws GlobalTxError UNDO_RECORD_TOO_LARGE when there is no room for so many bytes more */
  allow(bytes: number): void {
    if (this.#bytes + bytes > this.#limit) throw tooLarge(this.#limit);
  }

  /** A savepoint of the same name replaces the earlier one (MySQL manual 15.3.4). */
  savepoint(name: string): void {
    const key = savepointKey(name);
    this.#savepoints = this.#savepoints.filter((savepoint) => savepoint.key !== key);
    this.#savepoints.push({ key, mark: this.#touches.length });
  }

  /** Forgets what was touched after the savepoint, and the savepoints set after it. */
  rollbackTo(name: string): void {
    const at = this.#savepoints.findIndex((savepoint) => savepoint.key === savepointKey(name));
    const savepoint = this.#savepoints[at];
    if (savepoint === undefined) return;
    for (const { bytes } of this.#touches.splice(savepoint.mark)) this.#bytes -= bytes;
    this.#savepoints.length = at + 1;
  }

  /** Removes the savepoint and those set after it; what was touched stays. */
  releaseSavepoint(name: string): void {
    const at = this.#savepoints.findIndex((savepoint) => savepoint.key === savepointKey(name));
    if (at >= 0) this.#savepoints.length = at;
  }

  /** Each touched row once, with its first before image, tables in the order of their last touch. */
  net(): readonly TouchedTable[] {
    const tables = new Map<string, { table: TableDefinition; rows: Map<string, TouchedRow> }>();
    for (const { table, row: touch } of this.#touches) {
      const name = `${table.schema}\0${table.name}`;
      const entry = tables.get(name) ?? { table, rows: new Map<string, TouchedRow>() };
      const first = entry.rows.get(touch.identity);
      // Deleting first moves the row to the end: maps keep the order of insertion.
      entry.rows.delete(touch.identity);
      entry.rows.set(
        touch.identity,
        first === undefined ? touch : { ...first, leaves: touch.leaves, after: touch.after },
      );
      tables.delete(name);
      tables.set(name, entry);
    }
    return Array.from(tables.values(), ({ table, rows }) => ({ table, rows: Array.from(rows.values()) }));
  }
}
