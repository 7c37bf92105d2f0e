import type { TableDefinition } from '../table/definition.js';
import { isView } from '../table/view.js';
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
  const allowing = (definition: TableDefinition): TableDefinition => {
    if (!allowed.has(`${definition.schema}.${definition.name}`)) return definition;
    const withAllowed = known.get(definition) ?? { ...definition, triggersAllowed: true };
    known.set(definition, withAllowed);
    return withAllowed;
  };
  return {
    table: async (schema, name) => {
      const definition = await database.table(schema, name);
      return definition && allowing(definition);
    },
    relation: async (schema, name) => {
      const relation = await database.relation(schema, name);
      return relation === undefined || isView(relation) ? relation : allowing(relation);
    },
    isCurrent: (view) => database.isCurrent(view),
    writingFunctions: (schema) => database.writingFunctions(schema),
    forgetTable: (schema, name) => database.forgetTable(schema, name),
    resourceId: (schema) => database.resourceId(schema),
    undoLogTakesInsertId: (schema) => database.undoLogTakesInsertId(schema),
  };
}
