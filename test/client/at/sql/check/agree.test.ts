import assert from 'node:assert/strict';
import { agree } from '../../../../../src/client/at/sql/check/agree.js';
import { normalise } from '../../../../../src/client/at/sql/check/normalise.js';
import { parse, type Reading } from '../../../../../src/client/at/sql/check/parser.js';
import { lex } from '../../../../../src/client/at/sql/lexer.js';
import { Refusal } from '../../../../../src/client/at/sql/refusal.js';
import { type Source, split } from '../../../../../src/client/at/sql/source.js';
import { readStatement } from '../../../../../src/client/at/sql/statement.js';
import { MYSQL } from '../dialects.js';

function sourceOf(sql: string): Source {
  const { tokens, problem } = lex(sql, MYSQL);
  return split(sql, tokens, problem)[0]!.source;
}

/** What becomes of a statement when the parser's reading is changed; null when the two agree. */
function refusal(sql: string, change: (reading: Reading) => Reading | null): string | null {
  const source = sourceOf(sql);
  const statement = readStatement({ source, problem: null }, () => undefined);
  assert.notEqual(statement.kind, 'refused', sql);
  try {
    agree(source, statement, (form) => {
      const reading = parse(form);
      return reading && change(reading);
    });
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error.construct;
    throw error;
  }
}

const UPDATE = 'UPDATE s.t AS x SET a = 1 WHERE b = 2 ORDER BY c LIMIT 3';
const INSERT = 'INSERT INTO t (a, b) VALUES (1, 2), (3, NOW()), (4, 5)';
const DELETE = 'DELETE FROM t';
const JOIN = 'UPDATE t JOIN u ON t.id = u.id SET u.a = 1 WHERE t.b = 2';
const READ = 'SELECT a FROM t JOIN u ON t.id = u.id WHERE b = 1 FOR UPDATE';
const USING = 'DELETE FROM x USING t AS x JOIN u ON x.id = u.id';
const LOCKING = 'SELECT a FROM t WHERE b = 1 ORDER BY c LIMIT 1 FOR UPDATE';

function table(change: Partial<Reading['tables'][number]>): (reading: Reading) => Reading {
  return (reading) => ({ ...reading, tables: [{ ...reading.tables[0]!, ...change }] });
}

