import { GlobalTxError } from '../../../protocol/errors.js';
import { isNeverEmpty } from '../image/literal.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { TableDefinition } from '../table/definition.js';
import type { BranchSession } from './database.js';
import { referenceOf } from './queries.js';
import { errno } from './statement-error.js';

/** ER_CANT_CREATE_GEOMETRY_OBJECT, and MySQL's own for what is no VECTOR. */
const NO_VALUE_ERRORS: ReadonlySet<unknown> = new Set([1416, 6136]);

/** Whether the server has not put an empty GEOMETRY or VECTOR into a temporary table. */
export function isOfEmptyValue(error: unknown): boolean {
  return NO_VALUE_ERRORS.has(errno(error));
}

/**
 * A read of ours that has failed for an empty GEOMETRY or VECTOR, which the servers store in places but do not put into a
 * temporary table: the rows are sorted or joined then, and the statement itself, which need not, would run.
 * @returns TABLE_UNSUPPORTED where the table has such a value; else the error as it is
 */
export async function orEmptyValue<E>(
  error: E,
  { schema, name, columns }: TableDefinition,
  { executor }: BranchSession,
): Promise<E | GlobalTxError> {
  const odd = columns.filter(isNeverEmpty);
  if (odd.length === 0 || !isOfEmptyValue(error)) return error;
  const empty = odd.map((column) => `LENGTH(${quoteIdentifier(column.name)})=0`).join(' OR ');
  const { rows } = await executor.query(
    `SELECT 1 FROM ${referenceOf({ schema, name, alias: null })} WHERE ${empty} LIMIT 1`,
  );
  if (rows.length === 0) return error;
  const construct = `an empty value of type ${odd.map(({ dataType }) => dataType).join(' or ')}`;
  return new GlobalTxError(
    'TABLE_UNSUPPORTED',
    `${schema}.${name} has a row that the server does not sort or join: ${construct}. Change it outside of the global transaction.`,
    { construct },
  );
}
