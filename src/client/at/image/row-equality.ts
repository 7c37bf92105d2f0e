import type { ColumnValue, Row } from './row.js';

function same(a: ColumnValue, b: ColumnValue): boolean {
  return Buffer.isBuffer(a) ? Buffer.isBuffer(b) && a.equals(b) : a === b;
}

/** The places, from 0, of the values in which two rows of one table differ. */
export function changedColumns(before: Row, after: Row): readonly number[] {
  const places: number[] = [];
  for (let place = 0; place < Math.max(before.length, after.length); place += 1) {
    if (!same(before[place] ?? null, after[place] ?? null)) places.push(place);
  }
  return places;
}

/** Whether two rows of one table hold the same values, to the last byte. */
export function rowsEqual(a: Row, b: Row): boolean {
  return a.length === b.length && a.every((value, place) => same(value, b[place] ?? null));
}

/** Whether two rows of one table differ in anything. */
export function differs(a: Row, b: Row): boolean {
  return !rowsEqual(a, b);
}
