import { largestOf } from '../image/plain-value.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { TableDefinition } from '../table/definition.js';
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
  const largest = automatic === undefined ? null : largestOf(automatic);
  if (automatic === undefined || largest === null) return false;
  const reference = referenceOf({ schema: table.schema, name: table.name, alias: null });
  const { rows } = await session.executor.query(
    `SELECT 1 FROM ${reference} WHERE ${quoteIdentifier(automatic.name)} > ${largest} - ${values} * @@auto_increment_increment LIMIT 1`,
  );
  return rows.length > 0;
}
