import assert from 'node:assert/strict';
import type { Outcome } from '../../../src/client/connection/requests.js';
import type { Logger } from '../../../src/client/logger.js';
import { EnlistedResources } from '../../../src/client/resource/registry.js';
import type { Resource } from '../../../src/client/resource/resource.js';
import type { ClientBody } from '../../../src/protocol/frames.js';

const QUIET: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const DONE: Outcome = { kind: 'answer', body: { body: 'done', done: {} } };

function refusal(code: string): Outcome {
  return { kind: 'failure', failure: { code, message: `refused: ${code}`, xid: '', details: {} } };
}

function resource(resourceId: string, serverId = 'server-1'): Resource {
  return {
    identity: { resourceId, kind: 'AT', serverId, label: `${resourceId}@somewhere` },
    phaseTwo: async () => [],
  };
}

describe('the resources of a process', () => {
  let asked: string[];
  let answers: Outcome[];
  let connected: boolean;
  let withdrawn: string[];
  let resources: EnlistedResources;

  beforeEach(() => {
    asked = [];
    answers = [];
    withdrawn = [];
    connected = true;
    resources = new EnlistedResources(
      {
        get connected() {
          return connected;
        },
        async requestOnce(body: ClientBody) {
          assert.equal(body.body, 'enlistResource');
          if (body.body === 'enlistResource') {
            asked.push(`${body.enlistResource.resourceId}@${body.enlistResource.serverId}`);
          }
          return answers.shift() ?? DONE;
        },
        withdraw: (resourceId) => withdrawn.push(resourceId),
      },
      QUIET,
    );
  });

  afterEach(() => resources.close());

  it('are enlisted once the coordinator has accepted them', async () => {
    const shop = resource('shop');
    await resources.enlist(shop);
    assert.deepEqual(asked, ['shop@server-1']);
    assert.equal(resources.find('shop'), shop);
  });

  it('wait for a coordinator that is away', async () => {
    connected = false;
    const enlisted = resources.enlist(resource('shop'), 5_000);
    connected = true;
    resources.connected();
    await enlisted;
    assert.deepEqual(asked, ['shop@server-1']);
  });

  it('are not enlisted when the coordinator stays away, but will be when it comes', async () => {
    connected = false;
    await assert.rejects(resources.enlist(resource('shop'), 30), { code: 'COORDINATOR_UNAVAILABLE' });
    assert.ok(resources.find('shop'));
    resources.connected();
    assert.deepEqual(asked, ['shop@server-1']);
  });

  it('are enlisted again on every new stream', async () => {
    await resources.enlist(resource('shop'));
    await resources.enlist(resource('stock'));
    resources.disconnected();
    resources.connected();
    assert.deepEqual(asked.slice(2), ['shop@server-1', 'stock@server-1']);
  });

  it('are refused with RESOURCE_CLAIMED_TWICE, and asked for again until the claim is free', async () => {
    answers = [refusal('RESOURCE_CLAIMED_TWICE'), refusal('RESOURCE_CLAIMED_TWICE')];
    await assert.rejects(resources.enlist(resource('shop')), (error: Error & { code: string }) => {
      assert.equal(error.code, 'RESOURCE_CLAIMED_TWICE');
      assert.match(error.stack ?? '', /registry\.test/);
      return true;
    });
    while (asked.length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    const accepted = asked.length;
    await resources.enlist(resource('shop'));
    assert.equal(asked.length, accepted);
  });

  it('are asked for again when the coordinator does not answer', async () => {
    answers = [{ kind: 'deadline' }];
    await resources.enlist(resource('shop'));
    assert.equal(asked.length, 2);
  });

  it('are replaced by a later one of the same id, which need not be asked for when it is the same database', async () => {
    await resources.enlist(resource('shop'));
    const later = resource('shop');
    await resources.enlist(later);
    assert.equal(resources.find('shop'), later);
    assert.equal(asked.length, 1);
    await resources.enlist(resource('shop', 'server-2'));
    assert.deepEqual(asked, ['shop@server-1', 'shop@server-2']);
  });

  it('are enlisted for all who wait, when one takes the place of another that was not accepted yet', async () => {
    connected = false;
    const both = [resources.enlist(resource('shop'), 5_000), resources.enlist(resource('shop'), 5_000)];
    resources.connected();
    await Promise.all(both);
    assert.equal(asked.length, 1);
  });

  it('are known no more once they are withdrawn', async () => {
    await resources.enlist(resource('shop'));
    resources.withdraw('shop');
    assert.equal(resources.find('shop'), undefined);
    assert.deepEqual(withdrawn, ['shop']);
    resources.disconnected();
    resources.connected();
    assert.equal(asked.length, 1);
  });

  it('that wait get CLIENT_CLOSED when the client is closed', async () => {
    connected = false;
    const enlisted = resources.enlist(resource('shop'), 5_000);
    resources.close();
    await assert.rejects(enlisted, { code: 'CLIENT_CLOSED' });
    await assert.rejects(resources.enlist(resource('shop')), { code: 'CLIENT_CLOSED' });
  });
});
