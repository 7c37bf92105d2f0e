import { reach } from '../../failpoints.js';
import type { RawResult } from '../executor.js';
import { type ImagePlan, type ImageRow, TableChanged } from '../image/plan.js';
import { checkTable } from '../table/check.js';
import type { TableDefinition } from '../table/definition.js';
import { movedKeyColumns } from '../table/generated.js';
import {
  type CaptureContext,
  EarlyReadFailed,
  mismatch,
  type RunStatement,
  type RunTogether,
} from './capture-context.js';
import { mayCascade } from './cascades.js';
import {
  boundByKey,
  type Change,
  checkMatched,
  followCascades,
  lastWord,
  needsBinding,
  readQuery,
  touch,
} from './changed-rows.js';
import { orEmptyValue } from './empty-values.js';
import { foundAgainBy } from './found-again.js';
import { keyChangeOf } from './key-change.js';
import { NewKeys } from './new-keys.js';
import { referenceOf, type WritePlaceholder } from './queries.js';
import { planOf, readImage } from './read-image.js';
import { isForStatementToSay, isUnknownName } from './statement-error.js';

/** Whether the statement is what it is whatever rows its before image shows. */
function runsUnseen(statement: Change, table: TableDefinition): boolean {
  if (statement.kind === 'delete') return !mayCascade(table, null);
  return movedKeyColumns(table, statement.assigned).length === 0 && !mayCascade(table, statement.assigned);
}

/** The before image and the statement in one round trip. */
async function captureTogether(
  context: CaptureContext,
  statement: Change,
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
  const dropped = isUnknownName(unread);
  if (ran instanceof Error) throw dropped ? ran : (unread ?? ran);
  if (unread !== undefined)
    throw new EarlyReadFailed(dropped ? new TableChanged(table.schema, table.name, unread.message) : unread);
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

/** An UPDATE or DELETE of one table: its rows are read and locked by its own clauses before it runs. */
export async function captureChange(
  context: CaptureContext,
  statement: Change,
  known: TableDefinition,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<void> {
  const check = (table: TableDefinition) => {
    checkTable(table, statement.kind);
  };
  check(known);
  const reference = referenceOf(statement.table);
  const bind = needsBinding(context, statement);
  const together = bind || !runsUnseen(statement, known) ? undefined : context.together?.(known);
  if (together !== undefined) return captureTogether(context, statement, known, write, together);
  const itself = lastWord(statement.kind.toUpperCase(), known, run);
  const image = await readImage(context, known, (plan) =>
    readQuery(context, statement, plan.selectList(reference), write),
  ).catch(itself);
  if (image === 'ran') return;
  const { table, rows } = image;
  if (table !== known) check(table);
  const cascades = await followCascades(context, statement, image);
  const newKeys =
    statement.kind === 'update' && movedKeyColumns(table, statement.assigned).length > 0
      ? await NewKeys.read(context, keyChangeOf(context, statement), { table, rows }, write).catch(itself)
      : undefined;
  if (newKeys === 'ran') return;
  const bound = bind ? boundByKey(context, statement, image) : undefined;
  const counts = await run(bound);
  // An UPDATE in strict mode may find nothing where a SELECT does: MariaDB reads '' as a zero date there.
  if (counts.matched === 0) return;
  checkMatched(statement, image, counts.matched);
  const moved = newKeys === undefined ? [] : await newKeys.find(rows);
  if (moved === undefined) throw mismatch('UPDATE of the key', table, rows.length, counts.matched);
  touch(context, statement, table, rows);
  for (const { image, before } of moved) {
    context.touched.add(table, { identity: image.identity, before, keyed: image.row });
  }
  await cascades.afterUpdate([{ table, rows: moved.map(({ image }) => image) }]);
}
