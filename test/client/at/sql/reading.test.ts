import assert from 'node:assert/strict';
import { analyze, analyzeUncached } from '../../../../src/client/at/sql/index.js';
import { describeStatement } from './describe.js';
import { MARIADB, MYSQL } from './dialects.js';
import { CONTROL_FORMS } from './forms/control.js';
import { DELETE_FORMS } from './forms/delete.js';
import type { Form } from './forms/form.js';
import { INSERT_FORMS } from './forms/insert.js';
import { INSERT_CONFLICT_FORMS } from './forms/insert-conflict.js';
import { INSERT_QUERY_FORMS } from './forms/insert-query.js';
import { JOINED_FORMS } from './forms/joined.js';
import { LOCKING_READ_FORMS } from './forms/locking-read.js';
import { READ_FORMS } from './forms/read.js';
import { REFUSED_FORMS } from './forms/refused.js';
import { UPDATE_FORMS } from './forms/update.js';
import { UPDATE_EXPRESSION_FORMS } from './forms/update-expressions.js';

const LISTS: Readonly<Record<string, readonly Form[]>> = {
  'an INSERT gives its table, columns and values': INSERT_FORMS,
  'an INSERT from a query gives the query, with locks on what it reads': INSERT_QUERY_FORMS,
  'an INSERT says what becomes of a row that meets another': INSERT_CONFLICT_FORMS,
  'an UPDATE gives its table, assigned columns and clauses': UPDATE_FORMS,
  'an UPDATE is understood whatever expressions it has, and those that may change are volatile':
    UPDATE_EXPRESSION_FORMS,
  'a DELETE gives its table and clauses': DELETE_FORMS,
  'an UPDATE or DELETE over a join gives all its tables and those that it writes': JOINED_FORMS,
  'a locking read gives the rows that it locks': LOCKING_READ_FORMS,
  'a query without locks is a read': READ_FORMS,
  'BEGIN, COMMIT, SET and their like say what becomes of the local transaction': CONTROL_FORMS,
};

function check(list: readonly Form[]): void {
  for (const dialect of [MYSQL, MARIADB]) {
    const forms = list.filter(({ only }) => only === undefined || only === dialect.server);
    const actual = forms.map(({ sql }) => [
      sql,
      ...analyzeUncached(sql, dialect).statements.map(describeStatement),
    ]);
    assert.deepEqual(
      actual,
      forms.map(({ sql, is }) => [sql, is]),
    );
  }
}

describe('reading a statement', () => {
  for (const [name, list] of Object.entries(LISTS)) it(name, () => check(list));

  it('what cannot be run in a global transaction is refused by the name of its construct', () => {
    const ofOneStatement = REFUSED_FORMS.filter(({ sql }) => !sql.includes(';'));
    check(ofOneStatement);
  });

  it('a text without a statement is a read', () => {
    for (const sql of ['', ' \n', ';', ' ; ;', '-- nothing', '/* nothing */', '#', '--']) {
      assert.deepEqual(analyzeUncached(sql, MYSQL).statements, [{ kind: 'read' }], sql);
    }
  });

  it('what is cut off or does not close is not understood', () => {
    for (const sql of [
      "INSERT INTO t (b) VALUES ('x",
      'INSERT INTO t (b) VALUES ("x',
      'INSERT INTO `t VALUES (1)',
      'UPDATE t SET a = 1 /* where',
      'UPDATE t SET a = (1',
      'UPDATE t SET a = 1)',
      'UPDATE t SET',
      'UPDATE t SET a',
      'UPDATE t SET a = WHERE b = 1',
      'UPDATE t SET a = 1 WHERE',
      'UPDATE t',
      'UPDATE',
      'DELETE FROM',
      'DELETE FROM t WHERE ORDER BY a',
      'INSERT INTO t (a) VALUES',
      'INSERT INTO t (a) VALUES (1',
      'INSERT INTO t (a) VALUES (1,)',
      'INSERT INTO t (a,) VALUES (1)',
      'INSERT INTO t (a) VALUES (1) (2)',
      'SELECT * FROM t FOR UPDATE FOR UPDATE',
      'UPDATE t SET a = 1 WHERE b = = 2',
      'DELETE FROM t WHERE a b',
      'INSERT INTO t (a, b) VALUES (1)',
      'COMMIT 1',
      'ROLLBACK TO',
      'SAVEPOINT',
      'START TRANSACTION READ',
      'SET',
      'DELIMITER //',
      'SLECT 1',
      '?',
      "SELECT b'2'",
      "SELECT x'1'",
      'SELECT 1 WHERE a = ?b',
      'SELECT \\N',
      'SELECT $$x$$',
      'SELECT 1 /* \0 */',
    ]) {
      const [statement] = analyzeUncached(sql, MYSQL).statements;
      assert.ok(statement?.kind === 'refused', sql);
      assert.equal(statement.code, 'STATEMENT_NOT_UNDERSTOOD', sql);
    }
  });

  it('an optimizer hint is a comment, unless it may end elsewhere or change how SQL is read', () => {
    const kinds = [
      '/*+ BKA(t) */',
      "/*+ SET_VAR(sort_buffer_size='1') */",
      "/*+ X('*/",
      "/*+ SET_VAR(sql_mode='') */",
    ].map((hint) => analyzeUncached(`SELECT ${hint} 1`, MYSQL).statements[0]?.kind);
    assert.deepEqual(kinds, ['read', 'read', 'refused', 'refused']);
  });

  it('what may be the name of a stored function or a sequence is volatile', () => {
    const volatile = [
      'LOWER(b)',
      'LOWER (b)',
      'shop.LOWER(b)',
      '`LOWER`(b)',
      's.nextval',
      'LOWER(b) = lowest(b)',
    ].map((condition) => {
      const [statement] = analyzeUncached(`DELETE FROM t WHERE ${condition}`, MARIADB).statements;
      assert.ok(statement?.kind === 'delete', condition);
      return statement.volatile;
    });
    assert.deepEqual(volatile, [false, true, true, true, true, true]);
  });

  it('the same text is read once', () => {
    const sql = 'UPDATE t SET a = 1 WHERE id = ?';
    assert.equal(analyze(sql, { ...MYSQL }), analyze(sql, { ...MYSQL }));
    assert.deepEqual(analyze(sql, MYSQL), analyzeUncached(sql, MYSQL));
    assert.notEqual(analyze(sql, { ...MYSQL, ansiQuotes: true }), analyze(sql, MYSQL));
  });
});
