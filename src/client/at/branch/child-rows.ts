import { keyCondition } from '../image/key-condition.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { ParentReference, TableDefinition } from '../table/definition.js';
import { referenceJoin } from '../table/reference-join.js';
import type { CaptureContext } from './capture-context.js';
import { readImage, type TableImage } from './read-image.js';

function fullName({ schema, name }: TableDefinition): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** Reads and locks the rows that refer to some parents by a foreign key, as the server joins them. */
export function childrenOf(
  context: CaptureContext,
  parents: TableImage,
  child: TableDefinition,
  { columns, parentColumns }: ParentReference,
): Promise<TableImage> {
  const server = context.session.facts.dialect.server;
  const keys = parents.rows.map((image) => image.row);
  const pairs = columns.map((column, at) => ({ child: column, parent: parentColumns[at]! }));
  const joined = referenceJoin(pairs, parents.table, 'parent');
  return readImage(
    context,
    child,
    (plan, table) =>
      `SELECT ${plan.selectList('child')} FROM ${fullName(parents.table)} parent JOIN ${fullName(table)} child ON ${joined} ` +
      `WHERE ${keyCondition(parents.table, keys, server, 'parent')} FOR UPDATE`,
  );
}
