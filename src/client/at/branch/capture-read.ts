import { GlobalTxError } from '../../../protocol/errors.js';
import { reach } from '../../failpoints.js';
import { keyCondition } from '../image/key-condition.js';
import type { ImagePlan } from '../image/plan.js';
import type { LockingReadStatement } from '../sql/analysis.js';
import type { TableDefinition } from '../table/definition.js';
import { isView, type Relation, type ViewDefinition } from '../table/view.js';
import {
  type BoundStatement,
  type CaptureContext,
  mismatch,
  type ReadLocks,
  type RunStatement,
  type RunWithRead,
  type StatementCounts,
} from './capture-context.js';
import {
  boundStatement,
  holdingQuery,
  lockingReadQuery,
  referenceOf,
  type WritePlaceholder,
} from './queries.js';
import { decodedImage, planOf, readImage, type TableImage } from './read-image.js';
import { readThrough, withView } from './view-rows.js';

/** To which NOWAIT can be added. */
const PLAIN_LOCK = /^\s*FOR\s+UPDATE\s*$/i;

/** A locking read: the rows that it returns are to be locked at the coordinator too. */
export async function captureRead(
  context: CaptureContext,
  statement: LockingReadStatement,
  known: Relation,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<ReadLocks> {
  const reference = referenceOf(statement.table);
  const query = (plan: ImagePlan) => lockingReadQuery(statement, plan.selectList(reference), write);
  // Once the read has run nothing can be refused any more.
  if (isView(known))
    await readKeys(context, known, (plan) => holdingQuery(statement, plan.selectList(reference), write));
  const read = () => (isView(known) ? readKeys(context, known, query) : readImage(context, known, query));
  if (choosesAnew(context, statement)) {
    const image = await read();
    await run(bound(context, statement, image));
    return locksOf(statement, image);
  }
  // The application's read comes first: the rows that it returns are then locked in the database, and the
  // read of their keys meets the same rows.
  const behind = meetsTheSame(context, statement) ? context.behind : undefined;
  const { counts, image } =
    behind === undefined || isView(known)
      ? { counts: await run(), image: await read() }
      : await together(context, statement, known, write, behind, read);
  if (statement.volatile && counts.matched !== image.rows.length) {
    throw mismatch('SELECT', image.table, image.rows.length, counts.matched);
  }
  return locksOf(statement, image);
}

/** The keys of a view's rows are those of its table: they name the same locks. */
function readKeys(
  context: CaptureContext,
  found: ViewDefinition,
  query: (plan: ImagePlan) => string,
): Promise<TableImage> {
  return withView(context, found, async (view) => {
    const image = await readThrough(context, view, query);
    context.observe?.(image.table, image.rows);
    return image;
  });
}

/** Whether the read of the keys finds every row that it meets locked by the application's read: it need never wait. */
function meetsTheSame({ session }: CaptureContext, { lock }: LockingReadStatement): boolean {
  return !session.facts.weakIsolation && PLAIN_LOCK.test(lock.text);
}

/** Both in one round trip. Where the application's read has failed the other must not wait as long once more. */
async function together(
  context: CaptureContext,
  statement: LockingReadStatement,
  table: TableDefinition,
  write: WritePlaceholder,
  behind: RunWithRead,
  read: () => Promise<TableImage>,
): Promise<{ readonly counts: StatementCounts; readonly image: TableImage }> {
  const list = planOf(table, context.session).selectList(referenceOf(statement.table));
  reach('before', 'before-image');
  const { ran, after } = await behind(`${lockingReadQuery(statement, list, write)} NOWAIT`);
  reach('after', 'before-image');
  if (ran instanceof Error) throw ran;
  const image = after instanceof Error ? undefined : decodedImage(context, table, after);
  return { counts: ran, image: image ?? (await read()) };
}

function locksOf({ mode }: LockingReadStatement, { table, rows }: TableImage): ReadLocks {
  return { table, mode, identities: rows.map((image) => image.identity) };
}

/**
 * Whether a second reading may give other rows in place of the first one's, and not only more: with RAND() and its
 * like, and with LIMIT, when a row before them has become free or has been inserted in the meantime.
 */
function choosesAnew(context: CaptureContext, statement: LockingReadStatement): boolean {
  const { limit, changing, skipLocked, offset } = statement;
  if (limit === null) return changing;
  if (!changing && !skipLocked && !context.session.facts.weakIsolation) return false;
  if (!offset) return true;
  throw new GlobalTxError(
    'STATEMENT_UNSUPPORTED',
    'A locking read that skips rows by OFFSET is not supported inside a global transaction with SKIP LOCKED, with RAND() ' +
      'and its like, or under READ COMMITTED: which rows it has skipped cannot be told. Leave OFFSET out.',
    { construct: 'LIMIT with OFFSET' },
  );
}

/** The application's read of the rows whose keys have been read, and locked, before. */
function bound(
  context: CaptureContext,
  statement: LockingReadStatement,
  { table, rows }: TableImage,
): BoundStatement {
  const keys = rows.map((image) => image.row);
  const server = context.session.facts.dialect.server;
  const condition = keyCondition(table, keys, server, referenceOf(statement.table));
  return (write) => boundStatement(statement, condition, write);
}
