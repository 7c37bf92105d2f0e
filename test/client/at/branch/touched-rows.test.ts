import assert from 'node:assert/strict';
import { TouchedRows } from '../../../../src/client/at/branch/touched-rows.js';
import type { ImageRow } from '../../../../src/client/at/image/plan.js';
import type { TableDefinition } from '../../../../src/client/at/table/definition.js';

const table = (name: string) => ({ schema: 's', name }) as TableDefinition;
const image = (identity: string, value: string) =>
  ({ identity, row: [value], uniques: [] }) as unknown as ImageRow;

/** Each touched row as 'table identity=before', in order. */
function net(touched: TouchedRows): string[] {
  return touched
    .net()
    .flatMap(({ table: { name }, rows }) =>
      rows.map(
        ({ identity, before }) => `${name} ${identity}=${before === null ? 'none' : String(before.row[0])}`,
      ),
    );
}

describe('the rows that a local transaction has touched', () => {
  it('keep the image from before their first touch', () => {
    const touched = new TouchedRows();
    touched.add(table('t'), { identity: '1', before: image('1', 'first'), keyed: ['1'] });
    touched.add(table('t'), { identity: '1', before: image('1', 'second'), keyed: ['1'] });
    touched.add(table('t'), { identity: '1', before: null, keyed: ['1'] });
    assert.deepEqual(net(touched), ['t 1=first']);
  });

  it('stand in the order of their last touch', () => {
    const touched = new TouchedRows();
    for (const [name, identity] of [
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
      ['a', '1'],
    ] as const) {
      touched.add(table(name), { identity, before: null, keyed: [identity] });
    }
    assert.deepEqual(net(touched), ['b 1=none', 'a 2=none', 'a 1=none']);
  });

  it('are forgotten when a savepoint takes the statement back, whatever the case of its name', () => {
    const touched = new TouchedRows();
    touched.add(table('t'), { identity: '1', before: null, keyed: ['1'] });
    touched.savepoint('Here');
    touched.add(table('t'), { identity: '2', before: null, keyed: ['2'] });
    touched.savepoint('later');
    touched.add(table('t'), { identity: '3', before: null, keyed: ['3'] });
    touched.rollbackTo('HERE');
    assert.deepEqual(net(touched), ['t 1=none']);
    touched.rollbackTo('later');
    assert.deepEqual(net(touched), ['t 1=none'], 'a savepoint set after the one rolled back to is gone');
  });

  it('stay when their savepoint is released, and a savepoint of the same name is the newer one', () => {
    const touched = new TouchedRows();
    touched.savepoint('s');
    touched.add(table('t'), { identity: '1', before: null, keyed: ['1'] });
    touched.savepoint('s');
    touched.add(table('t'), { identity: '2', before: null, keyed: ['2'] });
    touched.rollbackTo('s');
    assert.deepEqual(net(touched), ['t 1=none']);
    touched.releaseSavepoint('s');
    touched.rollbackTo('s');
    assert.deepEqual(net(touched), ['t 1=none']);
  });
});
