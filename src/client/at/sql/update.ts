import type { UpdateStatement } from './analysis.js';
import type { Cursor } from './cursor.js';
import { readColumn } from './insert.js';
import { readModifiers } from './modifiers.js';
import { unsupported } from './refusal.js';
import { readRowsClauses } from './rows-clauses.js';
import { JOIN_WORDS, readTableReference } from './table-reference.js';

const ENDS_ASSIGNMENT = new Set([',', 'WHERE', 'ORDER', 'LIMIT', 'RETURNING']);

/** Reads an UPDATE behind its verb. */
export function readUpdate(cursor: Cursor): UpdateStatement {
  readModifiers(cursor, 'UPDATE', ['LOW_PRIORITY']);
  if (cursor.word === '(') unsupported('multi-table UPDATE');
  const reference = readTableReference(cursor);
  if (cursor.word === ',') unsupported('multi-table UPDATE');
  if (JOIN_WORDS.has(cursor.word)) unsupported('UPDATE ... JOIN');
  if (cursor.word === 'FOR') unsupported('UPDATE ... FOR PORTION OF');
  cursor.expect('SET');
  const assigned: string[] = [];
  do {
    assigned.push(readColumn(cursor));
    if (!cursor.accept('=')) cursor.expect(':=');
    skipExpression(cursor);
  } while (cursor.accept(','));
  return { kind: 'update', ...reference, assigned, ...readRowsClauses(cursor, 'UPDATE') };
}

function skipExpression(cursor: Cursor): void {
  const from = cursor.index;
  while (!cursor.done && !ENDS_ASSIGNMENT.has(cursor.word)) cursor.skip();
  if (cursor.index === from) cursor.fail();
}
