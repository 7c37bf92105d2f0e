import fc from 'fast-check';
import { decodeClientMessage } from '../../../src/protocol/wire/decode-client-message.js';
import { randomFrom } from '../../../src/server/core/random.js';
import { problemOf } from '../../../src/server/grpc/validate-frame.js';
import { REFERENCE } from '../../support/reference-codec.js';

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

/** Messages of such frames, some with a byte changed, and some bytes that are no message. */
const bytes: fc.Arbitrary<Buffer> = fc.oneof(
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

/** What one stream sends. */
export interface Noise {
  /** Whether hello comes first, as it should. */
  readonly hello: boolean;
  readonly messages: readonly Buffer[];
}

const POOL = 2_000;
/** A message that ends the stream is sent only so often, so that the coordinator takes what comes. */
const LETHAL = 0.004;
const MUTATED = 0.4;

/** Noise for one stream after the other, from a seed. */
export function makeNoise(seed: number): () => Noise {
  const pool = fc.sample(bytes, { numRuns: POOL, seed });
  const random = randomFrom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const draw = (): Buffer => {
    const message = pool[below(pool.length)]!;
    if (message.length === 0 || random() >= MUTATED) return message;
    const mutated = Buffer.from(message);
    for (let count = 1 + below(3); count > 0; count--) mutated[below(mutated.length)] = below(256);
    return mutated;
  };
  return () => {
    const messages: Buffer[] = [];
    const hello = random() > LETHAL;
    for (;;) {
      const message = draw();
      const isLethal = endsStream(message);
      if (isLethal && random() > LETHAL) continue;
      messages.push(message);
      if (isLethal || !hello) return { hello, messages };
    }
  };
}

function endsStream(message: Buffer): boolean {
  try {
    const { frames } = decodeClientMessage(message);
    return frames.some((frame) => problemOf(frame) !== undefined || frame.body === 'hello');
  } catch {
    return true;
  }
}
