import assert from 'node:assert/strict';
import { analyzeUncached } from '../../../../src/client/at/sql/index.js';
import { describeStatement } from './describe.js';
import { MYSQL } from './dialects.js';

function read(sql: string, dialect: Partial<typeof MYSQL>): string {
  return analyzeUncached(sql, { ...MYSQL, ...dialect })
    .statements.map(describeStatement)
    .join(' && ');
}

describe('sql_mode', () => {
  it('ANSI_QUOTES makes "x" an identifier', () => {
    const ansiQuotes = { ansiQuotes: true };
    assert.equal(
      read('UPDATE "t" AS "x" SET "x"."a""b" = 1 WHERE "c" = \'"?\' AND d = ?', ansiQuotes),
      'update t as x set a"b | from "t" AS "x" | where "c" = \'"?\' AND d = ?0',
    );
    assert.equal(read('INSERT INTO "t" ("a") VALUES (\'x\')', ansiQuotes), "insert t (a) [literal 'x']");
    assert.equal(read('INSERT INTO t (a) VALUES ("x")', ansiQuotes), 'insert t (a) [expression "x"]');
    assert.equal(read('INSERT INTO t (a) VALUES ("x")', {}), 'insert t (a) [literal "x"]');
    assert.equal(read('INSERT INTO "t" VALUES (1)', {}), 'not understood: near "t"');
    assert.equal(read('SELECT "\\"', ansiQuotes), 'read');
    assert.equal(read('SELECT @"x\\"', ansiQuotes), 'read');
  });

  it('NO_BACKSLASH_ESCAPES makes a backslash an ordinary character', () => {
    const sql = "UPDATE t SET b = 'a\\' WHERE c = '?' AND d = ' AND e = ?";
    assert.equal(
      read("UPDATE t SET b = 'a\\' WHERE c = ?", { noBackslashEscapes: true }),
      'update t set b | from t | where c = ?0',
    );
    assert.equal(read(sql, { noBackslashEscapes: true }), 'not understood: unclosed string');
    assert.equal(read("UPDATE t SET b = 'a\\' WHERE c = ?", {}), 'not understood: unclosed string');
    assert.equal(read("UPDATE t SET b = 'a\\'' WHERE c = ?", {}), 'update t set b | from t | where c = ?0');
  });
});
