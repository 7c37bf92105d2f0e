import type { LockingReadStatement } from '../sql/analysis.js';
import type { TableDefinition } from '../table/definition.js';
import { type CaptureContext, mismatch, type ReadLocks, type RunStatement } from './capture-context.js';
import { lockingReadQuery, referenceOf, type WritePlaceholder } from './queries.js';
import { readImage } from './read-image.js';

/** A locking read: the rows that it returns are to be locked at the coordinator too. */
export async function captureRead(
  context: CaptureContext,
  statement: LockingReadStatement,
  known: TableDefinition,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<ReadLocks> {
  const reference = referenceOf(statement.table);
  // The application's read comes first: the rows that it returns are then locked in the database, and the
  // read of their keys meets the same rows.
  const counts = await run();
  const { table, rows } = await readImage(context, known, (plan) =>
    lockingReadQuery(statement, plan.selectList(reference), write),
  );
  if (statement.volatile && counts.matched !== rows.length) {
    throw mismatch('SELECT', table, rows.length, counts.matched);
  }
  return { table, mode: statement.mode, identities: rows.map((image) => image.identity) };
}
