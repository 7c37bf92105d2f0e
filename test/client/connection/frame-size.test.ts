import assert from 'node:assert/strict';
import { frameBytes, intoMessages } from '../../../src/client/connection/frame-size.js';
import { CoordinatorService } from '../../../src/protocol/contract.js';
import type { ClientBody, ClientFrame } from '../../../src/protocol/frames.js';

const serialize = (CoordinatorService.Connect ?? assert.fail()).requestSerialize;

function registration(keys: readonly string[]): ClientBody {
  const begin = { xid: 'x'.repeat(128), name: '\u20ac'.repeat(200), timeoutMs: 2 ** 31 };
  const locks = [{ resourceId: 'r', table: 't', mode: 'SHARED' as const, keys }];
  return {
    body: 'registerBranch',
    registerBranch: {
      ...{ xid: begin.xid, begin, requestId: '1', resourceId: 'r', kind: 'AT', locks },
      ...{ lockWaitMs: 2 ** 31, branchId: '18446744073709551615', locksOnly: true },
    },
  };
}

describe('messages to the coordinator', () => {
  for (const [name, body] of [
    ['a registration of 10,000 long keys', registration(Array(10_000).fill('PRIMARY/'.padEnd(120, '7')))],
    ['a registration of short keys', registration(['k', 'l'])],
    ['a rollback with a long reason', rollback('\u20ac'.repeat(500))],
  ] as const) {
    it(`are never larger than they are taken for: ${name}`, () => {
      const wire = serialize({ frames: [{ ...body, id: 2 ** 32 - 1 }] });
      assert.ok(wire.length <= frameBytes(body), `${wire.length} > ${frameBytes(body)}`);
    });
  }

  it('are cut below the limit, in order, and a larger frame travels alone', () => {
    const small = (id: number): ClientFrame => ({ ...rollback('r'), id });
    const large: ClientFrame = { ...registration(Array(1_000).fill('key')), id: 3 };
    const limit = frameBytes(small(1)) * 2;
    const messages = intoMessages([small(1), small(2), large, small(4), small(5), small(6)], limit);
    assert.deepEqual(
      messages.map((frames) => frames.map((frame) => frame.id)),
      [[1, 2], [3], [4, 5], [6]],
    );
  });
});

function rollback(reason: string): ClientBody {
  return { body: 'rollback', rollback: { xid: 'x', reason, waitMs: 1 } };
}
