import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ClientFrame, ServerFrame } from '../../../src/protocol/frames.js';
import { decodeClientMessage } from '../../../src/protocol/wire/decode-client-message.js';
import { encodeClientMessage } from '../../../src/protocol/wire/encode-client-message.js';
import {
  DECISIONS,
  LOCK_MODES,
  PHASE_ONE_OUTCOMES,
  PHASE_TWO_OUTCOMES,
  RESOLUTIONS,
  STATUSES,
} from '../../../src/protocol/wire/names.js';
import { decodeServerMessage, encodeServerMessage } from '../../../src/protocol/wire/server-message.js';
import { REFERENCE } from '../../support/reference-codec.js';

const number = fc.oneof(fc.constantFrom(0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 - 1), fc.nat());
const text = fc.oneof(
  fc.constantFrom(
    '',
    'x',
    'AT',
    '9223372036854775807',
    'é',
    '\u20ac\u{1f600}',
    'x'.repeat(127),
    'y'.repeat(128),
  ),
  fc.constantFrom('z'.repeat(16_380), 'ä'.repeat(8_190), '\u0000'),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 200 }),
);
const any = <Name extends string>(names: readonly Name[]) => fc.constantFrom(...names);

const begin = fc.record({ xid: text, name: text, timeoutMs: number });
const lockSet = fc.record({
  resourceId: text,
  table: text,
  mode: any(LOCK_MODES),
  keys: fc.array(text, { maxLength: 5 }),
});
const xid = fc.record({ xid: text });

function body<Name extends string, Body>(name: Name, arbitrary: fc.Arbitrary<Body>) {
  return fc.record({ id: number, body: fc.constant(name), [name]: arbitrary });
}

const clientFrame = fc.oneof(
  body('hello', fc.record({ protocol: number, clientId: text, application: text, library: text })),
  body('enlistResource', fc.record({ resourceId: text, kind: text, serverId: text, label: text })),
  body('withdrawResource', fc.record({ resourceId: text })),
  body('begin', begin),
  body(
    'registerBranch',
    fc.record({
      xid: text,
      begin: fc.option(begin),
      requestId: text,
      resourceId: text,
      kind: text,
      locks: fc.array(lockSet, { maxLength: 4 }),
      lockWaitMs: number,
      branchId: text,
      locksOnly: fc.boolean(),
    }),
  ),
  body('reportBranch', fc.record({ xid: text, branchId: text, outcome: any(PHASE_ONE_OUTCOMES) })),
  body('commit', xid),
  body('rollback', fc.record({ xid: text, reason: text, waitMs: number })),
  body('getTransaction', xid),
  body(
    'phaseTwoResult',
    fc.record({
      xid: text,
      branchId: text,
      decision: any(DECISIONS),
      outcome: any(PHASE_TWO_OUTCOMES),
      code: text,
      detail: text,
      attempt: number,
    }),
  ),
) as unknown as fc.Arbitrary<ClientFrame>;

const serverFrame = fc.oneof(
  body('welcome', fc.record({ protocol: number, coordinatorId: text, maxFrameBytes: number })),
  body('done', fc.constant({})),
  body('branchRegistered', fc.record({ branchId: text })),
  body(
    'transaction',
    fc.record({ xid: text, status: any(STATUSES), reason: text, unfinishedBranches: number }),
  ),
  body(
    'phaseTwo',
    fc.record({
      xid: text,
      branchId: text,
      resourceId: text,
      kind: text,
      decision: any(DECISIONS),
      attempt: number,
      resolution: any(RESOLUTIONS),
      phaseOneDone: fc.boolean(),
    }),
  ),
  body(
    'failure',
    fc.record({
      code: text,
      message: text,
      xid: text,
      // An object has no property of that name: protobufjs loses it.
      details: fc.dictionary(
        fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'),
        text,
      ),
    }),
  ),
) as unknown as fc.Arbitrary<ServerFrame>;

