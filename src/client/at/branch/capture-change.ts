import { GlobalTxError } from '../../../protocol/errors.js';
import { reach } from '../../failpoints.js';
import type { RawResult } from '../executor.js';
import { keyCondition } from '../image/key-condition.js';
import { type ImagePlan, type ImageRow, TableChanged } from '../image/plan.js';
import type { Clause, DeleteStatement, UpdateStatement } from '../sql/analysis.js';
import { withEndsApart } from '../sql/ends-apart.js';
import { checkTable } from '../table/check.js';
import type { TableDefinition } from '../table/definition.js';
import { movedKeyColumns } from '../table/generated.js';
import {
  type BoundStatement,
  type CaptureContext,
  EarlyReadFailed,
  mismatch,
  type RunStatement,
  type RunTogether,
} from './capture-context.js';
import { CascadeCapture, keepsPlaces, mayCascade } from './cascades.js';
import { orEmptyValue } from './empty-values.js';
import { foundAgainBy } from './found-again.js';
import { NewKeys } from './new-keys.js';
import { boundStatement, lockingReadQuery, referenceOf, type WritePlaceholder } from './queries.js';
import { planOf, readImage } from './read-image.js';
import { isForStatementToSay } from './statement-error.js';

/** Changing a key moves the row away from its image; ON UPDATE and generated columns do so by themselves. */
export function refuseKeyChange(table: TableDefinition, assigned: readonly string[]): void {
  const changed = movedKeyColumns(table, assigned)[0]?.name;
  if (changed === undefined) return;
  throw new GlobalTxError(
    'STATEMENT_UNSUPPORTED',
    `UPDATE changes \`${changed}\`, a column of the key of ${table.schema}.${table.name}, which is not supported ` +
      'inside a global transaction. Delete the row and insert it under its new key.',
    { construct: `UPDATE of the key column \`${changed}\`` },
  );
}

/** Where it sees that no row can match, MariaDB leaves out the (empty) result of RETURNING. */
function nothing(statement: UpdateStatement | DeleteStatement): string {
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
  { volatile, where, orderBy }: UpdateStatement | DeleteStatement,
  { columns }: TableDefinition,
  server: 'mysql' | 'mariadb',
): Clause | null {
  if (volatile || (server === 'mariadb' && orderBy !== null)) return null;
  return columns.every(({ dataType }) => dataType !== 'float') ? where : null;
}

function boundByKey(
  context: CaptureContext,
  statement: UpdateStatement | DeleteStatement,
  table: TableDefinition,
  rows: readonly ImageRow[],
): BoundStatement {
  const keys = rows.map((image) => image.row);
  const server = context.session.facts.dialect.server;
  const beside = besideKeys(statement, table, server);
  const condition =
    keys.length === 0
      ? nothing(statement)
      : keyCondition(table, keys, server, referenceOf(statement.table), beside !== null);
  return (write) => boundStatement(statement, condition, write, beside);
}

/** Whether the statement is what it is whatever rows its before image shows. */
function runsUnseen(statement: UpdateStatement | DeleteStatement, table: TableDefinition): boolean {
  if (statement.kind === 'delete') return !mayCascade(table, null);
  return movedKeyColumns(table, statement.assigned).length === 0 && !mayCascade(table, statement.assigned);
}

/** Reads and locks what the statement finds. */
function readQuery(
  { session }: CaptureContext,
  statement: UpdateStatement | DeleteStatement,
  selectList: string,
  write: WritePlaceholder,
): string {
  return withEndsApart(lockingReadQuery(statement, selectList, write), session.facts.dialect);
}