const CHANGES: readonly (readonly [
  sql: string,
  expected: string,
  change: (reading: Reading) => Reading | null,
])[] = [
  [UPDATE, 'UPDATE: the verb read in two ways', (reading) => ({ ...reading, type: 'delete' })],
  [UPDATE, 'UPDATE: the table read in two ways', table({ name: 'u' })],
  [UPDATE, 'UPDATE: the table read in two ways', table({ schema: null })],
  [UPDATE, 'UPDATE: the table read in two ways', table({ alias: null })],
  [DELETE, 'DELETE: the table read in two ways', table({ alias: 'y' })],
  [DELETE, 'DELETE: the table read in two ways', (reading) => ({ ...reading, tables: [] })],
  [
    DELETE,
    'DELETE: the table read in two ways',
    (reading) => ({ ...reading, tables: [...reading.tables, ...reading.tables] }),
  ],
  [UPDATE, 'UPDATE: the columns read in two ways', (reading) => ({ ...reading, columns: ['B'] })],
  [UPDATE, 'UPDATE: the columns read in two ways', (reading) => ({ ...reading, columns: ['A', 'B'] })],
  [UPDATE, 'UPDATE: WHERE read in two ways', (reading) => ({ ...reading, where: false })],
  [UPDATE, 'UPDATE: ORDER BY read in two ways', (reading) => ({ ...reading, orderBy: false })],
  [UPDATE, 'UPDATE: LIMIT read in two ways', (reading) => ({ ...reading, limit: false })],
  [DELETE, 'DELETE: WHERE read in two ways', (reading) => ({ ...reading, where: true })],
  [DELETE, 'DELETE: ORDER BY read in two ways', (reading) => ({ ...reading, orderBy: true })],
  [DELETE, 'DELETE: LIMIT read in two ways', (reading) => ({ ...reading, limit: true })],
  [INSERT, 'INSERT: the columns read in two ways', (reading) => ({ ...reading, columns: null })],
  [INSERT, 'INSERT: the rows read in two ways', (reading) => ({ ...reading, rows: [2, 3] })],
  [INSERT, 'INSERT: the rows read in two ways', (reading) => ({ ...reading, rows: [2] })],
  [LOCKING, 'SELECT: WHERE read in two ways', (reading) => ({ ...reading, where: false })],
  [LOCKING, 'SELECT: ORDER BY read in two ways', (reading) => ({ ...reading, orderBy: false })],
  [LOCKING, 'SELECT: LIMIT read in two ways', (reading) => ({ ...reading, limit: false })],
  [LOCKING, 'SELECT: FOR UPDATE read in two ways', (reading) => ({ ...reading, locking: false })],
  [JOIN, 'UPDATE: the tables read in two ways', table({ name: 'w' })],
  [
    JOIN,
    'UPDATE: the tables read in two ways',
    (reading) => ({ ...reading, tables: reading.tables.slice(1) }),
  ],
  [JOIN, 'UPDATE: the columns read in two ways', (reading) => ({ ...reading, columns: ['B'] })],
  [JOIN, 'UPDATE: the columns read in two ways', (reading) => ({ ...reading, qualifiers: ['T'] })],
  [JOIN, 'UPDATE: WHERE read in two ways', (reading) => ({ ...reading, where: false })],
  [JOIN, 'UPDATE: LIMIT read in two ways', (reading) => ({ ...reading, limit: true })],
  [JOIN, 'UPDATE: ORDER BY read in two ways', (reading) => ({ ...reading, orderBy: true })],
  [READ, 'SELECT: the tables read in two ways', table({ name: 'w' })],
  [READ, 'SELECT: WHERE read in two ways', (reading) => ({ ...reading, where: false })],
  [READ, 'SELECT: FOR UPDATE read in two ways', (reading) => ({ ...reading, locking: false })],
  [USING, 'DELETE: the targets read in two ways', (reading) => ({ ...reading, targets: [] })],
  [USING, 'DELETE: the tables read in two ways', table({ alias: null })],
  [USING, 'DELETE: WHERE read in two ways', (reading) => ({ ...reading, where: true })],
  [UPDATE, 'UPDATE in an unknown form', () => null],
];

describe('the second opinion of the parser', () => {
  it('agrees with what the readers made of a statement', () => {
    for (const sql of [UPDATE, INSERT, DELETE, JOIN, READ, USING, LOCKING])
      assert.equal(
        refusal(sql, (reading) => reading),
        null,
        sql,
      );
  });

  it('refuses a statement that it reads otherwise', () => {
    for (const [sql, expected, change] of CHANGES) assert.equal(refusal(sql, change), expected, sql);
  });

  it('is the same for texts that differ in values, comments and the number of repetitions alone', () => {
    const SAME: readonly (readonly [string, ...string[]])[] = [
      [
        'UPDATE t SET a = 1 WHERE b = 2',
        'UPDATE t SET a = ? WHERE b = -3.5',
        'update t set a=0x1F /* x */ where b=9',
      ],
      ["UPDATE t SET a = 'x'", "UPDATE t SET a = 'it''s' \"y\"", "UPDATE t SET a = _utf8mb4'z'"],
      [
        'DELETE FROM t WHERE id IN (1, 2, 3, 4)',
        `DELETE FROM t WHERE id IN (${Array.from({ length: 100 }, (_, index) => index).join(', ')})`,
      ],
      ['DELETE FROM t WHERE (a, b) IN ((1, 2))', 'DELETE FROM t WHERE (a, b) IN ((?, ?), (?, ?), (3, 4))'],
      [
        'DELETE FROM t WHERE id = 1 OR id = 2 OR id = 3',
        'DELETE FROM t WHERE id = 1 OR id = 2 OR id = 3 OR id = 4 OR id = 5',
      ],
      ["INSERT INTO t VALUES (1, 'x')", "INSERT INTO t VALUES (?, NULL), (2, DEFAULT), ('a', 3)"],
    ];
    for (const [first, ...others] of SAME) {
      const form = normalise(sourceOf(first), { simplified: false })?.text;
      for (const other of others) {
        assert.equal(normalise(sourceOf(other), { simplified: false })?.text, form);
      }
    }
  });
});
