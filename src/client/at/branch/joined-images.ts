import { keyCondition } from '../image/key-condition.js';
import { type ImageRow, TableChanged } from '../image/plan.js';
import type { JoinedDeleteStatement, JoinedTable, JoinedUpdateStatement } from '../sql/analysis.js';
import { checkTable } from '../table/check.js';
import type { TableDefinition } from '../table/definition.js';
import type { BoundStatement, CaptureContext } from './capture-context.js';
import { type BaseTable, type JoinedTarget, movesKeys } from './joined-targets.js';
import { readTuples, type Tuple, tuplesCondition } from './joined-tuples.js';
import {
  boundJoin,
  joinedReadQuery,
  keyReference,
  referenceOf,
  replacedJoin,
  type WritePlaceholder,
} from './queries.js';
import { readAsSessionIs, readImage } from './read-image.js';
import { mayFindOthers } from './wandering-joins.js';

export type JoinedStatement = JoinedUpdateStatement | JoinedDeleteStatement;

/** A target with the rows of it that the join finds, each once. */
export interface TargetImage {
  readonly target: JoinedTarget;
  readonly table: TableDefinition;
  readonly rows: readonly ImageRow[];
}

export interface TargetImages {
  readonly images: readonly TargetImage[];
  /** To be run in the place of the application's statement, if need be. */
  readonly bound: BoundStatement | undefined;
  /** All that the join has found, where the statement is held to that. */
  readonly tuples: readonly Tuple[] | undefined;
}

/** The rows of every target that a join finds. */
export function readJoined(
  context: CaptureContext,
  statement: JoinedStatement,
  tables: readonly BaseTable[],
  targets: readonly JoinedTarget[],
  write: WritePlaceholder,
): Promise<TargetImages> {
  const isUpdate = statement.kind === 'joinedUpdate';
  const wanders = isUpdate && mayFindOthers(statement, targets);
  const bind = statement.volatile || context.session.facts.weakIsolation || wanders;
  // Which rows a key is joined to may say what it becomes.
  const together = isUpdate && bind && targets.some(movesKeys);
  return statement.changing || together
    ? readAtOnce(context, statement, tables, targets, write)
    : readEach(context, statement, targets, write, bind);
}

/** What becomes of the targets' rows. */
export function changeOf({ kind }: JoinedStatement): 'update' | 'delete' {
  return kind === 'joinedUpdate' ? 'update' : 'delete';
}

/** By a reading for each. */
async function readEach(
  context: CaptureContext,
  statement: JoinedStatement,
  targets: readonly JoinedTarget[],
  write: WritePlaceholder,
  bind: boolean,
): Promise<TargetImages> {
  const images: TargetImage[] = [];
  for (const target of targets) images.push(await readTarget(context, statement, target, write));
  return { images, bound: bind ? byKeys(context, statement, images) : undefined, tuples: undefined };
}

/** By one reading, where a second one could find others. */
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
      // The statement is captured once more, and not for each table that somebody has altered.
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
  const bound: BoundStatement = (placeholder) =>
    statement.changing
      ? replacedJoin(statement, condition, placeholder)
      : boundJoin(statement, [`(${condition})`], placeholder);
  return { images, bound, tuples };
}

/** A join gives a row once for every row that it is joined to. */
function distinct(rows: readonly ImageRow[]): readonly ImageRow[] {
  return Array.from(new Map(rows.map((image) => [image.identity, image])).values());
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
  if (table !== target.table) checkTable(table, changeOf(statement));
  return { target, table, rows: distinct(rows) };
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
