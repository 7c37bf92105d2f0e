import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import type { Row, UndoRecord } from '../../../../src/client/at/image/row.js';
import { deflateRecord, inflateRecord } from '../../../../src/client/at/undo/deflated-record.js';
import { decodeUndoRecord, encodeUndoRecord } from '../../../../src/client/at/undo/encoding.js';
import { GlobalTxError } from '../../../../src/protocol/errors.js';

const value = fc.oneof(
  fc.constant(null),
  fc.string({ unit: 'binary' }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.constantFrom('', '0', 'null', '["AA=="]', '\ud800', '\u0000', "'\\"),
);
const row = fc.option(fc.array(value, { maxLength: 6 }), { nil: null });

const plain = { noNullPrototype: true } as const;

const records: fc.Arbitrary<UndoRecord> = fc.record(
  {
    xid: fc.string(),
    branchId: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String),
    tables: fc.array(
      fc.record(
        {
          schema: fc.string(),
          table: fc.string({ unit: 'grapheme' }),
          columns: fc.array(fc.string({ unit: 'grapheme' })),
          key: fc.array(fc.string()),
          changes: fc.array(fc.record({ before: row, after: row }, plain)),
        },
        plain,
      ),
    ),
  },
  plain,
);

/** Rows have a value for each column. */
const tabular = records.map((written) => ({
  ...written,
  tables: written.tables.map((table) => {
    const fitted = (one: Row | null) => one && table.columns.map((_, at) => one[at] ?? null);
    return {
      ...table,
      changes: table.changes.map(({ before, after }) => ({ before: fitted(before), after: fitted(after) })),
    };
  }),
}));

function record(values: readonly (string | Buffer | null)[]): UndoRecord {
  const table = { schema: 's', table: 't', columns: ['a'], key: ['a'] };
  return {
    xid: 'x',
    branchId: '1',
    tables: [{ ...table, changes: values.map((one) => ({ before: [one], after: null })) }],
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof GlobalTxError && error.code === 'COMPENSATION_REFUSED';
}

describe('An undo record', () => {
  it('comes back with every byte of every value', () => {
    fc.assert(
      fc.property(records, (written) => {
        const { context, rollbackInfo } = encodeUndoRecord(written);
        assert.deepEqual(decodeUndoRecord(context, rollbackInfo), written);
      }),
    );
  });

  it('comes back with every byte from a stream of parts', async () => {
    await fc.assert(
      fc.asyncProperty(tabular, fc.integer({ min: 1, max: 50 }), async (written, bytes) => {
        const parts: Buffer[] = [];
        await deflateRecord(written, bytes, async (part) => {
          parts.push(part);
        });
        assert.ok(parts.slice(0, -1).every((part) => part.length === bytes));
        assert.deepEqual(await inflateRecord(Readable.from(parts)), written);
      }),
    );
  });

  it('is compressed when it is large, and names the compression', () => {
    const small = encodeUndoRecord(record(['x']));
    const large = record(Array.from({ length: 1000 }, (_, at) => `value ${at}`));
    const encoded = encodeUndoRecord(large);
    assert.equal(small.context, 'serializer=globaltx-1&compress=none');
    assert.equal(encoded.context, 'serializer=globaltx-1&compress=deflate');
    assert.ok(encoded.rollbackInfo.length < 8000);
    assert.deepEqual(decodeUndoRecord(encoded.context, encoded.rollbackInfo), large);
  });

  it('is refused when any of its bytes has changed', () => {
    for (const values of [['x'], Array.from({ length: 1000 }, () => 'x')]) {
      const { context, rollbackInfo } = encodeUndoRecord(record(values));
      for (let at = 0; at < rollbackInfo.length; at += 7) {
        const broken = Buffer.from(rollbackInfo);
        broken[at] = broken[at]! ^ 1;
        assert.throws(() => decodeUndoRecord(context, broken), isRefusal);
      }
    }
  });

  it('is refused when it was cut', () => {
    const { context, rollbackInfo } = encodeUndoRecord(record(['x']));
    for (let length = 0; length < rollbackInfo.length; length += 1) {
      assert.throws(() => decodeUndoRecord(context, rollbackInfo.subarray(0, length)), isRefusal);
    }
  });

  it('of another maker is refused by name', () => {
    const { rollbackInfo } = encodeUndoRecord(record(['x']));
    assert.throws(
      () => decodeUndoRecord('serializer=jackson&compressorType=NONE', rollbackInfo),
      /'jackson'/,
    );
    assert.throws(() => decodeUndoRecord('', rollbackInfo), isRefusal);
    assert.throws(() => decodeUndoRecord('serializer=globaltx-1&compress=zip', rollbackInfo), /'zip'/);
  });
});
