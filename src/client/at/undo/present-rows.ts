import type { SqlDialect, SqlExecutor } from '../executor.js';
import { KEYS_PER_QUERY, keyCondition, keyIndexHint } from '../image/key-condition.js';
import { planImage } from '../image/plan.js';
import type { Row } from '../image/row.js';
import type { TableDefinition } from '../table/definition.js';
import { qualifiedName } from './ddl.js';

/**
 * Reads the rows of a table that have the keys of the given rows, as they are now.
 * @param lock reads the newest version and locks it; without, what a consistent read shows
 * @throws TableChanged when the table is not what its definition says
 */
export async function readPresentRows(
  executor: SqlExecutor,
  table: TableDefinition,
  keys: readonly Row[],
  server: SqlDialect['server'],
  lock: boolean,
): Promise<readonly Row[]> {
  const plan = planImage(table);
  const reference = qualifiedName(table.schema, table.name);
  const select = `SELECT ${plan.selectList(reference)} FROM ${reference} ${keyIndexHint(table)}`;
  const present: Row[] = [];
  for (let from = 0; from < keys.length; from += KEYS_PER_QUERY) {
    const condition = keyCondition(table, keys.slice(from, from + KEYS_PER_QUERY), server, reference);
    const result = await executor.query(`${select} WHERE ${condition}${lock ? ' FOR UPDATE' : ''}`);
    for (const image of plan.decode(result)) present.push(image.row);
  }
  return present;
}
