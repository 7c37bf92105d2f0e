import { reach } from '../../failpoints.js';
import type { InsertStatement } from '../sql/analysis.js';
import { checkTable } from '../table/check.js';
import type { TableDefinition } from '../table/definition.js';
import {
  type CaptureContext,
  mismatch,
  type RunStatement,
  type RunWithRead,
  type StatementCounts,
} from './capture-context.js';
import { insertedRows, type KeyedRows, rowsAlreadyThere } from './inserted-rows.js';
import type { WritePlaceholder } from './queries.js';
import { decodedImage, type TableImage } from './read-image.js';

/** The INSERT and the reading of its rows. */
interface Inserted {
  readonly counts: StatementCounts;
  readonly image: TableImage;
}

/** Both in one round trip. */
async function together(
  context: CaptureContext,
  insertion: KeyedRows,
  table: TableDefinition,
  behind: RunWithRead,
): Promise<Inserted> {
  reach('before', 'before-image');
  const { ran, after } = await behind(insertion.behind);
  reach('after', 'before-image');
  if (ran instanceof Error) throw ran;
  // What has kept it from being read, if it is not gone, is met again.
  const image = after instanceof Error ? undefined : decodedImage(context, table, after);
  return { counts: ran, image: image ?? (await insertion.read()) };
}

/** An INSERT that fails when it meets a row: its rows are found by their keys after it has run. */
export async function captureInsert(
  context: CaptureContext,
  statement: InsertStatement,
  table: TableDefinition,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<void> {
  checkTable(table, 'insert');
  const { session } = context;
  const insertion = await insertedRows(context, statement, table, write);
  const there = await rowsAlreadyThere(insertion);
  // What a read behind it takes away are warnings, which only values that do not fit give in numbers. ROW_COUNT() says
  // nothing of an INSERT that answers with rows.
  const behind = session.facts.strict && statement.returning.text === '' ? context.behind : undefined;
  const { counts, image } =
    behind !== undefined && insertion.exact
      ? await together(context, insertion, table, behind)
      : { counts: await run(), image: await insertion.read() };
  const fresh = image.rows.filter(({ identity }) => !there.has(identity));
  if (counts.matched !== fresh.length) throw mismatch('INSERT', table, fresh.length, counts.matched);
  for (const inserted of fresh) {
    const { identity, row } = inserted;
    context.touched.add(image.table, {
      identity,
      before: null,
      keyed: row,
      leaves: inserted,
      after: inserted,
    });
  }
}
