import type { ImageRow } from '../image/plan.js';
import { checkTable } from '../table/check.js';
import { type CaptureContext, mismatch, type RunStatement } from './capture-context.js';
import { CascadeCapture } from './cascades.js';
import { lastWord } from './changed-rows.js';
import {
  changeOf,
  type JoinedStatement,
  readJoined,
  type TargetImage,
  type TargetImages,
} from './joined-images.js';
import { joinedKeyChange, refuseMovedTwice, refuseReached, refuseRepeated } from './joined-key-change.js';
import { type BaseTable, type JoinedTarget, movesKeys, targetsOf } from './joined-targets.js';
import { runWithoutTable, tableOf } from './named-table.js';
import { NewKeys } from './new-keys.js';
import type { WritePlaceholder } from './queries.js';
import type { TableImage } from './read-image.js';

/** An UPDATE or DELETE over a join: the rows of every table that it writes are read and locked by the same join. */
export async function captureJoined(
  context: CaptureContext,
  statement: JoinedStatement,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<void> {
  const tables: BaseTable[] = [];
  for (const named of statement.tables) {
    if (named.derived) continue;
    const table = await tableOf(context, named);
    if (table === undefined) return runWithoutTable(named.name, run);
    tables.push({ named, table });
  }
  const targets = targetsOf(statement, tables);
  for (const { table } of targets) checkTable(table, changeOf(statement));
  const moves = statement.kind === 'joinedUpdate' && targets.some(movesKeys);
  if (moves) refuseMovedTwice(targets);
  const verb = changeOf(statement).toUpperCase();
  const itself = lastWord(verb, targets[0]!.table, run);
  const read = await readJoined(context, statement, tables, targets, write).catch(itself);
  if (read === 'ran') return;
  const { images, bound } = read;
  const cascades = new CascadeCapture(context);
  for (const image of images) {
    if (statement.kind === 'joinedDelete') await cascades.beforeDelete(image);
    else await cascades.beforeUpdate(image, image.target.assigned);
  }
  if (moves) refuseReached(targets, tables, (table) => cascades.reaches(table));
  const moving = await readNewKeys(context, statement, tables, read, write).catch(itself);
  if (moving === 'ran') return;
  const counts = await run(bound);
  // As in an UPDATE of one table: see captureChange.
  if (counts.matched === 0) return;
  const count = images.reduce((sum, { rows }) => sum + rows.length, 0);
  if (counts.matched > count || (counts.matched < count && !mayBeFewer(statement, images)))
    throw mismatch(verb, images[0]!.table, count, counts.matched);
  for (const { table, rows } of images) {
    for (const image of rows) {
      context.touched.add(table, { identity: image.identity, before: image, keyed: image.row });
    }
  }
  await cascades.afterUpdate(await touchMoved(context, moving));
}

/** IGNORE leaves rows out; a foreign key, or another target that is the same table, may have deleted one before its turn. */
function mayBeFewer(statement: JoinedStatement, images: readonly TargetImage[]): boolean {
  if (statement.ignore) return true;
  if (statement.kind !== 'joinedDelete') return false;
  const names = images.map(({ table }) => `${table.schema}\0${table.name}`);
  return (
    new Set(names).size < names.length ||
    images.some(({ table }) => table.cascades.some(({ onDelete }) => onDelete === 'CASCADE'))
  );
}

/** Rows of a target that get other keys. */
interface Moving {
  readonly image: TargetImage;
  readonly newKeys: NewKeys;
}

async function readNewKeys(
  context: CaptureContext,
  statement: JoinedStatement,
  tables: readonly BaseTable[],
  { images, tuples }: TargetImages,
  write: WritePlaceholder,
): Promise<readonly Moving[]> {
  if (statement.kind !== 'joinedUpdate') return [];
  const targets: JoinedTarget[] = images.map(({ target, table }) => ({ ...target, table }));
  const join = { statement, tables, targets, tuples };
  refuseRepeated(join);
  const moving: Moving[] = [];
  for (const [at, image] of images.entries()) {
    const target = targets[at]!;
    if (!movesKeys(target)) continue;
    const change = joinedKeyChange(context, join, target);
    moving.push({ image, newKeys: await NewKeys.read(context, change, image, write) });
  }
  return moving;
}

/** Finds the moved rows where they are now. */
async function touchMoved(
  context: CaptureContext,
  moving: readonly Moving[],
): Promise<readonly TableImage[]> {
  const all: TableImage[] = [];
  for (const { image, newKeys } of moving) {
    const { table, rows } = image;
    const moved = await newKeys.find(rows);
    if (moved === undefined) throw mismatch('UPDATE of the key', table, rows.length, 0);
    const now: ImageRow[] = [];
    for (const { image, before } of moved) {
      context.touched.add(table, { identity: image.identity, before, keyed: image.row });
      now.push(image);
    }
    all.push({ table, rows: now });
  }
  return all;
}
