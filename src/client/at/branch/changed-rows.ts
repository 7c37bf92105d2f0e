import { keyCondition } from '../image/key-condition.js';
import type { ImageRow } from '../image/plan.js';
import type { Clause, DeleteStatement, UpdateStatement } from '../sql/analysis.js';
import { withEndsApart } from '../sql/ends-apart.js';
import type { TableDefinition } from '../table/definition.js';
import { type BoundStatement, type CaptureContext, mismatch, type RunStatement } from './capture-context.js';
import { CascadeCapture, keepsPlaces } from './cascades.js';
import { boundStatement, lockingReadQuery, referenceOf, type WritePlaceholder } from './queries.js';
import type { TableImage } from './read-image.js';
import { isForStatementToSay } from './statement-error.js';

/** An UPDATE or DELETE whose rows are those of one table. */
export type Change = UpdateStatement | DeleteStatement;

/** Where it sees that no row can match, MariaDB leaves out the (empty) result of RETURNING. */
function nothing(statement: Change): string {
  return statement.kind === 'delete' && statement.returning ? 'RAND() > 1' : 'FALSE';
}

/**
 * The condition that must stand beside the keys, if it stays. It may find fewer rows in an UPDATE than in a SELECT: MariaDB
 * takes a value that is none of an indexed TIME for 00:00:00 in the one, and for nothing in the other; MySQL joins a
 * subquery's ENUM by its text in the one, and by its number in the other. What a FLOAT is equal to depends on the index
 * that it is looked up by: there the keys alone are what the statement's own condition finds. So they are with ORDER BY on
 * MariaDB, which then finds the rows before it changes them, and only warns of what would be an error beside the keys.
 */
function besideKeys(
  { volatile, where, orderBy }: Change,
  { columns }: TableDefinition,
  server: 'mysql' | 'mariadb',
): Clause | null {
  if (volatile || (server === 'mariadb' && orderBy !== null)) return null;
  return columns.every(({ dataType }) => dataType !== 'float') ? where : null;
}

/**
 * The statement bound to the rows that were read.
 * @param keyed what the statement speaks of: the table, or as much of it as a view shows
 */
export function boundByKey(
  context: CaptureContext,
  statement: Change,
  { table: keyed, rows }: TableImage,
  table: TableDefinition = keyed,
): BoundStatement {
  const keys = rows.map((image) => image.row);
  const server = context.session.facts.dialect.server;
  const beside = besideKeys(statement, table, server);
  // A view has a condition of its own.
  const besideAnother = beside !== null || keyed !== table;
  const condition =
    keys.length === 0
      ? nothing(statement)
      : keyCondition(keyed, keys, server, referenceOf(statement.table), besideAnother);
  return (write) => boundStatement(statement, condition, write, beside);
}

/** Whether the statement may run on no other rows than those that were read. */
export function needsBinding({ session }: CaptureContext, statement: Change): boolean {
  return statement.volatile || statement.limit !== null || session.facts.weakIsolation;
}

/** Reads and locks what the statement finds. */
export function readQuery(
  { session }: CaptureContext,
  statement: Change,
  selectList: string,
  write: WritePlaceholder,
): string {
  return withEndsApart(lockingReadQuery(statement, selectList, write), session.facts.dialect);
}

/** The statement itself has the last word where our read of its rows has failed: it fails in its own words, or finds nothing. */
export function lastWord(
  verb: string,
  table: Pick<TableDefinition, 'schema' | 'name'>,
  run: RunStatement,
): (error: unknown) => Promise<'ran'> {
  return async (error) => {
    if (!isForStatementToSay(error)) throw error;
    const { matched } = await run();
    if (matched > 0) throw mismatch(verb, table, 0, matched);
    return 'ran';
  };
}

/** Follows foreign keys from the rows that the statement is about to change. */
export async function followCascades(
  context: CaptureContext,
  statement: Change,
  image: TableImage,
): Promise<CascadeCapture> {
  const cascades = new CascadeCapture(context);
  if (statement.kind === 'delete') await cascades.beforeDelete(image);
  else await cascades.beforeUpdate(image, statement.assigned);
  return cascades;
}

/** @throws GlobalTxError IMAGE_MISMATCH where the statement has matched others than the rows that were read */
export function checkMatched(statement: Change, { table, rows }: TableImage, matched: number): void {
  // A foreign key that leads back to its own table may have deleted a row before its turn came.
  const fewer =
    statement.ignore ||
    (statement.kind === 'delete' && table.cascades.some(({ onDelete }) => onDelete === 'CASCADE'));
  if (matched > rows.length || (matched < rows.length && !fewer)) {
    throw mismatch(statement.kind.toUpperCase(), table, rows.length, matched);
  }
}

/** Notes the rows that the statement has changed where they stand, or deleted. */
export function touch(
  { touched }: CaptureContext,
  statement: Change,
  table: TableDefinition,
  rows: readonly ImageRow[],
  afterwards?: readonly ImageRow[],
): void {
  const fresh = new Map(afterwards?.map((image) => [image.identity, image]));
  const keeps = statement.kind === 'update' && keepsPlaces(table, statement.assigned);
  for (const before of rows) {
    const { identity } = before;
    const after = statement.kind === 'delete' ? (statement.ignore ? undefined : null) : fresh.get(identity);
    const leaves = statement.kind === 'delete' ? null : keeps ? before : after;
    touched.add(table, { identity, before, keyed: before.row, leaves, after });
  }
}
