import type { DuplicateAssignment, DuplicateClause } from './analysis.js';
import { Cursor } from './cursor.js';

/** A column, of whose name only the last part counts: `t.a` and `db.t.a` are `a`. */
export function readColumn(cursor: Cursor): string {
  let column = cursor.identifier();
  while (cursor.accept('.')) column = cursor.identifier();
  return column;
}

/** Reads `[AS new [(a, b)]] ON DUPLICATE KEY UPDATE ...`; null where there is no such clause. */
export function readDuplicateClause(cursor: Cursor): DuplicateClause | null {
  const { source, index: begin } = cursor;
  const clause = source.find(
    cursor.index,
    (word, index) => word === 'ON' && source.at(index + 1).word === 'DUPLICATE',
  );
  if (clause === source.tokens.length) return null;
  // The rows of VALUES ROW(...), or of a list, by a name of their own (MySQL).
  let alias: string | undefined;
  if (cursor.accept('AS')) {
    const name = cursor.identifier();
    if (cursor.word === '(') cursor.skip();
    else alias = name;
  }
  const on = cursor.index;
  if (!cursor.accept('ON', 'DUPLICATE', 'KEY', 'UPDATE')) cursor.fail();
  const from = cursor.index;
  const assignments: DuplicateAssignment[] = [];
  do assignments.push(readAssignment(cursor, alias));
  while (cursor.accept(','));
  return { assignments, alias: source.clause(begin, on), set: source.clause(from, cursor.index) };
}

const ENDS_ASSIGNMENT = new Set([',', 'RETURNING']);

function readAssignment(cursor: Cursor, alias: string | undefined): DuplicateAssignment {
  const column = readColumn(cursor);
  if (!cursor.accept('=')) cursor.expect(':=');
  const from = cursor.index;
  while (!cursor.done && !ENDS_ASSIGNMENT.has(cursor.word)) cursor.skip();
  if (cursor.index === from) cursor.fail();
  return { column, to: target(cursor, column, alias, from, cursor.index) };
}

/** Recognises the bare column, LAST_INSERT_ID(column), VALUES(column) and new.column; all else may be any value. */
function target(
  cursor: Cursor,
  column: string,
  alias: string | undefined,
  from: number,
  to: number,
): DuplicateAssignment['to'] {
  const { source } = cursor;
  const isColumn = (start: number, end: number) => {
    const { kind } = source.at(start);
    if (kind !== 'word' && kind !== 'name') return false;
    const at = new Cursor(source, start);
    return readColumn(at).toLowerCase() === column.toLowerCase() && at.index === end;
  };
  const isAlias = () => new Cursor(source, from).identifier().toLowerCase() === alias?.toLowerCase();
  if (to === from + 3 && isColumn(from, to)) return isAlias() ? 'given' : 'other';
  if (to === from + 1) return isColumn(from, to) ? 'itself' : 'other';
  if (source.at(from + 1).word !== '(' || !isColumn(from + 2, to - 1)) return 'other';
  const { word } = source.at(from);
  // Before a dot may stand the name of the new rows; VALUES is of the table's own columns alone.
  if (word === 'LAST_INSERT_ID') return to === from + 4 ? 'itself' : 'other';
  return word === 'VALUES' ? 'given' : 'other';
}
