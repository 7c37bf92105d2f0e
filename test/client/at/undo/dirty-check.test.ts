import assert from 'node:assert/strict';
import type { Row, TableChanges } from '../../../../src/client/at/image/row.js';
import { checkRows, rowsToRead, unrestoredRows } from '../../../../src/client/at/undo/dirty-check.js';

type Change = readonly [before: Row | null, after: Row | null];

function changes(...list: readonly Change[]): TableChanges {
  return {
    schema: 's',
    table: 't',
    columns: ['id', 'name', 'qty'],
    key: ['id'],
    changes: list.map(([before, after]) => ({ before, after })),
  };
}

const before: Row = ['1', 'a', '10'];
const after: Row = ['1', 'a', '9'];

describe('The dirty check', () => {
  it('restores rows that are as the branch left them', () => {
    const record = changes([before, after], [null, ['2', 'b', '1']], [['3', 'c', '1'], null]);
    const { restorations, dirty } = checkRows(record, [after, ['2', 'b', '1']]);
    assert.deepEqual(dirty, []);
    assert.deepEqual(restorations, [
      { present: after, target: before },
      { present: ['2', 'b', '1'], target: null },
      { present: null, target: ['3', 'c', '1'] },
    ]);
  });

  it('leaves alone what a person has restored already', () => {
    const record = changes([before, after], [null, ['2', 'b', '1']], [['3', 'c', '1'], null]);
    const checked = checkRows(record, [before, ['3', 'c', '1']]);
    assert.deepEqual(checked, { restorations: [], dirty: [] });
  });

  it('names the key and the columns of a row that someone else has changed, and not its values', () => {
    const { dirty } = checkRows(changes([before, after]), [['1', 'z', '8']]);
    assert.deepEqual(dirty, [{ key: 'id = 1', columns: ['name', 'qty'], found: 'changed' }]);
  });

  it('sees a row that is gone, and one that has come', () => {
    const { dirty } = checkRows(changes([before, after], [['3', 'c', '1'], null]), [['3', 'new', '1']]);
    assert.deepEqual(dirty, [
      { key: 'id = 1', columns: [], found: 'gone' },
      { key: 'id = 3', columns: [], found: 'come' },
    ]);
  });

  it('takes text and bytes, and NULL and an empty text, for different values', () => {
    const text = changes([
      ['1', 'a', null],
      ['1', 'b', ''],
    ]);
    assert.equal(checkRows(text, [['1', Buffer.from('b'), '']]).dirty.length, 1);
    assert.equal(checkRows(text, [['1', 'b', null]]).dirty.length, 1);
  });

  it('takes a row that the collation finds under another spelling of the key for a stranger', () => {
    const record = changes([
      ['A', 'a', '1'],
      ['A', 'a', '2'],
    ]);
    const { dirty } = checkRows(record, [['a', 'a', '2']]);
    assert.deepEqual(
      dirty.map(({ key, found }) => [key, found]),
      [
        ['id = A', 'gone'],
        ['id = a', 'come'],
      ],
    );
  });

  it('follows a row whose key was changed', () => {
    const moved = changes([
      ['1', 'a', '1'],
      ['2', 'a', '1'],
    ]);
    assert.deepEqual(rowsToRead(moved), [
      ['1', 'a', '1'],
      ['2', 'a', '1'],
    ]);
    assert.deepEqual(checkRows(moved, [['2', 'a', '1']]).restorations, [
      { present: ['2', 'a', '1'], target: ['1', 'a', '1'] },
    ]);
    assert.deepEqual(checkRows(moved, [['1', 'a', '1']]), { restorations: [], dirty: [] });
    assert.equal(checkRows(moved, []).dirty.length, 1);
    const taken = checkRows(moved, [
      ['1', 'x', '1'],
      ['2', 'a', '1'],
    ]);
    assert.deepEqual(taken.dirty, [{ key: 'id = 1', columns: [], found: 'come' }]);
  });

  it('follows two rows that swapped their keys', () => {
    const swapped = changes(
      [
        ['1', 'a', '1'],
        ['2', 'a', '1'],
      ],
      [
        ['2', 'b', '1'],
        ['1', 'b', '1'],
      ],
    );
    const { restorations, dirty } = checkRows(swapped, [
      ['2', 'a', '1'],
      ['1', 'b', '1'],
    ]);
    assert.deepEqual(dirty, []);
    assert.equal(restorations.length, 2);
  });
});

describe('The comparison after a restoration', () => {
  it('finds nothing when every row is what it was', () => {
    const record = changes([before, after], [null, ['2', 'b', '1']], [['3', 'c', '1'], null]);
    assert.deepEqual(unrestoredRows(record, [before, ['3', 'c', '1']]), []);
  });

  it('names the column that the server did not take back', () => {
    const record = changes([before, after], [null, ['2', 'b', '1']]);
    assert.deepEqual(
      unrestoredRows(record, [
        ['1', 'a', '11'],
        ['2', 'b', '1'],
      ]),
      [
        { key: 'id = 2', columns: [], found: 'come' },
        { key: 'id = 1', columns: ['qty'], found: 'changed' },
      ].reverse(),
    );
  });
});
