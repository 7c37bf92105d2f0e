import type { Assignment, JoinedUpdateStatement, UpdateStatement } from './analysis.js';
import { columnNames } from './column-names.js';
import type { CommonTables } from './common-tables.js';
import type { Cursor } from './cursor.js';
import { readModifiers } from './modifiers.js';
import { unsupported } from './refusal.js';
import { readRowsClauses, refuseChanging, refuseOrdered } from './rows-clauses.js';
import { readTableReferences } from './table-references.js';
import { isVolatile } from './volatile.js';

const ENDS_ASSIGNMENT = new Set([',', 'WHERE', 'ORDER', 'LIMIT', 'RETURNING']);

/** Reads an UPDATE behind its verb. */
export function readUpdate(cursor: Cursor, common: CommonTables): UpdateStatement | JoinedUpdateStatement {
  const ignore = readModifiers(cursor, 'UPDATE', ['LOW_PRIORITY', 'IGNORE']).has('IGNORE');
  const { source } = cursor;
  const referencesBegin = cursor.index;
  const references = readTableReferences(cursor, common, 'UPDATE');
  const referencesEnd = cursor.index;
  if (cursor.word === 'FOR') unsupported('UPDATE ... FOR PORTION OF');
  cursor.expect('SET');
  const assignments: Assignment[] = [];
  do assignments.push(readAssignment(cursor));
  while (cursor.accept(','));
  const clausesBegin = cursor.index;
  const clauses = readRowsClauses(cursor, 'UPDATE');
  const { single, tables, from } = references;
  const volatile = clauses.volatile || references.volatile;
  if (single !== null) {
    const assigned = assignments.map(({ column }) => column);
    return {
      ...{ kind: 'update', ...single, ...clauses, with: common.clause },
      ...{ assigned, assignments, ignore, volatile },
    };
  }
  refuseOrdered(clauses, 'multi-table UPDATE');
  refuseChanging(clauses, references, 'multi-table UPDATE');
  const { where, head, changing } = clauses;
  const read = [
    ...columnNames(source, referencesBegin, referencesEnd),
    ...columnNames(source, clausesBegin, cursor.index),
  ];
  const reads = read.some(({ column }) => column.toUpperCase() === 'NATURAL') ? null : read;
  return {
    ...{ kind: 'joinedUpdate', with: common.clause, tables, from, where, head },
    ...{ assignments, reads, ignore, volatile, changing },
  };
}

/** [[schema.]table.]column = expression */
function readAssignment(cursor: Cursor): Assignment {
  const path = [cursor.identifier()];
  while (cursor.accept('.')) path.push(cursor.identifier());
  const [column = '', table = null, schema = null] = path.reverse();
  if (!cursor.accept('=')) cursor.expect(':=');
  const from = cursor.index;
  while (!cursor.done && !ENDS_ASSIGNMENT.has(cursor.word)) cursor.skip();
  if (cursor.index === from) cursor.fail();
  const { source, index } = cursor;
  const volatile = isVolatile(source, from, index);
  const reads = columnNames(source, from, index);
  return { schema, table, column, value: source.clause(from, index), reads, volatile };
}
