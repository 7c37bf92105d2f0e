import type { InsertStatement, InsertValue } from './analysis.js';
import type { Cursor } from './cursor.js';
import { isIntroducer } from './lexer.js';
import { readModifiers } from './modifiers.js';
import { unsupported } from './refusal.js';
import type { Source } from './source.js';
import { readTableName, skipPartition } from './table-reference.js';

const QUERY_WORDS = ['SELECT', 'WITH', 'TABLE'];

/** Reads an INSERT behind its verb. */
export function readInsert(cursor: Cursor): InsertStatement {
  readModifiers(cursor, 'INSERT', ['LOW_PRIORITY', 'HIGH_PRIORITY']);
  cursor.accept('INTO');
  const name = readTableName(cursor);
  skipPartition(cursor);
  const table = { ...name, alias: null };
  if (cursor.accept('SET')) return { kind: 'insert', table, ...readAssignments(cursor) };
  const columns = readColumns(cursor);
  refuseQuery(cursor);
  if (!cursor.accept('VALUES')) cursor.expect('VALUE');
  if (cursor.word === 'ROW') unsupported('INSERT ... VALUES ROW');
  const rows = readRows(cursor);
  refuseEnding(cursor);
  return { kind: 'insert', table, columns, rows };
}

function refuseQuery(cursor: Cursor): void {
  let distance = 0;
  while (cursor.ahead(distance) === '(') distance++;
  const word = cursor.ahead(distance);
  if (QUERY_WORDS.includes(word)) unsupported(word === 'TABLE' ? 'INSERT ... TABLE' : 'INSERT ... SELECT');
}

function refuseEnding(cursor: Cursor): void {
  // INSERT ... VALUES (...) AS new ON DUPLICATE KEY UPDATE
  if (cursor.source.find(cursor.index, (word) => word === 'DUPLICATE') < cursor.source.tokens.length) {
    unsupported('INSERT ... ON DUPLICATE KEY UPDATE');
  }
  if (cursor.word === 'RETURNING') unsupported('INSERT ... RETURNING');
  if (cursor.word === 'AS') unsupported('INSERT ... VALUES ... AS');
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

/** A column, of whose name only the last part counts: `t.a` and `db.t.a` are `a`. */
export function readColumn(cursor: Cursor): string {
  let column = cursor.identifier();
  while (cursor.accept('.')) column = cursor.identifier();
  return column;
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
function readAssignments(cursor: Cursor): Pick<InsertStatement, 'columns' | 'rows'> {
  const columns: string[] = [];
  const values: InsertValue[] = [];
  do {
    columns.push(readColumn(cursor));
    if (!cursor.accept('=')) cursor.expect(':=');
    values.push(readValue(cursor));
  } while (cursor.accept(','));
  refuseEnding(cursor);
  return { columns, rows: [values] };
}
