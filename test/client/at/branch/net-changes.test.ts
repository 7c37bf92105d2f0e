import assert from 'node:assert/strict';
import {
  expectationHolds,
  expectedImages,
  lockKeysOf,
} from '../../../../src/client/at/branch/net-changes.js';
import { TouchedRows } from '../../../../src/client/at/branch/touched-rows.js';
import type { ImageRow } from '../../../../src/client/at/image/plan.js';
import type { TableDefinition } from '../../../../src/client/at/table/definition.js';

const TABLE = { schema: 'shop', name: 'users' } as TableDefinition;

function row(id: string, email: string): ImageRow {
  return { row: [id, email], identity: `id ${id}`, uniques: [`email ${email}`] };
}

function touch(touched: TouchedRows, before: ImageRow | null, leaves: ImageRow | null | undefined): void {
  const known = before ?? leaves;
  assert.ok(known);
  touched.add(TABLE, { identity: known.identity, before, keyed: known.row, leaves });
}

describe('the lock keys of a branch before its after images are read', () => {
  const net = (touched: TouchedRows) => touched.net()[0]!;

  it('are the row alone for one that keeps its unique values', () => {
    const touched = new TouchedRows();
    touch(touched, row('1', 'a'), row('1', 'a'));
    assert.deepEqual(lockKeysOf(expectedImages(net(touched))!), ['id 1']);
  });

  it('have the unique values that an inserted row takes and a deleted one frees', () => {
    const touched = new TouchedRows();
    touch(touched, null, row('1', 'a'));
    touch(touched, row('2', 'b'), null);
    assert.deepEqual(lockKeysOf(expectedImages(net(touched))!), ['id 1', 'email a', 'id 2', 'email b']);
  });

  it('follow the last touch of a row, from its first image', () => {
    const touched = new TouchedRows();
    touch(touched, row('1', 'a'), null);
    touch(touched, null, row('1', 'b'));
    assert.deepEqual(lockKeysOf(expectedImages(net(touched))!), ['id 1', 'email a', 'email b']);
    touch(touched, row('1', 'b'), undefined);
    assert.equal(expectedImages(net(touched)), undefined);
  });

  it('must be enough for what the rows turn out to be', () => {
    const touched = new TouchedRows();
    touch(touched, row('1', 'a'), row('1', 'a'));
    const images = (now: ImageRow) => ({ ...net(touched), after: new Map([[now.identity, now]]) });
    assert.equal(expectationHolds(images(row('1', 'a'))), true);
    assert.equal(expectationHolds(images(row('1', 'c'))), false);
  });
});
