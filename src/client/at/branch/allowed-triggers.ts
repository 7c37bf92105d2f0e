import type { TableDefinition } from '../table/definition.js';
import type { BranchDatabase } from './database.js';

/**
 * The database as branches of one pool see it that may write tables with triggers.
 * @param names 'table' in the pool's own schema, or 'schema.table'
 */
export function allowTriggers(
  database: BranchDatabase,
  names: readonly string[],
  ownSchema: string | undefined,
): BranchDatabase {
  const allowed = new Set(names.map((name) => (name.includes('.') ? name : `${ownSchema}.${name}`)));
  // One for each definition: what is worked out for a definition is kept by it.
  const known = new WeakMap<TableDefinition, TableDefinition>();
  return {
    table: async (schema, name) => {
      const definition = await database.table(schema, name);
      if (definition === undefined || !allowed.has(`${definition.schema}.${definition.name}`))
        return definition;
      const withAllowed = known.get(definition) ?? { ...definition, triggersAllowed: true };
      known.set(definition, withAllowed);
      return withAllowed;
    },
    writingFunctions: (schema) => database.writingFunctions(schema),
    forgetTable: (schema, name) => database.forgetTable(schema, name),
    resourceId: (schema) => database.resourceId(schema),
    undoLogTakesInsertId: (schema) => database.undoLogTakesInsertId(schema),
  };
}
