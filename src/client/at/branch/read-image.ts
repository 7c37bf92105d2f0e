import { reach } from '../../failpoints.js';
import type { RawResult } from '../executor.js';
import { type ImagePlan, type ImageRow, planImage, TableChanged } from '../image/plan.js';
import { StarFields } from '../image/star-fields.js';
import type { TableDefinition } from '../table/definition.js';
import type { CaptureContext } from './capture-context.js';
import type { BranchSession } from './database.js';
import { orEmptyValue } from './empty-values.js';
import { isUnknownName } from './statement-error.js';

interface TablePlans {
  readonly star: StarFields;
  readonly byResults: Map<string | undefined, ImagePlan>;
}

const plans = new WeakMap<TableDefinition, TablePlans>();

/** The plan that reads a table's rows in a session; one for each definition and character set of results. */
export function planOf(table: TableDefinition, { facts }: Pick<BranchSession, 'facts'>): ImagePlan {
  const { resultsCharset } = facts;
  let ofTable = plans.get(table);
  if (ofTable === undefined) {
    ofTable = { star: new StarFields(table), byResults: new Map() };
    plans.set(table, ofTable);
  }
  const known = ofTable.byResults.get(resultsCharset);
  if (known !== undefined) return known;
  const plan = planImage(table, resultsCharset, ofTable.star);
  ofTable.byResults.set(resultsCharset, plan);
  return plan;
}

/** Rows as they are, and the definition that they were read by. */
export interface TableImage {
  readonly table: TableDefinition;
  readonly rows: readonly ImageRow[];
}

/** The rows of an answer; undefined: the table was altered since its definition was read. */
export function decodedImage(
  { session, observe }: Pick<CaptureContext, 'session' | 'observe'>,
  table: TableDefinition,
  result: RawResult,
): TableImage | undefined {
  try {
    const rows = planOf(table, session).decode(result);
    observe?.(table, rows);
    return { table, rows };
  } catch (error) {
    if (!(error instanceof TableChanged)) throw error;
    return undefined;
  }
}

/**
 * Reads once more where something has changed the session unseen: a stored function, of the statement itself perhaps. For
 * what the local transaction keeps from being altered, so that nothing else can have changed.
 */
export async function readAsSessionIs<Rows>(
  { recheck }: BranchSession,
  read: () => Promise<Rows>,
): Promise<Rows> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof TableChanged) || recheck === undefined) throw error;
    await recheck();
    return await read();
  }
}

/** Whether what was made of the one definition, but for its columns, holds by the other. */
function hasSameRules(one: TableDefinition, other: TableDefinition): boolean {
  const rules = ({ key, uniques, expressionIndexes, triggers, parents, cascades }: TableDefinition) =>
    JSON.stringify([key, uniques, expressionIndexes, triggers, parents, cascades]);
  return rules(one) === rules(other);
}

/**
 * Reads an image; when only columns of the table were altered since its definition was read, once more with the new one.
 * @param optional as of `ImagePlan.decode`
 * @throws TableChanged when more was altered: what is asked for was made by the old definition. The new one is known then
 */
export async function readImage(
  { session, database, observe }: Pick<CaptureContext, 'session' | 'database' | 'observe'>,
  table: TableDefinition,
  query: (plan: ImagePlan, table: TableDefinition) => string,
  optional = false,
): Promise<TableImage> {
  for (let current = table, again = true; ; again = false) {
    const plan = planOf(current, session);
    reach('before', 'before-image');
    try {
      const result = await session.executor.query(query(plan, current));
      reach('after', 'before-image');
      const rows = plan.decode(result, { optional });
      observe?.(current, rows);
      return { table: current, rows };
    } catch (error) {
      const isAltered = error instanceof TableChanged || isUnknownName(error);
      if (!isAltered || !again) throw await orEmptyValue(error, current, session);
      await session.recheck?.();
      database.forgetTable(current.schema, current.name);
      const reloaded = await database.table(current.schema, current.name);
      if (reloaded === undefined) throw error;
      if (!hasSameRules(reloaded, current)) {
        throw new TableChanged(current.schema, current.name, 'it has other keys, triggers or foreign keys');
      }
      current = reloaded;
    }
  }
}
