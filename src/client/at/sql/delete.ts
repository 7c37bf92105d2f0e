import type { DeleteStatement } from './analysis.js';
import type { Cursor } from './cursor.js';
import { readModifiers } from './modifiers.js';
import { unsupported } from './refusal.js';
import { readRowsClauses } from './rows-clauses.js';
import { JOIN_WORDS, readTableReference } from './table-reference.js';

/** Reads a DELETE behind its verb. */
export function readDelete(cursor: Cursor): DeleteStatement {
  readModifiers(cursor, 'DELETE', ['LOW_PRIORITY', 'QUICK']);
  if (cursor.word === 'HISTORY' && cursor.ahead(1) === 'FROM') unsupported('DELETE HISTORY');
  // DELETE a, b FROM ...
  if (!cursor.accept('FROM')) unsupported('multi-table DELETE');
  const isMulti = cursor.source.find(cursor.index, (word) => word === 'USING') < cursor.source.tokens.length;
  if (isMulti) unsupported('multi-table DELETE');
  const reference = readTableReference(cursor);
  if (cursor.word === ',' || JOIN_WORDS.has(cursor.word)) unsupported('multi-table DELETE');
  if (cursor.word === 'FOR') unsupported('DELETE ... FOR PORTION OF');
  return { kind: 'delete', ...reference, ...readRowsClauses(cursor, 'DELETE') };
}
