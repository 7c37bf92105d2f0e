import { largestOf } from '../image/plain-value.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { ColumnDefinition, TableDefinition } from '../table/definition.js';
import type { CaptureContext } from './capture-context.js';
import { referenceOf } from './queries.js';

/**
 * Whether a row has one of the last values that the table's AUTO_INCREMENT counter can give. At its end MySQL gives
 * the last one again and again: a new row then meets the row that has it, before any other that it could meet, and
 * whether that was there before cannot be told.
 * @param values how many it is asked for
 */
export async function isCounterAtEnd(
  { session }: Pick<CaptureContext, 'session'>,
  table: TableDefinition,
  values = 1,
): Promise<boolean> {
  const automatic = table.columns.find(({ autoIncrement }) => autoIncrement);
  const end = automatic === undefined ? null : endOf(automatic, values);
  if (automatic === undefined || end === null) return false;
  const reference = referenceOf({ schema: table.schema, name: table.name, alias: null });
  const { rows } = await session.executor.query(
    `SELECT 1 FROM ${reference} WHERE ${quoteIdentifier(automatic.name)} > ${end} LIMIT 1`,
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
    `SELECT 1 FROM DUAL WHERE ${given.map((value) => `${value} > ${end}`).join(' OR ')}`,
  );
  return rows.length > 0;
}

/** The last value behind which the counter has as many to give; null where that is not known. */
function endOf(column: ColumnDefinition, values: number): string | null {
  const largest = largestOf(column);
  return largest === null ? null : `${largest} - ${values} * @@auto_increment_increment`;
}
