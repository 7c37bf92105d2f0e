import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type RunningCoordinator, startCoordinator } from '../../support/coordinator.js';
import { codeOf, RawClient } from '../../support/raw-client.js';
import { bytes } from './wire-noise.js';

export interface Attack {
  /** Messages to be sent, at least. */
  readonly messages: number;
  readonly seed: number;
  /** Messages of one stream, at most; most streams end at their first. */
  readonly messagesAStream: number;
}

export interface AttackResult {
  readonly seed: number;
  readonly streams: number;
  readonly messages: number;
}

/** Streams that attack at one time. */
const AT_ONCE = 8;

/**
 * Sends random and mutated messages to a coordinator, each stream its own, while a good client has a transaction open.
 * @throws AssertionError when the coordinator ends, does not answer the good client, or has changed anything of its
 */
export async function attack({ messages, seed, messagesAStream }: Attack): Promise<AttackResult> {
  const coordinator = await startCoordinator();
  try {
    return await attackOn(coordinator, { messages, seed, messagesAStream });
  } finally {
    await coordinator.stop();
  }
}

async function attackOn(
  coordinator: RunningCoordinator,
  { messages, seed, messagesAStream }: Attack,
): Promise<AttackResult> {
  const victim = await RawClient.connect(coordinator.address, { phaseTwo: undefined });
  await victim.enlist('victim');
  const xid = await victim.begin(undefined, 3_600_000);
  const branch = await victim.branch(xid, 'victim', ['PRIMARY/1']);
  const { pid } = coordinator;

  const plan = fc.tuple(fc.boolean(), fc.array(bytes, { minLength: 1, maxLength: messagesAStream }));
  let sent = 0;
  let streams = 0;
  const lane = async (number: number): Promise<void> => {
    for (let part = 0; sent < messages; part++) {
      const samples = fc.sample(plan, { numRuns: 20, seed: seed + part * AT_ONCE + number });
      for (const [hello, noise] of samples) {
        await one(coordinator, hello, noise);
        sent += noise.length;
        streams += 1;
      }
      assert.equal(await victim.status(xid), 'ACTIVE');
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, number) => lane(number)));

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
  // What it has stored makes sense to another life of it.
  await coordinator.restart();
  return { seed, streams, messages: sent };
}

/** Resolves when the stream has been ended, or has answered what came behind the noise. */
async function one({ address }: RunningCoordinator, hello: boolean, noise: readonly Buffer[]): Promise<void> {
  const hostile = await RawClient.connect(address, { hello });
  for (const message of noise) hostile.sendBytes(message);
  const question = { body: 'getTransaction', getTransaction: { xid: 'end-of-run' } } as const;
  await Promise.race([hostile.ended, hostile.request(question).catch(() => undefined)]);
  hostile.close();
}
