import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SERVER_FAILPOINTS } from '../../src/protocol/failpoints.js';
import type { ServerFrame } from '../../src/protocol/frames.js';
import { newXid } from '../../src/protocol/xid.js';
import { type RunningCoordinator, startCoordinator } from '../support/coordinator.js';
import { codeOf, RawClient } from '../support/raw-client.js';

const MAIN = fileURLToPath(new URL('../../src/server/main.js', import.meta.url));
const RESOURCE = 'bank';

/** What the client was told of one transaction. */
interface Told {
  readonly xid: string;
  readonly key: string;
  branchId: string;
  decision: 'COMMIT' | 'ROLLBACK' | '';
}

const COMMITTED = ['COMMITTING', 'COMMITTED'];
const ROLLED_BACK = ['ROLLING_BACK', 'ROLLED_BACK'];

/** One transaction; ends quietly where the coordinator does. */
async function runTransaction(client: RawClient, told: Told, decision: 'COMMIT' | 'ROLLBACK'): Promise<void> {
  try {
    const { xid, key } = told;
    told.branchId = await client.branch(xid, RESOURCE, [key], {
      begin: { xid, name: 'transfer', timeoutMs: 60_000 },
    });
    client.reportDone(xid, told.branchId);
    const answer = decision === 'COMMIT' ? await client.commit(xid) : await client.rollback(xid);
    assert.equal(answer.body, 'transaction', JSON.stringify(answer));
    told.decision = decision;
  } catch (error) {
    assert.match(String(error), /the stream ended/);
  }
}

/** Holds what the coordinator says now against what it had told before. */
async function requireKept(client: RawClient, stranger: RawClient, told: Told): Promise<void> {
  const status = await client.status(told.xid);
  if (told.decision === 'COMMIT') assert.ok(COMMITTED.includes(status), `it was committed and is ${status}`);
  if (told.decision === 'ROLLBACK')
    assert.ok(ROLLED_BACK.includes(status), `it was rolled back and is ${status}`);
  if (told.branchId === '') return;
  assert.notEqual(status, 'NOT_FOUND', 'its branch was registered');
  if (status !== 'ACTIVE') return;
  const xid = await stranger.begin();
  assert.equal(
    codeOf(await stranger.register(xid, RESOURCE, [told.key])),
    'LOCK_CONFLICT',
    'its lock was granted',
  );
  await stranger.rollback(xid);
}

async function untilEnded(client: RawClient, xid: string): Promise<string> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const status = await client.status(xid);
    if (status === 'COMMITTED' || status === 'ROLLED_BACK' || status === 'NOT_FOUND') return status;
    if (Date.now() > deadline) throw new Error(`${xid} is still ${status}`);
    await sleep(20);
  }
}

/** A client comes back to the restarted coordinator, repeats its reports, and settles what is open. */
async function settle(client: RawClient, told: Told): Promise<void> {
  if (told.branchId !== '') client.reportDone(told.xid, told.branchId);
  const before = await client.status(told.xid);
  const answer: ServerFrame = await client.commit(told.xid);
  const status = await untilEnded(client, told.xid);
  if (COMMITTED.includes(before) || (before === 'ACTIVE' && told.branchId !== '')) {
    assert.equal(status, 'COMMITTED', JSON.stringify(answer));
  }
  for (const { decision } of client.pushesOf(told.xid)) {
    assert.equal(decision, status === 'COMMITTED' ? 'COMMIT' : 'ROLLBACK');
  }
}

async function connectBoth(
  coordinator: RunningCoordinator,
  clientId: string,
): Promise<[RawClient, RawClient]> {
  const client = await RawClient.connect(coordinator.address, { clientId });
  const stranger = await RawClient.connect(coordinator.address);
  return [client, stranger];
}

describe('After kill -9 the coordinator knows everything that it acknowledged', () => {
  for (const name of SERVER_FAILPOINTS) {
    for (const side of ['before', 'after'] as const) {
      for (const decision of ['COMMIT', 'ROLLBACK'] as const) {
        it(`${side} ${name}, on the way to a ${decision.toLowerCase()}`, async () => {
          const coordinator = await startCoordinator({
            env: { GLOBALTX_FAILPOINTS: `${side}-${name}=crash@2` },
            args: ['--commit-patience-ms', '200'],
          });
          const clientId = newXid();
          const first = await RawClient.connect(coordinator.address, { clientId });
          await first.enlist(RESOURCE);
          const all: Told[] = [];
          // The second time that the place is reached, so that there is a state to recover before it.
          for (let n = 1; n <= 3; n += 1) {
            const told: Told = { xid: newXid(), key: `PRIMARY/${n}`, branchId: '', decision: '' };
            all.push(told);
            await runTransaction(first, told, decision);
            await Promise.race([first.ended, sleep(50)]);
          }
          assert.deepEqual(await coordinator.exited, { code: null, signal: 'SIGKILL' });
          first.close();
          await coordinator.restart({ env: {} });
          const [client, stranger] = await connectBoth(coordinator, clientId);
          for (const told of all) await requireKept(client, stranger, told);
          await client.enlist(RESOURCE);
          for (const told of all) await settle(client, told);
          const xid = await stranger.begin();
          const keys = all.map(({ key }) => key);
          await stranger.branch(xid, RESOURCE, keys);
          for (const each of [client, stranger]) each.close();
          await coordinator.stop();
        });
      }
    }
  }

  it('ten times at random moments under load, and the store is sound each time', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'globaltx-crash-'));
    const coordinator = await startCoordinator({ dataDir });
    let transactions = 0;
    let decided = 0;
    for (let kill = 1; kill <= 10; kill += 1) {
      const clientId = newXid();
      const client = await RawClient.connect(coordinator.address, { clientId });
      await client.enlist(RESOURCE);
      const all: Told[] = [];
      let over = false;
      void client.ended.then(() => {
        over = true;
      });
      const load = Array.from({ length: 20 }, async (_, worker) => {
        for (let n = 0; !over; n += 1) {
          const told: Told = {
            xid: newXid(),
            key: `PRIMARY/${kill}/${worker}/${n}`,
            branchId: '',
            decision: '',
          };
          all.push(told);
          await runTransaction(client, told, n % 3 === 2 ? 'ROLLBACK' : 'COMMIT');
        }
      });
      await sleep(100 + kill * 41);
      await coordinator.kill();
      await Promise.all(load);
      client.close();
      await promisify(execFile)(process.execPath, [MAIN, '--verify', dataDir]);
      await coordinator.restart();
      const [again, stranger] = await connectBoth(coordinator, clientId);
      await Promise.all(all.map((told) => requireKept(again, stranger, told)));
      await again.enlist(RESOURCE);
      await Promise.all(all.map((told) => settle(again, told)));
      transactions += all.length;
      decided += all.filter((told) => told.decision !== '').length;
      for (const each of [again, stranger]) each.close();
    }
    await coordinator.stop();
    assert.ok(decided > 200, `only ${decided} of ${transactions} were decided: too few to prove anything`);
    await rm(dataDir, { recursive: true, force: true });
  }).timeout(120_000);
});
