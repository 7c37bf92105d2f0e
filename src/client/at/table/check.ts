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

function cascading(
  cascade: Cascade,
  verb: WriteVerb,
  assigned: readonly string[] | undefined,
): { readonly action: string; readonly clause: string } | undefined {
  switch (verb) {
    case 'insert':
      return undefined;
    case 'delete':
      // CASCADE and SET NULL are followed: see at/branch/cascades.ts.
      return cascade.onDelete === 'SET DEFAULT'
        ? { action: cascade.onDelete, clause: 'ON DELETE' }
        : undefined;
    case 'update': {
      if (cascade.onUpdate === null) return undefined;
      const names = assigned?.map((name) => name.toLowerCase());
      const touched = cascade.columns.some((column) => names?.includes(column.toLowerCase()) ?? true);
      return touched ? { action: cascade.onUpdate, clause: 'ON UPDATE' } : undefined;
    }
  }
}

/**
 * Refuses a statement that would change rows which no image shows: those of triggers, and of foreign keys
 * that cascade an update.
 * @param assigned the columns that an UPDATE assigns; all of them when it is not given
 * @throws GlobalTxError TABLE_UNSUPPORTED
 */
export function checkTable(definition: TableDefinition, verb: WriteVerb, assigned?: readonly string[]): void {
  const { schema, name } = definition;
  const trigger = definition.triggers[0];
  // A trigger for another verb counts too: the rollback of an INSERT is a DELETE.
  if (trigger !== undefined) {
    throw tableUnsupported(
      schema,
      name,
      `trigger \`${trigger}\``,
      'What a trigger writes has no image and could not be rolled back.',
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
    const found = cascading(cascade, verb, assigned);
    if (found === undefined) continue;
    throw tableUnsupported(
      schema,
      name,
      `foreign key \`${cascade.name}\` of ${cascade.childSchema}.${cascade.childTable} ${found.clause} ${found.action}`,
      'Rows that the server changes by itself have no image. Change the child rows by statements of your own.',
    );
  }
}
