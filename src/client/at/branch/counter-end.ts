import { keyCondition } from '../image/key-condition.js';
import { largestOf } from '../image/plain-value.js';
import type { ImageRow } from '../image/plan.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { ColumnDefinition, TableDefinition } from '../table/definition.js';
import type { CaptureContext } from './capture-context.js';
import { referenceOf } from './queries.js';

/**
 * Whether a row has one of the last values that the table's AUTO_INCREMENT counter can give. At its end MySQL gives
 * the last one again and again: a new row then meets the row that has it, before any other that it could meet, and
 * whether that was there before cannot be told.
 * @param values how many it is asked for
 * @param known rows that may have one, for it is known that they were there before
 */
export async function isCounterAtEnd(
  { session }: Pick<CaptureContext, 'session'>,
  table: TableDefinition,
  values = 1,
  known: readonly ImageRow[] = [],
): Promise<boolean> {
  const automatic = table.columns.find(({ autoIncrement }) => autoIncrement);
  const end = automatic === undefined ? null : endOf(automatic, values);
  if (automatic === undefined || end === null) return false;
  const reference = referenceOf({ schema: table.schema, name: table.name, alias: null });
  const keys = known.map(({ row }) => row);
  const unknown =
    keys.length === 0 ? '' : ` AND NOT (${keyCondition(table, keys, session.facts.dialect.server)})`;
  const { rows } = await session.executor.query(
    `SELECT 1 FROM ${reference} WHERE ${quoteIdentifier(automatic.name)} > ${end}${unknown} LIMIT 1`,
  );
  return rows.length > 0;
}

/**
 * Whether the counter would be at its end behind one of the given values.
 * @param given what the column may make of them, as SQL
 * @param values how many it is asked for
 */
export async function isNearEnd(
  { session }: Pick<CaptureContext, 'session'>,
  column: ColumnDefinition,
  given: readonly string[],
  values: number,
): Promise<boolean> {
  const end = endOf(column, values);
  if (end === null || given.length === 0) return false;
  const { rows } = await session.executor.query(
    `SELECT 1 FROM DUAL WHERE ${given.map((value) => `CAST(${value} AS DECIMAL(65)) > ${end}`).join(' OR ')}`,
  );
  return rows.length > 0;
}

/**
 * The last value behind which the counter has as many to give; null where that is not known. A DECIMAL, for the largest
 * BIGINT UNSIGNED is out of range where NO_UNSIGNED_SUBTRACTION makes a signed number of a difference.
 */
function endOf(column: ColumnDefinition, values: number): string | null {
  const largest = largestOf(column);
  return largest === null ? null : `${largest}.0 - ${values} * @@auto_increment_increment`;
}
