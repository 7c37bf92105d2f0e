import assert from 'node:assert/strict';
import { analyzeUncached } from '../../../../src/client/at/sql/index.js';
import { describeStatement } from './describe.js';
import { MARIADB, MYSQL } from './dialects.js';

const read = (sql: string): readonly string[] =>
  analyzeUncached(sql, MYSQL).statements.map(describeStatement);

describe('a text of several statements', () => {
  it('gives an analysis and the own text of each', () => {
    const { statements, texts } = analyzeUncached(
      "BEGIN; /* one */ UPDATE t SET b = ';' WHERE a = 1 -- ;\n; DELETE FROM `;` ;\n COMMIT /* ; */ ;",
      MYSQL,
    );
    assert.deepEqual(statements.map(describeStatement), [
      'begin false',
      'update t set b | from t | where a = 1',
      'delete ; | from `;`',
      'commit false false',
    ]);
    assert.deepEqual(texts, [
      'BEGIN',
      "/* one */ UPDATE t SET b = ';' WHERE a = 1",
      'DELETE FROM `;`',
      'COMMIT',
    ]);
  });

  it('counts the placeholders of each from 0', () => {
    assert.deepEqual(read('UPDATE t SET a = ? WHERE b = ?; DELETE FROM t WHERE c = ?'), [
      'update t set a | from t | where b = ?1',
      'delete t | from t | where c = ?0',
    ]);
  });

  it('ends with a refusal where the rest cannot be trusted', () => {
    assert.deepEqual(read("SELECT 1; /*!50000 SELECT ';' */; DELETE FROM t"), [
      'read',
      'not understood: executable comment',
    ]);
    assert.deepEqual(read("SELECT 1; SELECT 'x; DELETE FROM t"), ['read', 'not understood: unclosed string']);
  });

  it('is refused in one of its parts where a compound statement has semicolons inside', () => {
    const { statements } = analyzeUncached('BEGIN NOT ATOMIC DELETE FROM t; COMMIT; END', MARIADB);
    assert.deepEqual(describeStatement(statements[0]!), 'unsupported: BEGIN NOT ATOMIC');
  });
});
