import { GlobalTxError } from '../../../protocol/errors.js';
import type { SqlDialect, SqlExecutor } from '../executor.js';
import { changedColumns } from '../image/row-equality.js';
import type { TableDefinition } from '../table/definition.js';
import { textLiteral } from '../table/information-schema.js';
import { cascadeInTheWay } from './cascade.js';
import { splitLongLiterals } from './long-literals.js';
import { batchSteps, type Step, takeOutAndPutBack } from './plan.js';
import { ER_DUP_ENTRY, errorNumber, isKeyInTheWay } from './server-error.js';
import { batchSql } from './step-sql.js';

type ServerKind = SqlDialect['server'];
type Update = Extract<Step, { kind: 'update' }>;

async function run(executor: SqlExecutor, batch: readonly Step[], server: ServerKind): Promise<void> {
  const { before, sql, after } = splitLongLiterals(batchSql(batch, server));
  for (const statement of before) await executor.query(statement);
  const { affectedRows } = await executor.query(sql);
  for (const statement of after) await executor.query(statement);
  if (affectedRows === batch.length) return;
  const { kind, table } = batch[0]!;
  throw new GlobalTxError(
    'COMPENSATION_REFUSED',
    `The ${kind} that restores rows of ${table.schema}.${table.name} affected ${affectedRows} rows, not ` +
      `${batch.length}.`,
  );
}

/** What a round could not do yet, and the last reason for it. */
interface Round {
  readonly left: readonly (readonly Step[])[];
  readonly progress: boolean;
  readonly reason: unknown;
  /** An update that met a duplicate key. */
  readonly blocked: Update | undefined;
}

/** @returns what stands in the way of the batch, if it is something that another step may clear */
async function attempt(executor: SqlExecutor, batch: readonly Step[], server: ServerKind): Promise<unknown> {
  const cascade = await cascadeInTheWay(executor, batch, server);
  if (cascade !== undefined) return cascade;
  try {
    await run(executor, batch, server);
    return undefined;
  } catch (error) {
    if (!isKeyInTheWay(error)) throw error;
    return error;
  }
}

async function oneRound(
  executor: SqlExecutor,
  batches: readonly (readonly Step[])[],
  server: ServerKind,
): Promise<Round> {
  const left: (readonly Step[])[] = [];
  let progress = false;
  let reason: unknown;
  let blocked: Update | undefined;
  for (const batch of batches) {
    const obstacle = await attempt(executor, batch, server);
    if (obstacle === undefined) {
      progress = true;
      continue;
    }
    const step = batch[0]!;
    reason = obstacle;
    if (step.kind === 'update' && errorNumber(obstacle) === ER_DUP_ENTRY) blocked ??= step;
    if (batch.length > 1) progress = true;
    left.push(...batch.map((member) => [member]));
  }
  return { left, progress, reason, blocked };
}

/** Columns of a table that foreign keys refer to. */
async function referencedColumns(
  executor: SqlExecutor,
  table: TableDefinition,
): Promise<ReadonlySet<string>> {
  const { rows } = await executor.query(
    'SELECT DISTINCT REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE ' +
      `WHERE REFERENCED_TABLE_SCHEMA = ${textLiteral(table.schema)} ` +
      `AND REFERENCED_TABLE_NAME = ${textLiteral(table.name)}`,
  );
  return new Set(rows.map(([name]) => String(name)));
}

/**
 * Takes a row out of a circle. Foreign keys that refer to it must neither refuse nor cascade: the row comes
 * back with the columns that they refer to unchanged, or this is not done at all.
 * @returns whether it could be done
 */
async function takeOut(
  executor: SqlExecutor,
  out: Step,
  update: Update,
  server: ServerKind,
): Promise<boolean> {
  const { table, present, target } = update;
  const referenced = await referencedColumns(executor, table);
  const changed = changedColumns(present, target).map((position) => table.columns[position]!.name);
  if (changed.some((name) => referenced.has(name))) return false;
  await executor.query('SET SESSION foreign_key_checks = 0');
  try {
    await run(executor, [out], server);
  } finally {
    await executor.query('SET SESSION foreign_key_checks = 1');
  }
  return true;
}

/**
 * Carries out the steps inside the local transaction. A step that meets a unique or foreign key waits until
 * the others have been tried: the database is the judge, because it alone knows its collations and foreign
 * keys. (A statement that fails is undone by itself; the transaction goes on.)
 * @throws the server's error when no order of the steps is accepted; GlobalTxError COMPENSATION_REFUSED
 */
export async function applySteps(
  executor: SqlExecutor,
  steps: readonly Step[],
  server: ServerKind,
): Promise<void> {
  let batches = batchSteps(steps);
  while (batches.length > 0) {
    const { left, progress, reason, blocked } = await oneRound(executor, batches, server);
    if (left.length > 0 && !progress) {
      if (blocked === undefined) throw reason;
      const [out, back] = takeOutAndPutBack(blocked);
      if (!(await takeOut(executor, out, blocked, server))) throw reason;
      batches = [...left.filter(([step]) => step !== blocked), [back]];
    } else {
      // The other way round: a chain of values that was met from its wrong end is then met from the right one.
      batches = left.slice().reverse();
    }
  }
}
