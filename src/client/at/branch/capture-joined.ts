import { keyCondition } from '../image/key-condition.js';
import { type ImageRow, TableChanged } from '../image/plan.js';
import type { JoinedDeleteStatement, JoinedTable, JoinedUpdateStatement } from '../sql/analysis.js';
import { checkTable } from '../table/check.js';
import type { TableDefinition } from '../table/definition.js';
import { refuseKeyChange } from './capture-change.js';
import { type BoundStatement, type CaptureContext, mismatch, type RunStatement } from './capture-context.js';
import { CascadeCapture } from './cascades.js';
import { type BaseTable, type JoinedTarget, targetsOf } from './joined-targets.js';
import { readTuples, tuplesCondition } from './joined-tuples.js';
import { runWithoutTable, tableOf } from './named-table.js';
import {
  boundJoin,
  joinedReadQuery,
  keyReference,
  referenceOf,
  replacedJoin,
  type WritePlaceholder,
} from './queries.js';
import { readAsSessionIs, readImage } from './read-image.js';
import { isForStatementToSay } from './statement-error.js';
import { mayFindOthers } from './wandering-joins.js';

type JoinedStatement = JoinedUpdateStatement | JoinedDeleteStatement;

/** A target with the rows of it that the join finds, each once. */
interface TargetImage {
  readonly target: JoinedTarget;
  readonly table: TableDefinition;
  readonly rows: readonly ImageRow[];
}

interface TargetImages {
  readonly images: readonly TargetImage[];
  readonly bound: BoundStatement | undefined;
}

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
  for (const { table, assigned } of targets) check(statement, table, assigned);
  const reading = statement.changing
    ? readAtOnce(context, statement, tables, targets, write)
    : readEach(context, statement, targets, write);
  const read = await reading.catch(async (error: unknown) => {
    if (!isForStatementToSay(error)) throw error;
    const { matched } = await run();
    if (matched > 0) throw mismatch(verbOf(statement), targets[0]!.table, 0, matched);
    return undefined;
  });
  if (read === undefined) return;
  const { images, bound } = read;
  const cascades = new CascadeCapture(context);
  for (const image of images) {
    if (statement.kind === 'joinedDelete') await cascades.beforeDelete(image);
    else await cascades.beforeUpdate(image, image.target.assigned);
  }
  const counts = await run(bound);
  // As in an UPDATE of one table: see captureChange.
  if (counts.matched === 0) return;
  const count = images.reduce((sum, { rows }) => sum + rows.length, 0);
  if (counts.matched > count || (counts.matched < count && !mayBeFewer(statement, images)))
    throw mismatch(verbOf(statement), images[0]!.table, count, counts.matched);
  for (const { table, rows } of images) {
    for (const image of rows) {
      context.touched.add(table, { identity: image.identity, before: image, keyed: image.row });
    }
  }
  await cascades.afterUpdate({ table: images[0]!.table, rows: [] });
}

function verbOf({ kind }: JoinedStatement): string {
  return kind === 'joinedUpdate' ? 'UPDATE' : 'DELETE';
}

/** The rows of each target, by a reading for each, and the statement to run in the place of the application's, if any. */
async function readEach(
  context: CaptureContext,
  statement: JoinedStatement,
  targets: readonly JoinedTarget[],
  write: WritePlaceholder,
): Promise<TargetImages> {
  const images: TargetImage[] = [];
  for (const target of targets) images.push(await readTarget(context, statement, target, write));
  const wanders = statement.kind === 'joinedUpdate' && mayFindOthers(statement, targets);
  const bind = statement.volatile || context.session.facts.weakIsolation || wanders;
  return { images, bound: bind ? byKeys(context, statement, images) : undefined };
}

/** The same by one reading, because a second one would find others. */
async function readAtOnce(
  context: CaptureContext,
  statement: JoinedStatement,
  tables: readonly BaseTable[],
  targets: readonly JoinedTarget[],
  write: WritePlaceholder,
): Promise<TargetImages> {
  const read = () => readTuples(context, statement, tables, write);
  const tuples = await readAsSessionIs(context.session, read).catch((error: unknown) => {
    if (error instanceof TableChanged) {
      for (const { table } of tables) context.database.forgetTable(table.schema, table.name);
    }
    throw error;
  });
  const images = targets.map((target) => {
    const at = tables.findIndex(({ named }) => named === target.named);
    const rows = tuples.flatMap((tuple) => tuple[at] ?? []);
    return { target, table: target.table, rows: distinct(rows) };
  });
  const condition = tuplesCondition(context, tables, tuples);
  return { images, bound: (placeholder) => replacedJoin(statement, condition, placeholder) };
}

/** A join gives a row once for every row that it is joined to. */
function distinct(rows: readonly ImageRow[]): readonly ImageRow[] {
  return Array.from(new Map(rows.map((image) => [image.identity, image])).values());
}

function check(statement: JoinedStatement, table: TableDefinition, assigned: readonly string[]): void {
  if (statement.kind === 'joinedDelete') {
    checkTable(table, 'delete');
    return;
  }
  checkTable(table, 'update');
  refuseKeyChange(table, assigned);
}

async function readTarget(
  context: CaptureContext,
  statement: JoinedStatement,
  target: JoinedTarget,
  write: WritePlaceholder,
): Promise<TargetImage> {
  const reference = referenceOf(target.named);
  const { table, rows } = await readImage(
    context,
    target.table,
    (plan, current) =>
      joinedReadQuery(statement, plan.selectList(reference), keyReference(current, reference), write),
    target.named.optional,
  );
  if (table !== target.table) check(statement, table, target.assigned);
  return { target, table, rows: distinct(rows) };
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

function byKeys(
  context: CaptureContext,
  statement: JoinedStatement,
  images: readonly TargetImage[],
): BoundStatement {
  const server = context.session.facts.dialect.server;
  const conditions = images.map(({ target, table, rows }) => {
    const reference = referenceOf(target.named);
    const keys = keyCondition(
      table,
      rows.map((image) => image.row),
      server,
      reference,
      true,
    );
    return optionally(target.named, table, reference, keys);
  });
  return (write) => boundJoin(statement, conditions, write);
}

/** Where an outer join has no row there is no key. `IS NULL` would also find the zero date. */
function optionally(
  named: JoinedTable,
  table: TableDefinition,
  reference: string,
  condition: string,
): string {
  return named.optional ? `(${keyReference(table, reference)} <=> NULL OR ${condition})` : condition;
}
