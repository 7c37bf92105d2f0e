import assert from 'node:assert/strict';
import { foundAgainBy } from '../../../../src/client/at/branch/found-again.js';
import { inlineClause } from '../../../../src/client/at/branch/queries.js';
import type { UpdateStatement } from '../../../../src/client/at/sql/analysis.js';
import { analyze } from '../../../../src/client/at/sql/index.js';
import type { TableDefinition } from '../../../../src/client/at/table/definition.js';

const DIALECT = { server: 'mysql', noBackslashEscapes: false, ansiQuotes: false } as const;

function table(...key: readonly string[]): TableDefinition {
  const columns = ['id', 'part', 'v'].map((name) => ({ name, generated: false, updatesItself: false }));
  return { columns, key: { name: 'PRIMARY', columns: key }, triggers: [] } as unknown as TableDefinition;
}

function again(text: string, ...key: readonly string[]): unknown {
  const [statement] = analyze(text, DIALECT).statements;
  assert.equal(statement?.kind, 'update', text);
  const clause = foundAgainBy(statement as UpdateStatement, table(...key));
  return clause && inlineClause(clause, (index) => `{${index}}`).trim();
}

describe('the rows of an UPDATE', () => {
  it('are found again by the key that its condition names', () => {
    for (const condition of ['id = 5', '`id` = -5', 't.id = 5', '`t`.`id` = 5', "id='a b'", 'id IN (5, 6,7)'])
      assert.deepEqual(again(`UPDATE t SET v = 1 WHERE ${condition}`, 'id'), condition);
  });

  it('are found again by that alone, when it names more', () => {
    assert.equal(again('UPDATE t SET v = v - ? WHERE v >= ? AND id = ? AND part = ?', 'id'), 'id = {2}');
    assert.equal(again('UPDATE t SET v = ? WHERE id = ? AND v >= ?', 'id'), 'id = {1}');
  });

  it('need every column of their key, or what the condition is alone', () => {
    assert.equal(
      again('UPDATE t SET v = 1 WHERE part = ? AND v = 1 AND id = ?', 'id', 'part'),
      'part = {0}  AND  id = {1}',
    );
    assert.equal(again('UPDATE t SET v = 1 WHERE id = 5', 'id', 'part'), 'id = 5');
    assert.equal(again('UPDATE t SET v = 1 WHERE id = 5 AND v > 1', 'id', 'part'), undefined);
  });

  it('are not found again by what they change, or by what is not read for certain', () => {
    for (const text of [
      'UPDATE t SET v = 1',
      'UPDATE t SET id = 6 WHERE id = 5',
      'UPDATE t SET v = 1 WHERE v = 5',
      'UPDATE t SET v = 1 WHERE id = 5 OR v = 2',
      'UPDATE t SET v = 1 WHERE v BETWEEN 1 AND 2 AND id = 5',
      'UPDATE t SET v = 1 WHERE id > 5',
      'UPDATE t SET v = 1 WHERE id = 5 + 1',
      "UPDATE t SET v = 1 WHERE id = 'it''s'",
      'UPDATE t SET v = 1 WHERE v = CASE WHEN 1 AND id = 5 THEN 1 END',
      'UPDATE t SET v = 1 WHERE id IN (SELECT 5)',
    ])
      assert.equal(again(text, 'id'), undefined, text);
  });
});
