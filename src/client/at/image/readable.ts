import type { ColumnValue, Row } from './row.js';

/** A row for people and programs: text as it is, bytes in hexadecimal, by the names of the columns. */
export type ReadableRow = Readonly<Record<string, string | null>>;

function readableValue(value: ColumnValue): string | null {
  return Buffer.isBuffer(value) ? `0x${value.toString('hex')}` : value;
}

export function readableRow(columns: readonly string[], row: Row): ReadableRow {
  return Object.fromEntries(columns.map((column, at) => [column, readableValue(row[at] ?? null)]));
}
