import assert from 'node:assert/strict';
import { analyzeUncached, mayControl } from '../../../../src/client/at/sql/index.js';
import { MYSQL } from './dialects.js';
import { CONTROL_FORMS } from './forms/control.js';
import { DELETE_FORMS } from './forms/delete.js';
import { INSERT_FORMS } from './forms/insert.js';
import { READ_FORMS } from './forms/read.js';
import { UPDATE_FORMS } from './forms/update.js';

const PREFIXES = [
  '',
  ' \t\r\n',
  '/* x */',
  '-- x\n',
  '# x\n',
  '--\n',
  '/**/ # /*\n --\t;\n',
  ';',
  ' ;; ',
  '/*!40101 */ ',
];

describe('mayControl', () => {
  it('is true for every statement that controls the transaction or the session, whatever stands in front', () => {
    const controls = [
      ...CONTROL_FORMS.map(({ sql }) => sql),
      "XA START 'x'",
      'LOCK TABLES t WRITE',
      'UNLOCK TABLES',
      'xa end',
    ];
    for (const prefix of PREFIXES) {
      for (const sql of controls) assert.equal(mayControl(prefix + sql), true, prefix + sql);
    }
  });

  it('is false for the statements that applications send most', () => {
    for (const { sql } of [...INSERT_FORMS, ...UPDATE_FORMS, ...DELETE_FORMS, ...READ_FORMS]) {
      if (!sql.replace(/;$/, '').includes(';')) assert.equal(mayControl(sql), false, sql);
    }
  });

  it('is true where a comment may be executed', () => {
    for (const sql of [
      '/*!40000 COMMIT */',
      '/*! SET autocommit = 0 */',
      '/*M!100000 ROLLBACK */',
      ' /* x */ /*!COMMIT*/',
    ]) {
      assert.equal(mayControl(sql), true, sql);
    }
  });

  it('is true for several statements, and false for one that ends with a semicolon', () => {
    assert.equal(mayControl('SELECT 1; COMMIT'), true);
    assert.equal(mayControl('SELECT 1 ; '), false);
    assert.equal(mayControl('SELECT 1;;COMMIT'), true);
    assert.equal(mayControl('SELECT 1;;'), true);
  });

  it('agrees with the analysis on every text that it calls harmless', () => {
    for (const sql of ['', '(', 'S', 'SE', 'SELECT 1', '/*', '--', '#', '-- x', 'US', "X'41'"]) {
      assert.equal(mayControl(sql), false, sql);
      assert.ok(!analyzeUncached(sql, MYSQL).statements.some(({ kind }) => kind === 'control'), sql);
    }
  });
});
