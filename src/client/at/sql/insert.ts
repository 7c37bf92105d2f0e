import type { Clause, DuplicateClause, InsertStatement, InsertValue, OnConflict } from './analysis.js';
import type { Cursor } from './cursor.js';
import { readColumn, readDuplicateClause } from './insert-duplicate.js';
import { isQueryAhead, readInsertQuery } from './insert-query.js';
import { isIntroducer } from './lexer.js';
import { withLocks } from './locked-query.js';
import { readModifiers } from './modifiers.js';
import { unsupported } from './refusal.js';
import type { Source } from './source.js';
import { readTableName, skipPartition } from './table-reference.js';
import { isVolatile } from './volatile.js';

/** Reads an INSERT behind its verb. */
export function readInsert(cursor: Cursor): InsertStatement {
  const modifiers = readModifiers(cursor, 'INSERT', ['LOW_PRIORITY', 'HIGH_PRIORITY', 'IGNORE']);
  const ignore = modifiers.has('IGNORE');
  return readInserted(cursor, (duplicate) => {
    if (duplicate === null) return { action: ignore ? 'skip' : 'fail' };
    if (ignore) unsupported('INSERT IGNORE ... ON DUPLICATE KEY UPDATE');
    return { action: 'update', ...duplicate };
  });
}

/** Reads a REPLACE behind its verb. */
export function readReplace(cursor: Cursor): InsertStatement {
  readModifiers(cursor, 'REPLACE', ['LOW_PRIORITY']);
  return readInserted(cursor, (duplicate) => {
    if (duplicate !== null) cursor.fail();
    return { action: 'replace' };
  });
}

type Rows = Pick<InsertStatement, 'columns' | 'rows' | 'query'>;

/** Reads what INSERT and REPLACE have in common: the table, its new rows, and what follows them. */
function readInserted(
  cursor: Cursor,
  onConflict: (duplicate: DuplicateClause | null) => OnConflict,
): InsertStatement {
  const { source } = cursor;
  cursor.accept('INTO');
  const name = readTableName(cursor);
  skipPartition(cursor);
  const target = source.clause(1, cursor.index);
  const rows = cursor.accept('SET') ? readAssignments(cursor) : readRowsOrQuery(cursor);
  const conflict = onConflict(readDuplicateClause(cursor));
  const returning = readReturning(cursor);
  if (cursor.word === 'AS') unsupported(`${source.at(0).word} ... VALUES ... AS`);
  cursor.expectEnd();
  return {
    ...{ kind: 'insert', table: { ...name, alias: null }, ...rows },
    ...{ onConflict: conflict, target, returning },
  };
}

/** What it gives back of the rows (MariaDB) is nothing but an answer. */
function readReturning(cursor: Cursor): Clause {
  const { source, index } = cursor;
  if (cursor.accept('RETURNING')) {
    if (cursor.done) cursor.fail();
    cursor.index = source.tokens.length;
  }
  return source.clause(index, cursor.index);
}

function readRowsOrQuery(cursor: Cursor): Rows {
  const columns = readColumns(cursor);
  if (isQueryAhead(cursor)) return { columns, rows: [], query: readInsertQuery(cursor) };
  if (!cursor.accept('VALUES')) cursor.expect('VALUE');
  return { columns, rows: readRows(cursor), query: null };
}

function readColumns(cursor: Cursor): readonly string[] | null {
  if (cursor.word !== '(' || isQueryAhead(cursor)) return null;
  cursor.index++;
  const columns: string[] = [];
  if (cursor.accept(')')) return columns;
  do columns.push(readColumn(cursor));
  while (cursor.accept(','));
  cursor.expect(')');
  return columns;
}

function readRows(cursor: Cursor): readonly (readonly InsertValue[])[] {
  const rows: (readonly InsertValue[])[] = [];
  do rows.push(readRow(cursor));
  while (cursor.accept(','));
  return rows;
}

/** (1, 2), or MySQL's ROW(1, 2) */
function readRow(cursor: Cursor): readonly InsertValue[] {
  cursor.accept('ROW');
  cursor.expect('(');
  const values: InsertValue[] = [];
  if (cursor.accept(')')) return values;
  do values.push(readValue(cursor));
  while (cursor.accept(','));
  cursor.expect(')');
  return values;
}

const ENDS_VALUE = new Set([',', ')', 'ON', 'RETURNING', 'AS']);

function readValue(cursor: Cursor): InsertValue {
  const from = cursor.index;
  while (!cursor.done && !ENDS_VALUE.has(cursor.word)) cursor.skip();
  if (cursor.index === from) cursor.fail();
  return classify(cursor.source, from, cursor.index);
}

function classify(source: Source, from: number, to: number): InsertValue {
  const first = source.at(from);
  if (to === from + 1) {
    if (first.kind === 'placeholder') return { kind: 'placeholder', index: first.ordinal };
    if (first.word === 'NULL') return { kind: 'null' };
    if (first.word === 'DEFAULT') return { kind: 'default' };
  }
  const expression = source.clause(from, to);
  if (isLiteral(source, from, to)) return { kind: 'literal', expression };
  const volatile = isVolatile(source, from, to);
  return { kind: 'expression', expression, locking: withLocks(source, from, to), volatile };
}

/** 1, -1, 'a' 'b', _latin1'a', N'a', x'00', TRUE, DATE'2020-01-01' */
function isLiteral(source: Source, from: number, to: number): boolean {
  const first = source.at(from);
  const last = source.at(to - 1);
  const signed = first.word === '-' || first.word === '+';
  if (to - from === (signed ? 2 : 1) && last.kind === 'number') return true;
  if (to - from === 1)
    return first.kind === 'bits' || first.kind === 'string' || ['TRUE', 'FALSE'].includes(first.word);
  const prefixed = isIntroducer(source.text, first) || ['DATE', 'TIME', 'TIMESTAMP'].includes(first.word);
  if (to - from === 2 && prefixed && last.kind === 'bits') return true;
  for (let index = prefixed ? from + 1 : from; index < to; index++) {
    if (source.at(index).kind !== 'string') return false;
  }
  return true;
}

/** INSERT ... SET a = 1, b = DEFAULT */
function readAssignments(cursor: Cursor): Rows {
  const columns: string[] = [];
  const values: InsertValue[] = [];
  do {
    columns.push(readColumn(cursor));
    if (!cursor.accept('=')) cursor.expect(':=');
    values.push(readValue(cursor));
  } while (cursor.accept(','));
  return { columns, rows: [values], query: null };
}
