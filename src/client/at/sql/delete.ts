import type { DeleteStatement, JoinedDeleteStatement } from './analysis.js';
import type { CommonTables } from './common-tables.js';
import type { Cursor } from './cursor.js';
import { readModifiers } from './modifiers.js';
import { unsupported } from './refusal.js';
import { readRowsClauses, refuseChanging, refuseOrdered } from './rows-clauses.js';
import { readTableReference } from './table-reference.js';
import { readTableReferences } from './table-references.js';

type Target = JoinedDeleteStatement['targets'][number];

/** Reads a DELETE behind its verb. */
export function readDelete(cursor: Cursor, common: CommonTables): DeleteStatement | JoinedDeleteStatement {
  const ignore = readModifiers(cursor, 'DELETE', ['LOW_PRIORITY', 'QUICK', 'IGNORE']).has('IGNORE');
  if (cursor.word === 'HISTORY' && cursor.ahead(1) === 'FROM') unsupported('DELETE HISTORY');
  // DELETE a, b FROM a JOIN b; DELETE FROM a, b USING a JOIN b
  if (!cursor.accept('FROM')) return readJoined(cursor, common, ignore, 'FROM');
  const { source } = cursor;
  if (source.find(cursor.index, (word) => word === 'USING') < source.tokens.length)
    return readJoined(cursor, common, ignore, 'USING');
  const reference = readTableReference(cursor);
  if (cursor.word === 'FOR') unsupported('DELETE ... FOR PORTION OF');
  const clauses = readRowsClauses(cursor, 'DELETE');
  const volatile = clauses.volatile || common.clause !== null;
  return { kind: 'delete', ...reference, ...clauses, with: common.clause, ignore, volatile };
}

function readJoined(
  cursor: Cursor,
  common: CommonTables,
  ignore: boolean,
  behindTargets: 'FROM' | 'USING',
): JoinedDeleteStatement {
  const targets: Target[] = [];
  do targets.push(readTarget(cursor));
  while (cursor.accept(','));
  cursor.expect(behindTargets);
  const references = readTableReferences(cursor, common, 'DELETE');
  const { tables, from, volatile } = references;
  const clauses = readRowsClauses(cursor, 'DELETE');
  refuseOrdered(clauses, 'multi-table DELETE');
  refuseChanging(clauses, references, 'multi-table DELETE');
  const { where, head, changing } = clauses;
  return {
    ...{ kind: 'joinedDelete', with: common.clause, targets, tables, from, where, head },
    ...{ ignore, volatile: clauses.volatile || volatile, changing },
  };
}

/** [schema.]table[.*] */
function readTarget(cursor: Cursor): Target {
  const first = cursor.identifier();
  if (!cursor.accept('.') || cursor.accept('*')) return { schema: null, name: first };
  const name = cursor.identifier();
  if (cursor.accept('.')) cursor.expect('*');
  return { schema: first, name };
}
