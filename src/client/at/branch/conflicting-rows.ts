import { type ConflictQuery, conflictQueries } from '../image/conflicts.js';
import { KEYS_PER_QUERY } from '../image/key-condition.js';
import type { ImageRow } from '../image/plan.js';
import type { InsertStatement } from '../sql/analysis.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { TableDefinition } from '../table/definition.js';
import type { CaptureContext } from './capture-context.js';
import { insertRefused } from './insert-refusal.js';
import { valueWriter } from './inserted-rows.js';
import { referenceOf, type WritePlaceholder } from './queries.js';
import { readImage, type TableImage } from './read-image.js';

/** Rows that were there before an INSERT and have unique values of its rows. */
export interface ConflictingRows {
  readonly table: TableDefinition;
  /** Each row once. */
  readonly rows: readonly ImageRow[];
  /** Whether every unique value of the new rows is held by a row of its own: no other row can come to meet them. */
  readonly closed: boolean;
  /** Whether no other rows are among them: a value that may have several forms can find some. */
  readonly exact: boolean;
  /** Whether every new row is known to meet one, so that none is inserted. */
  readonly meetsAll: boolean;
  /** Whether each of them has the key of a new row: it keeps it when it is given that. */
  readonly byKey: boolean;
  /** The one unique index under which new rows can meet others, when each of them has a value in it; else null. */
  readonly only: ConflictQuery | null;
}

/**
 * Reads and locks the rows that an INSERT could meet under the unique indexes of its table.
 * @throws GlobalTxError STATEMENT_UNSUPPORTED when they could not be found
 */
export async function conflictingRows(
  context: CaptureContext,
  statement: InsertStatement,
  known: TableDefinition,
  write: WritePlaceholder,
): Promise<ConflictingRows> {
  let table = known;
  for (;;) {
    const conflicts = conflictQueries(table, statement, context.session.facts, valueWriter(write));
    if ('refused' in conflicts) throw insertRefused(statement, table, conflicts.refused);
    const read = await readAll(context, table, conflicts.queries, statement.rows.length);
    if (read.table === table) return read;
    table = read.table;
  }
}

/** @returns with another definition where the table was altered: its conditions must then be made again */
async function readAll(
  context: CaptureContext,
  table: TableDefinition,
  queries: readonly ConflictQuery[],
  newRows: number,
): Promise<ConflictingRows> {
  const rows = new Map<string, ImageRow>();
  let closed = true;
  let meetsAll = false;
  let metByKey = 0;
  for (const query of queries) {
    const image = await readByIndex(context, table, query);
    if (image.table !== table)
      return {
        table: image.table,
        rows: [],
        closed: false,
        exact: false,
        meetsAll: false,
        byKey: false,
        only: null,
      };
    for (const row of image.rows) rows.set(row.identity, row);
    closed &&= query.exact && image.rows.length === query.conditions.length;
    meetsAll ||= query.exact && image.rows.length === newRows;
    if (query.index === table.key) metByKey = image.rows.length;
  }
  const [first] = queries;
  const lone = queries.length === 1 && first?.exact === true && first.conditions.length === newRows;
  const only = lone ? first : null;
  const exact = queries.every((query) => query.exact);
  return {
    table,
    rows: Array.from(rows.values()),
    closed,
    exact,
    meetsAll,
    byKey: metByKey === rows.size,
    only,
  };
}

/** Reads and locks the rows that have the values in an index; with another definition where the table was altered. */
export async function readByIndex(
  context: CaptureContext,
  table: TableDefinition,
  { index, conditions }: ConflictQuery,
): Promise<TableImage> {
  const rows: ImageRow[] = [];
  for (let from = 0; from < conditions.length; from += KEYS_PER_QUERY) {
    const condition = conditions.slice(from, from + KEYS_PER_QUERY).join(' OR ');
    const image = await readImage(context, table, (plan, current) => {
      const reference = referenceOf({ schema: current.schema, name: current.name, alias: null });
      const source = `${reference} FORCE INDEX (${quoteIdentifier(index.name)})`;
      return `SELECT ${plan.selectList(reference)} FROM ${source} WHERE ${condition} FOR UPDATE`;
    });
    if (image.table !== table) return image;
    rows.push(...image.rows);
  }
  return { table, rows };
}
