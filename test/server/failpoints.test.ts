import assert from 'node:assert/strict';
import { startCoordinator } from '../support/coordinator.js';
import { RawClient } from '../support/raw-client.js';

describe('A failpoint of the coordinator', () => {
  it('that is an error ends the coordinator as a failed store does; what was not told is not there', async () => {
    const coordinator = await startCoordinator({
      env: { GLOBALTX_FAILPOINTS: 'before-begin-stored=error@2' },
    });
    const client = await RawClient.connect(coordinator.address);
    const first = await client.begin();
    const second = 'never-stored';
    await assert.rejects(client.begin(second), /the stream ended/);
    assert.deepEqual(await coordinator.exited, { code: 1, signal: null });
    assert.match(coordinator.log, /"level":60.*before-begin-stored was reached.*"code":"STORE_FAILED"/);
    client.close();
    await coordinator.restart({ env: { GLOBALTX_FAILPOINTS: '' } });
    const again = await RawClient.connect(coordinator.address);
    assert.equal(await again.status(first), 'ACTIVE');
    assert.equal(await again.status(second), 'NOT_FOUND');
    again.close();
    await coordinator.stop();
  });

  it('that is a delay stops all of it for so long, and then it goes on', async () => {
    const coordinator = await startCoordinator({
      env: { GLOBALTX_FAILPOINTS: 'before-lock-granted=delay:400@1' },
    });
    const [client, other] = [
      await RawClient.connect(coordinator.address),
      await RawClient.connect(coordinator.address),
    ];
    await client.enlist('r');
    const xid = await client.begin();
    const begun = Date.now();
    const branch = client.branch(xid, 'r', ['PRIMARY/1']);
    await branch;
    assert.ok(Date.now() - begun >= 390);
    assert.equal(await other.status(xid), 'ACTIVE');
    const next = Date.now();
    await client.branch(xid, 'r', ['PRIMARY/2']);
    assert.ok(Date.now() - next < 390, 'it acts the first time only');
    for (const each of [client, other]) each.close();
    await coordinator.stop();
  });

  it('that does not exist, or is written wrongly, is refused with the names that exist', async () => {
    for (const text of ['before-nothing=crash', 'after-begin-stored=explode', 'begin-stored=crash']) {
      await assert.rejects(
        startCoordinator({ env: { GLOBALTX_FAILPOINTS: text } }),
        /is no failpoint.*begin-stored, branch-stored/s,
      );
    }
  });
});
