import type { InsertStatement, InsertValue } from './analysis.js';
import type { Cursor } from './cursor.js';
import { readColumn, readDuplicateClause } from './insert-duplicate.js';
import { isIntroducer } from './lexer.js';
import { readModifiers } from './modifiers.js';
import { unsupported } from './refusal.js';
import type { Source } from './source.js';
import { readTableName, skipPartition } from './table-reference.js';

const QUERY_WORDS = ['SELECT', 'WITH', 'TABLE'];

/** Reads an INSERT behind its verb. */
export function readInsert(cursor: Cursor): InsertStatement {
  readModifiers(cursor, 'INSERT', ['LOW_PRIORITY', 'HIGH_PRIORITY', 'IGNORE']);
  const ignore = cursor.source.at(cursor.index - 1).word === 'IGNORE';
  const inserted = readInserted(cursor, 'INSERT');
  const assignments = readDuplicateClause(cursor);
  if (ignore && assignments !== null) unsupported('INSERT IGNORE ... ON DUPLICATE KEY UPDATE');
  if (!ignore && assignments === null && cursor.accept('RETURNING')) {
    // What it gives back of the rows (MariaDB) is nothing but an answer.
    if (cursor.done) cursor.fail();
    cursor.index = cursor.source.tokens.length;
  }
  refuseEnding(cursor, 'INSERT');
  if (assignments !== null) return { ...inserted, onConflict: { action: 'update', assignments } };
  return { ...inserted, onConflict: { action: ignore ? 'skip' : 'fail' } };
}

/** Reads a REPLACE behind its verb. */
export function readReplace(cursor: Cursor): InsertStatement {
  readModifiers(cursor, 'REPLACE', ['LOW_PRIORITY']);
  const inserted = readInserted(cursor, 'REPLACE');
  refuseEnding(cursor, 'REPLACE');
  return { ...inserted, onConflict: { action: 'replace' } };
}

/** Reads what INSERT and REPLACE have in common: the table, and its new rows. */
function readInserted(cursor: Cursor, verb: string): Omit<InsertStatement, 'onConflict'> {
  cursor.accept('INTO');
  const name = readTableName(cursor);
  skipPartition(cursor);
  const rows = cursor.accept('SET') ? readAssignments(cursor) : readValues(cursor, verb);
  const insertion = cursor.source.clause(1, cursor.index);
  return { kind: 'insert', table: { ...name, alias: null }, ...rows, insertion };
}

type Rows = Pick<InsertStatement, 'columns' | 'rows'>;

function readValues(cursor: Cursor, verb: string): Rows {
  const columns = readColumns(cursor);
  refuseQuery(cursor, verb);
  if (!cursor.accept('VALUES')) cursor.expect('VALUE');
  if (cursor.word === 'ROW') unsupported(`${verb} ... VALUES ROW`);
  return { columns, rows: readRows(cursor) };
}

function refuseQuery(cursor: Cursor, verb: string): void {
  let distance = 0;
  while (cursor.ahead(distance) === '(') distance++;
  const word = cursor.ahead(distance);
  if (QUERY_WORDS.includes(word)) unsupported(`${verb} ... ${word === 'TABLE' ? 'TABLE' : 'SELECT'}`);
}

function refuseEnding(cursor: Cursor, verb: string): void {
  if (cursor.word === 'RETURNING') unsupported(`${verb} ... RETURNING`);
  if (cursor.word === 'AS') unsupported(`${verb} ... VALUES ... AS`);
  cursor.expectEnd();
}

function readColumns(cursor: Cursor): readonly string[] | null {
  if (cursor.word !== '(' || ['(', ...QUERY_WORDS].includes(cursor.ahead(1))) return null;
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

function readRow(cursor: Cursor): readonly InsertValue[] {
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
  return {
    kind: isLiteral(source, from, to) ? 'literal' : 'expression',
    expression: source.clause(from, to),
  };
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
  return { columns, rows: [values] };
}
