import { GlobalTxError } from '../../../protocol/errors.js';
import type { Cascade, TableDefinition } from './definition.js';

export type WriteVerb = 'insert' | 'update' | 'delete';

/** An error that says why a table cannot be written inside a global transaction. */
export function tableUnsupported(
  schema: string,
  name: string,
  construct: string,
  help: string,
): GlobalTxError {
  return new GlobalTxError(
    'TABLE_UNSUPPORTED',
    `Table ${schema}.${name} cannot be used inside a global transaction: ${construct}. ${help}`,
    { construct: `table \`${name}\`: ${construct}` },
  );
}

/**
 * Refuses a statement that would change rows which no image shows: those of triggers. CASCADE and SET NULL are
 * followed, see at/branch/cascades.ts.
 * @throws GlobalTxError TABLE_UNSUPPORTED
 */
export function checkTable(definition: TableDefinition, verb: WriteVerb): void {
  const { schema, name } = definition;
  const trigger = definition.triggers[0];
  // A trigger for another verb counts too: the rollback of an INSERT is a DELETE.
  if (trigger !== undefined && definition.triggersAllowed !== true) {
    throw tableUnsupported(
      schema,
      name,
      `trigger \`${trigger}\``,
      'What a trigger writes has no image and could not be rolled back. If this one touches nothing but the row itself, ' +
        "name the table in the pool's option allowTriggers.",
    );
  }
  const expression = definition.expressionIndexes[0];
  if (expression !== undefined) {
    throw tableUnsupported(
      schema,
      name,
      `unique index \`${expression}\` over an expression`,
      'Its values cannot be locked. Index a generated column instead.',
    );
  }
  for (const cascade of definition.cascades) {
    if (verb === 'delete' && cascade.onDelete === 'SET DEFAULT')
      throw spreads(definition, cascade, 'ON DELETE');
    if (verb === 'update' && cascade.onUpdate === 'SET DEFAULT')
      throw spreads(definition, cascade, 'ON UPDATE');
  }
}

/**
 * For statements that do not follow a foreign key which cascades an update.
 * @throws GlobalTxError TABLE_UNSUPPORTED when a column is assigned that such a foreign key refers to
 */
export function refuseUpdateCascades(definition: TableDefinition, assigned: readonly string[]): void {
  const names = assigned.map((name) => name.toLowerCase());
  for (const cascade of definition.cascades) {
    if (cascade.onUpdate === null) continue;
    if (cascade.columns.some((column) => names.includes(column.toLowerCase())))
      throw spreads(definition, cascade, 'ON UPDATE');
  }
}

function spreads(
  { schema, name }: TableDefinition,
  { name: key, childSchema, childTable, onDelete, onUpdate }: Cascade,
  clause: 'ON DELETE' | 'ON UPDATE',
): GlobalTxError {
  return tableUnsupported(
    schema,
    name,
    `foreign key \`${key}\` of ${childSchema}.${childTable} ${clause} ${clause === 'ON DELETE' ? onDelete : onUpdate}`,
    'Rows that the server changes by itself have no image. Change the child rows by statements of your own.',
  );
}
