import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { newXid } from '../../src/protocol/xid.js';
import { startCoordinator } from '../support/coordinator.js';
import { RawClient } from '../support/raw-client.js';

const TRANSACTIONS = 3_000;
const IN_FLIGHT = 300;

describe('Many transactions at once', () => {
  it('share writes and messages: each is begun, registered, committed and finished, durably', async function () {
    const coordinator = await startCoordinator();
    const client = await RawClient.connect(coordinator.address);
    await client.enlist('r');
    let next = 0;
    const begun = performance.now();
    const worker = async () => {
      while (next < TRANSACTIONS) {
        next += 1;
        const xid = newXid();
        const begin = { xid, name: 'throughput', timeoutMs: 60_000 };
        client.reportDone(xid, await client.branch(xid, 'r', [`PRIMARY/${next}`], { begin }));
        const answer = await client.commit(xid);
        assert.ok(answer.body === 'transaction' && answer.transaction.status.startsWith('COMMITT'));
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    const seconds = (performance.now() - begun) / 1_000;
    while (client.pushes.length < TRANSACTIONS) await sleep(10);
    // Shown, not judged: other tests share the machine. bench/ measures.
    this.test!.title += `: ${Math.round(TRANSACTIONS / seconds)} transactions/s`;
    client.close();
    await coordinator.stop();
  }).timeout(60_000);
});
