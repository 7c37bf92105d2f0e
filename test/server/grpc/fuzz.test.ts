import assert from 'node:assert/strict';
import fc from 'fast-check';

import { type RunningCoordinator, startCoordinator } from '../../support/coordinator.js';
import { codeOf, RawClient } from '../../support/raw-client.js';
import { REFERENCE } from '../../support/reference-codec.js';

const STREAMS = 150;
const MESSAGES = 10;

const serialize = REFERENCE.requestSerialize;

const name = fc.oneof(fc.constantFrom('', 'r', 'victim', 'c'.repeat(64)), fc.string({ maxLength: 300 }));
const branchId = fc.oneof(
  fc.constantFrom('', '0', '1', '2', '9223372036854775808', '-1', 'x'),
  fc.bigInt().map(String),
);
const id = fc.oneof(fc.constantFrom(0, 1, 4_294_967_295), fc.nat(100));
const number = fc.oneof(fc.constantFrom(0, 1, 4_294_967_295), fc.nat());
const kind = fc.nat(12);

/** Frames of every shape that the wire can carry, sensible and not. Xids are guessed, never the victim's. */
const frame: fc.Arbitrary<object> = fc
  .record({
    id,
    xid: fc.oneof(fc.constantFrom('', 'x', 'y z'), fc.string()),
    name,
    branchId,
    number,
    kind,
    flag: fc.boolean(),
  })
  .chain(({ id: frameId, xid, name: text, branchId: branch, number: value, kind: chosen, flag }) => {
    const begin = { xid, name: text, timeoutMs: value };
    const locks = [{ resourceId: text, table: text, mode: value % 3, keys: flag ? [text] : [] }];
    const bodies: object[] = [
      { hello: { protocol: value % 3, clientId: text, application: text, library: text } },
      { enlistResource: { resourceId: text, kind: text, serverId: text, label: text } },
      { withdrawResource: { resourceId: text } },
      { begin },
      {
        registerBranch: {
          xid,
          begin: flag ? begin : null,
          requestId: text,
          resourceId: text,
          kind: 'AT',
          locks,
          lockWaitMs: value,
          branchId: branch,
          locksOnly: flag,
        },
      },
      { reportBranch: { xid, branchId: branch, outcome: value % 5 } },
      { commit: { xid } },
      { rollback: { xid, reason: text, waitMs: value } },
      { getTransaction: { xid } },
      {
        phaseTwoResult: {
          xid,
          branchId: branch,
          decision: value % 4,
          outcome: value % 6,
          code: text,
          detail: text,
          attempt: value,
        },
      },
      {},
    ];
    return fc.constant({ id: frameId, ...bodies[chosen % bodies.length] });
  });

const bytes = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(frame, { maxLength: 5 }).map((frames) => Buffer.from(serialize({ frames }))),
  },
  {
    weight: 2,
    // One byte of a sensible message changed.
    arbitrary: fc
      .tuple(fc.array(frame, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(255))
      .map(([frames, at, value]) => {
        const message = Buffer.from(serialize({ frames }));
        if (message.length > 0) message[at % message.length] = value;
        return message;
      }),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)) },
);

describe('A coordinator that gets random and mutated messages', () => {
  let coordinator: RunningCoordinator;

  before(async () => {
    coordinator = await startCoordinator();
  });

  after(() => coordinator.stop());

  it('stays up, answers its good clients, and lets nothing be changed', async () => {
    const victim = await RawClient.connect(coordinator.address, { phaseTwo: undefined });
    await victim.enlist('victim');
    const xid = await victim.begin();
    const branch = await victim.branch(xid, 'victim', ['PRIMARY/1']);
    const { pid } = coordinator;
    const options = { numRuns: STREAMS, seed: Number(process.env.GLOBALTX_SEED ?? Date.now() % 2 ** 31) };
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(bytes, { minLength: 1, maxLength: MESSAGES }),
        async (hello, messages) => {
          const hostile = await RawClient.connect(coordinator.address, { hello });
          for (const message of messages) hostile.sendBytes(message);
          const over = await Promise.race([
            hostile.ended,
            hostile
              .request({ body: 'getTransaction', getTransaction: { xid: 'end-of-run' } })
              .catch(() => undefined),
          ]);
          hostile.close();
          assert.notEqual(over, null);
          assert.equal(await victim.status(xid), 'ACTIVE');
        },
      ),
      options,
    );
    assert.equal(coordinator.pid, pid);
    const other = await RawClient.connect(coordinator.address);
    const stranger = await other.begin();
    assert.equal(codeOf(await other.register(stranger, 'victim', ['PRIMARY/1'])), 'LOCK_CONFLICT');
    victim.reportDone(xid, branch);
    const answer = await victim.commit(xid);
    assert.ok(
      answer.body === 'transaction' && answer.transaction.status === 'COMMITTING',
      JSON.stringify(answer),
    );
    for (const client of [victim, other]) client.close();
    await coordinator.restart();
  }).timeout(60_000);
});
