import { GlobalTxError } from '../../../protocol/errors.js';
import type { SqlDialect, SqlExecutor } from '../executor.js';
import { cascadeInTheWay } from './cascade.js';
import { checkParents, isDetachable, withoutForeignKeys } from './detach.js';
import { splitLongLiterals } from './long-literals.js';
import { batchSteps, type Step, takeOutAndPutBack } from './plan.js';
import { ER_DUP_ENTRY, errorNumber, isKeyInTheWay } from './server-error.js';
import { batchSql, TAKE_BACK } from './step-sql.js';

type ServerKind = SqlDialect['server'];

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
  /** Steps that met a duplicate key. */
  readonly blocked: ReadonlySet<Step>;
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
    if (batch.length > 1 && batch[0]!.kind === 'update') await executor.query(TAKE_BACK);
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
  const blocked = new Set<Step>();
  for (const batch of batches) {
    const obstacle = await attempt(executor, batch, server);
    if (obstacle === undefined) {
      progress = true;
      continue;
    }
    const step = batch[0]!;
    reason = obstacle;
    if (errorNumber(obstacle) === ER_DUP_ENTRY) blocked.add(step);
    if (batch.length > 1) progress = true;
    left.push(...batch.map((member) => [member]));
  }
  return { left, progress, reason, blocked };
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
  let detached = false;
  while (batches.length > 0) {
    const { left, progress, reason, blocked } = await oneRound(executor, batches, server);
    if (left.length > 0 && !progress) {
      const next = await breakCircle(executor, left, blocked, server);
      if (next === undefined) throw reason;
      batches = next;
      detached = true;
    } else {
      // The other way round: a chain of values that was met from its wrong end is then met from the right one.
      batches = left.slice().reverse();
    }
  }
  if (detached) await checkParents(executor, steps, server);
}

/**
 * Carries out one of the steps that wait for each other. Foreign keys must neither refuse it nor cascade: whatever they
 * would reach comes back with the other steps, or this is not done at all.
 * @returns the steps that are left; undefined when there is none that can be carried out
 */
async function breakCircle(
  executor: SqlExecutor,
  left: readonly (readonly Step[])[],
  blocked: ReadonlySet<Step>,
  server: ServerKind,
): Promise<readonly (readonly Step[])[] | undefined> {
  const steps = left.flat();
  const stuck = new Set(blocked);
  const without = (step: Step) => left.filter(([other]) => other !== step);
  for (const step of steps) {
    if (blocked.has(step) || !(await isDetachable(executor, step, steps, server))) continue;
    if (await runDetached(executor, step, server)) return without(step);
    stuck.add(step);
  }
  for (const step of stuck) {
    if (step.kind !== 'update') continue;
    const [out, back] = takeOutAndPutBack(step);
    const others = [...steps.filter((other) => other !== step), back];
    if (!(await isDetachable(executor, out, others, server))) continue;
    if (await runDetached(executor, out, server)) return [...without(step), [back]];
  }
  return undefined;
}

/** @returns whether nothing else was in its way */
async function runDetached(executor: SqlExecutor, step: Step, server: ServerKind): Promise<boolean> {
  try {
    await withoutForeignKeys(executor, () => run(executor, [step], server));
    return true;
  } catch (error) {
    if (!isKeyInTheWay(error)) throw error;
    return false;
  }
}