/** As plain objects: what a frame says, whatever made it. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe('Messages of the stream', () => {
  it('from a client are written and read as protobufjs writes and reads them', () => {
    fc.assert(
      fc.property(fc.array(clientFrame, { maxLength: 4 }), (frames) => {
        const expected = plain({ frames });
        assert.deepEqual(plain(REFERENCE.requestDeserialize(encodeClientMessage({ frames }))), expected);
        assert.deepEqual(plain(decodeClientMessage(REFERENCE.requestSerialize({ frames }))), expected);
        assert.deepEqual(plain(decodeClientMessage(encodeClientMessage({ frames }))), expected);
      }),
      { numRuns: 500 },
    );
  }).timeout(30_000);

  it('from the coordinator are written and read as protobufjs writes and reads them', () => {
    fc.assert(
      fc.property(fc.array(serverFrame, { maxLength: 4 }), (frames) => {
        const expected = plain({ frames });
        assert.deepEqual(plain(REFERENCE.responseDeserialize(encodeServerMessage({ frames }))), expected);
        assert.deepEqual(plain(decodeServerMessage(REFERENCE.responseSerialize({ frames }))), expected);
      }),
      { numRuns: 500 },
    );
  }).timeout(30_000);

  it('larger than any buffer that was there before arrive whole, and smaller ones behind them', () => {
    const keys = Array.from({ length: 100_000 }, (_, n) => `PRIMARY/${n}`);
    const locks = [{ resourceId: 'r', table: 't', mode: 'SHARED', keys }] as const;
    const registerBranch = {
      ...{ xid: 'x', begin: null, requestId: '1', resourceId: 'r', kind: 'AT', locks },
      ...{ lockWaitMs: 0, branchId: '', locksOnly: false },
    };
    const large: ClientFrame = { id: 2, body: 'registerBranch', registerBranch };
    const small: ClientFrame = { id: 3, body: 'commit', commit: { xid: 'x' } };
    const bytes = encodeClientMessage({ frames: [small, large, small] });
    assert.deepEqual(plain(decodeClientMessage(bytes)), { frames: [small, large, small] });
    assert.deepEqual(plain(decodeClientMessage(encodeClientMessage({ frames: [small] }))), {
      frames: [small],
    });
    assert.deepEqual(plain(REFERENCE.requestDeserialize(bytes)), { frames: [small, large, small] });
  });

  it('with fields and names of a newer version are read as far as they are known', () => {
    const bytes = Buffer.concat([
      // A frame (field 1) with id 7, a field 100 of each wire type, and a commit of 'x' with a field 9.
      Buffer.from([0x0a, 0x23, 0x08, 0x07, 0xa0, 0x06, 0x96, 0x01, 0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8]),
      Buffer.from([0xa2, 0x06, 0x02, 0xff, 0xff, 0xa5, 0x06, 1, 2, 3, 4, 0x42, 0x06, 0x0a, 0x01, 0x78]),
      Buffer.from([0x4a, 0x01, 0x79]),
    ]);
    assert.deepEqual(plain(decodeClientMessage(bytes)), {
      frames: [{ id: 7, body: 'commit', commit: { xid: 'x' } }],
    });
    const frames = [{ id: 0, reportBranch: { xid: 'x', branchId: '1', outcome: 77 } }];
    const [frame] = decodeClientMessage(REFERENCE.requestSerialize({ frames })).frames;
    assert.equal(frame?.body === 'reportBranch' ? frame.reportBranch.outcome : '', 77);
  });

  it('that are none are refused, wherever they were cut off and whatever byte is wrong', () => {
    fc.assert(
      fc.property(
        fc.array(clientFrame, { minLength: 1, maxLength: 2 }),
        fc.nat(),
        fc.nat(255),
        (frames, at, byte) => {
          const whole = encodeClientMessage({ frames });
          const cut = whole.subarray(0, at % whole.length);
          const changed = Buffer.from(whole);
          changed[at % whole.length] = byte;
          for (const bytes of [cut, changed]) {
            try {
              decodeClientMessage(bytes);
            } catch (error) {
              assert.ok(error instanceof RangeError, String(error));
            }
          }
        },
      ),
      { numRuns: 2_000 },
    );
    for (const bytes of [[0x0a, 0xff, 0xff], [0x00], [0x07], [0x0a, 0x05, 0x08], Array(11).fill(0x88)]) {
      assert.throws(() => decodeClientMessage(Buffer.from(bytes)), RangeError);
    }
  }).timeout(30_000);

  it('that cannot be written leave nothing behind in the next one', () => {
    const broken = { id: 1, body: 'commit', commit: {} } as unknown as ClientFrame;
    assert.throws(() => encodeClientMessage({ frames: [broken] }));
    const frame: ClientFrame = { id: 1, body: 'commit', commit: { xid: 'x' } };
    assert.deepEqual(plain(decodeClientMessage(encodeClientMessage({ frames: [frame] }))), {
      frames: [frame],
    });
  });
});
