import assert from 'node:assert/strict';
import { type RunningCoordinator, startCoordinator } from '../../support/coordinator.js';
import { codeOf, RawClient } from '../../support/raw-client.js';
import { makeNoise, type Noise } from './wire-noise.js';

export interface Attack {
  /** Messages to be sent, at least. */
  readonly messages: number;
  readonly seed: number;
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
export async function attack(plan: Attack): Promise<AttackResult> {
  const coordinator = await startCoordinator();
  try {
    return await attackOn(coordinator, plan);
  } finally {
    await coordinator.stop();
  }
}

async function attackOn(coordinator: RunningCoordinator, { messages, seed }: Attack): Promise<AttackResult> {
  const victim = await RawClient.connect(coordinator.address, { phaseTwo: undefined });
  await victim.enlist('victim');
  const xid = await victim.begin(undefined, 3_600_000);
  const branch = await victim.branch(xid, 'victim', ['PRIMARY/1']);
  const { pid } = coordinator;

  const noise = makeNoise(seed);
  let sent = 0;
  let streams = 0;
  const lane = async (): Promise<void> => {
    while (sent < messages) {
      const next = noise();
      sent += next.messages.length;
      streams += 1;
      await one(coordinator, next);
      if (streams % 10 === 0) assert.equal(await victim.status(xid), 'ACTIVE');
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));

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
async function one({ address }: RunningCoordinator, { hello, messages }: Noise): Promise<void> {
  const hostile = await RawClient.connect(address, { hello });
  for (const message of messages) hostile.sendBytes(message);
  const question = { body: 'getTransaction', getTransaction: { xid: 'end-of-run' } } as const;
  await Promise.race([hostile.ended, hostile.request(question).catch(() => undefined)]);
  hostile.close();
}