/** The before image and the statement in one round trip. */
async function captureTogether(
  context: CaptureContext,
  statement: UpdateStatement | DeleteStatement,
  table: TableDefinition,
  write: WritePlaceholder,
  run: RunTogether,
): Promise<void> {
  const plan = planOf(table, context.session);
  reach('before', 'before-image');
  const reference = referenceOf(statement.table);
  const again = statement.kind === 'update' ? foundAgainBy(statement, table) : undefined;
  const answers = await run(
    readQuery(context, statement, plan.selectList(reference), write),
    again && readQuery(context, { ...statement, where: again }, plan.repeatedList(reference), write),
  );
  reach('after', 'before-image');
  const { ran, after } = answers;
  const before =
    answers.before instanceof Error
      ? await orEmptyValue(answers.before, table, context.session)
      : answers.before;
  // Of two errors the first is the cause, unless the read was only stricter than the statement is.
  const unread = before instanceof Error && !isForStatementToSay(before) ? before : undefined;
  if (ran instanceof Error) throw unread ?? ran;
  if (unread !== undefined) throw new EarlyReadFailed(unread);
  const { matched } = ran;
  if (matched === 0) return;
  if (before instanceof Error) throw mismatch(statement.kind.toUpperCase(), table, 0, matched);
  let rows: readonly ImageRow[];
  try {
    rows = plan.decode(before);
  } catch (error) {
    throw new EarlyReadFailed(error);
  }
  if (matched > rows.length || (matched < rows.length && !statement.ignore)) {
    throw mismatch(statement.kind.toUpperCase(), table, rows.length, matched);
  }
  if (after instanceof Error) throw after;
  touch(context, statement, table, rows, after && (await reread(context, plan, after)));
}

/** @returns undefined where the statement has changed the session unseen: the rows are then read at the local commit */
async function reread(
  { session }: CaptureContext,
  plan: ImagePlan,
  after: RawResult,
): Promise<readonly ImageRow[] | undefined> {
  try {
    return plan.decode(after, { repeated: true });
  } catch (error) {
    if (!(error instanceof TableChanged)) throw error;
    await session.recheck?.();
    return undefined;
  }
}

/** Notes the rows that the statement has changed where they stand, or deleted. */
function touch(
  { touched }: CaptureContext,
  statement: UpdateStatement | DeleteStatement,
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

/** An UPDATE or DELETE of one table: its rows are read and locked by its own clauses before it runs. */
export async function captureChange(
  context: CaptureContext,
  statement: UpdateStatement | DeleteStatement,
  known: TableDefinition,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<void> {
  const check = (table: TableDefinition) => {
    checkTable(table, statement.kind);
  };
  check(known);
  const reference = referenceOf(statement.table);
  const bind = statement.volatile || statement.limit !== null || context.session.facts.weakIsolation;
  const together = bind || !runsUnseen(statement, known) ? undefined : context.together?.(known);
  if (together !== undefined) return captureTogether(context, statement, known, write, together);
  // The statement itself has the last word: it fails in its own words, or finds nothing.
  const itself = async (error: unknown): Promise<'ran'> => {
    if (!isForStatementToSay(error)) throw error;
    const { matched } = await run();
    if (matched > 0) throw mismatch(statement.kind.toUpperCase(), known, 0, matched);
    return 'ran';
  };
  const image = await readImage(context, known, (plan) =>
    readQuery(context, statement, plan.selectList(reference), write),
  ).catch(itself);
  if (image === 'ran') return;
  const { table, rows } = image;
  if (table !== known) check(table);
  const cascades = new CascadeCapture(context);
  if (statement.kind === 'delete') await cascades.beforeDelete({ table, rows });
  else await cascades.beforeUpdate({ table, rows }, statement.assigned);
  const newKeys =
    statement.kind === 'update' && movedKeyColumns(table, statement.assigned).length > 0
      ? await NewKeys.read(context, statement, { table, rows }, write).catch(itself)
      : undefined;
  if (newKeys === 'ran') return;
  const counts = await run(bind ? boundByKey(context, statement, table, rows) : undefined);
  // An UPDATE in strict mode may find nothing where a SELECT does: MariaDB reads '' as a zero date there.
  if (counts.matched === 0) return;
  // A foreign key that leads back to its own table may have deleted a row before its turn came.
  const fewer =
    statement.ignore ||
    (statement.kind === 'delete' && table.cascades.some(({ onDelete }) => onDelete === 'CASCADE'));
  if (counts.matched > rows.length || (counts.matched < rows.length && !fewer)) {
    throw mismatch(statement.kind.toUpperCase(), table, rows.length, counts.matched);
  }
  const moved = newKeys === undefined ? [] : await newKeys.find(rows);
  if (moved === undefined) throw mismatch('UPDATE of the key', table, rows.length, counts.matched);
  touch(context, statement, table, rows);
  for (const { image, before } of moved) {
    context.touched.add(table, { identity: image.identity, before, keyed: image.row });
  }
  await cascades.afterUpdate({ table, rows: moved.map(({ image }) => image) });
}
