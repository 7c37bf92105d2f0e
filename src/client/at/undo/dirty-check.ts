import type { ColumnValue, Row, RowChange, TableChanges } from '../image/row.js';
import { changedColumns, rowsEqual } from '../image/row-equality.js';

/** A row that is still as the branch left it, and what it has to become again. */
export interface RowRestoration {
  /** As it is now: the after image. Null: it is not there, because the branch deleted it. */
  readonly present: Row | null;
  /** The before image. Null: the branch inserted it. */
  readonly target: Row | null;
}

/** A row that someone else has changed since. */
export interface DirtyRow {
  /** 'id = 7', 'region = eu, id = 7'. */
  readonly key: string;
  /** Columns that differ from the after image; none when the row itself is gone or has come. */
  readonly columns: readonly string[];
  readonly found: 'changed' | 'gone' | 'come';
}

export interface CheckedRows {
  /** In the order of the record. Rows that are as they were before the branch are left out. */
  readonly restorations: readonly RowRestoration[];
  readonly dirty: readonly DirtyRow[];
}

/** Reads a row's key as text: the same for two rows exactly when every byte of the key is. */
export class RowKeys {
  readonly #names: readonly string[];
  readonly #positions: readonly number[];

  constructor({ columns, key }: Pick<TableChanges, 'columns' | 'key'>) {
    this.#names = key;
    this.#positions = key.map((name) => columns.indexOf(name));
  }

  of(row: Row): string {
    return JSON.stringify(this.#positions.map((position) => keyPart(row[position] ?? null)));
  }

  /** The key for people. */
  describe(row: Row): string {
    return this.#positions
      .map((position, at) => {
        const value = row[position] ?? null;
        return `${this.#names[at]} = ${Buffer.isBuffer(value) ? `0x${value.toString('hex')}` : value}`;
      })
      .join(', ');
  }
}

function keyPart(value: ColumnValue): string | null | readonly [string] {
  return Buffer.isBuffer(value) ? [value.toString('hex')] : value;
}

/** All rows of the record, each key once, to find them in the table by. */
export function rowsToRead(changes: TableChanges): readonly Row[] {
  const keys = new RowKeys(changes);
  const rows = new Map<string, Row>();
  for (const { before, after } of changes.changes) {
    for (const row of [before, after]) if (row !== null) rows.set(keys.of(row), row);
  }
  return Array.from(rows.values());
}

/** What was under each key before the branch, what the branch left there, and what is there now. */
class Images {
  readonly keys: RowKeys;
  readonly before = new Map<string, Row>();
  readonly after = new Map<string, Row>();
  readonly present: ReadonlyMap<string, Row>;
  readonly #columns: readonly string[];

  constructor(changes: TableChanges, present: readonly Row[]) {
    this.keys = new RowKeys(changes);
    this.#columns = changes.columns;
    for (const { before, after } of changes.changes) {
      if (before !== null) this.before.set(this.keys.of(before), before);
      if (after !== null) this.after.set(this.keys.of(after), after);
    }
    this.present = new Map(present.map((row) => [this.keys.of(row), row]));
  }

  /** Whether what is under the key now is what one of the images says. */
  is(image: ReadonlyMap<string, Row>, key: string): boolean {
    const one = this.present.get(key);
    const other = image.get(key);
    return one === undefined || other === undefined ? one === other : rowsEqual(one, other);
  }

  /** How what is under the key now differs from an image. */
  difference(image: ReadonlyMap<string, Row>, key: string, row: Row): DirtyRow {
    const is = this.present.get(key);
    const was = image.get(key);
    const found = is === undefined ? 'gone' : was === undefined ? 'come' : 'changed';
    const columns = is && was ? changedColumns(was, is).map((position) => this.#columns[position]!) : [];
    return { key: this.keys.describe(row), columns, found };
  }
}

/** What one row of the record is now. */
export interface RowState extends RowChange {
  /** What is under its keys: of before and of after, if the branch changed the key. */
  readonly present: readonly Row[];
  /** 'after': as the branch left it; 'before': as it was before the branch; 'dirty': neither. */
  readonly state: 'after' | 'before' | 'dirty';
  readonly dirty: readonly DirtyRow[];
}

function stateOf(images: Images, { before, after }: RowChange): RowState {
  const rows = [before, after].filter((row) => row !== null);
  const touched = Array.from(new Map(rows.map((row) => [images.keys.of(row), row])));
  const present = touched.map(([key]) => images.present.get(key)).filter((row) => row !== undefined);
  if (touched.every(([key]) => images.is(images.after, key))) {
    return { before, after, present, state: 'after', dirty: [] };
  }
  if (touched.every(([key]) => images.is(images.before, key))) {
    return { before, after, present, state: 'before', dirty: [] };
  }
  const dirty = touched
    .filter(([key]) => !images.is(images.after, key))
    .map(([key, row]) => images.difference(images.after, key, row));
  return { before, after, present, state: 'dirty', dirty };
}

/**
 * Compares the present rows with both images, key by key.
 * @param present what was found under the keys of `rowsToRead`
 */
export function rowStates(changes: TableChanges, present: readonly Row[]): readonly RowState[] {
  const images = new Images(changes, present);
  return changes.changes.map((change) => stateOf(images, change));
}

/**
 * A row as the branch left it is to be restored, a row as it was before the branch is restored already (by a
 * person, say: a compensation takes its record away when it restores), and any other is dirty.
 * @param present what was found under the keys of `rowsToRead`
 */
export function checkRows(changes: TableChanges, present: readonly Row[]): CheckedRows {
  const images = new Images(changes, present);
  const states = changes.changes.map((change) => stateOf(images, change));
  // The collation finds them under a key of the record, but their keys are spelt in another way.
  const strangers = Array.from(images.present)
    .filter(([key]) => !images.before.has(key) && !images.after.has(key))
    .map(([key, row]) => images.difference(images.after, key, row));
  return {
    restorations: states
      .filter(({ state }) => state === 'after')
      .map(({ before, after }) => ({ present: after, target: before })),
    dirty: uniqueRows([...states.flatMap(({ dirty }) => dirty), ...strangers]),
  };
}

/**
 * What makes every key of the record hold again what it held before the branch, whatever is there now: for a
 * person who has seen it and wants that.
 * @param present what was found under the keys of `rowsToRead`
 */
export function forcedRestorations(
  changes: TableChanges,
  present: readonly Row[],
): readonly RowRestoration[] {
  const images = new Images(changes, present);
  const keys = new Set([...images.after.keys(), ...images.before.keys(), ...images.present.keys()]);
  return Array.from(keys)
    .filter((key) => !images.is(images.before, key))
    .map((key) => ({ present: images.present.get(key) ?? null, target: images.before.get(key) ?? null }));
}

/** A key that two rows of the record share (they swapped it) is named once. */
function uniqueRows(rows: readonly DirtyRow[]): readonly DirtyRow[] {
  return Array.from(new Map(rows.map((row) => [row.key, row])).values());
}

/** The rows that are not, byte for byte, as they were before the branch; to be asked after the restoration. */
export function unrestoredRows(changes: TableChanges, present: readonly Row[]): readonly DirtyRow[] {
  const images = new Images(changes, present);
  const rows = new Map([...images.after, ...images.before, ...images.present]);
  return Array.from(rows)
    .filter(([key]) => !images.is(images.before, key))
    .map(([key, row]) => images.difference(images.before, key, row));
}
