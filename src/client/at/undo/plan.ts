import type { Row } from '../image/row.js';
import { changedColumns } from '../image/row-equality.js';
import type { ColumnDefinition, TableDefinition } from '../table/definition.js';
import type { RowRestoration } from './dirty-check.js';

/** One statement's worth of restoring, for one row. */
export type Step =
  | { readonly kind: 'insert'; readonly table: TableDefinition; readonly row: Row }
  | { readonly kind: 'delete'; readonly table: TableDefinition; readonly row: Row }
  | {
      readonly kind: 'update';
      readonly table: TableDefinition;
      readonly present: Row;
      readonly target: Row;
      /** The columns to be written. */
      readonly columns: readonly ColumnDefinition[];
    };

export interface TableRestorations {
  readonly table: TableDefinition;
  /** In the order of the record. */
  readonly restorations: readonly RowRestoration[];
}

/** The values of an INSERT in bytes, roughly, that still share one statement. */
const BATCH_BYTES = 256 * 1024;
const BATCH_ROWS = 100;

/** A column that changes by itself in an UPDATE is written even if it is to keep its value. */
function columnsToWrite(table: TableDefinition, present: Row, target: Row): readonly ColumnDefinition[] {
  const changed = new Set(changedColumns(present, target));
  const writable = table.columns.filter((column) => !column.generated);
  const columns = writable.filter((column) => changed.has(table.columns.indexOf(column)));
  if (columns.length === 0) return [];
  return writable.filter((column) => column.updatesItself || columns.includes(column));
}

function stepOf(table: TableDefinition, { present, target }: RowRestoration): Step | undefined {
  if (target === null) return present === null ? undefined : { kind: 'delete', table, row: present };
  if (present === null) return { kind: 'insert', table, row: target };
  const columns = columnsToWrite(table, present, target);
  // Nothing that can be written differs, only what the server computes: reading back will say so.
  return columns.length === 0 ? undefined : { kind: 'update', table, present, target, columns };
}

/**
 * What to do, in the order to try it: the reverse of the order in which the branch last touched the rows,
 * which frees unique values before they are taken and takes children away before their parents. Where that
 * is not enough (two rows swapped a value, the order across tables is lost in the net change), the database
 * refuses a step and `apply.ts` comes back to it.
 */
export function planCompensation(tables: readonly TableRestorations[]): readonly Step[] {
  return tables
    .flatMap(({ table, restorations }) => restorations.map((restoration) => stepOf(table, restoration)))
    .filter((step) => step !== undefined)
    .reverse();
}

function rowBytes(row: Row): number {
  return row.reduce<number>((sum, value) => sum + (value?.length ?? 0), 0);
}

/** Neighbouring inserts, and neighbouring deletes, of one table go in one statement; neighbouring updates in one text. */
export function batchSteps(steps: readonly Step[]): readonly (readonly Step[])[] {
  const batches: Step[][] = [];
  let bytes = 0;
  for (const step of steps) {
    const batch = batches.at(-1);
    const first = batch?.[0];
    const size = rowBytes(step.kind === 'update' ? step.target : step.row);
    const fits =
      step.kind === first?.kind &&
      step.table === first.table &&
      batch!.length < BATCH_ROWS &&
      bytes + size <= BATCH_BYTES;
    if (fits) batch!.push(step);
    else batches.push([step]);
    bytes = fits ? bytes + size : size;
  }
  return batches;
}

/**
 * The way out of a circle of updates, each of which needs a unique value that another still holds: one row
 * is taken out and put back when the values are free.
 */
export function takeOutAndPutBack(step: Extract<Step, { kind: 'update' }>): readonly [Step, Step] {
  const { table, present, target } = step;
  return [
    { kind: 'delete', table, row: present },
    { kind: 'insert', table, row: target },
  ];
}
