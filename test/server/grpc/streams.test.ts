import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MAX_MESSAGE_BYTES } from '../../../src/protocol/contract.js';
import type { ClientBody, ClientFrame } from '../../../src/protocol/frames.js';
import { type RunningCoordinator, startCoordinator } from '../../support/coordinator.js';
import { codeOf, RawClient } from '../../support/raw-client.js';

const XID = 'a'.repeat(32);
const BEGIN = { xid: XID, name: '', timeoutMs: 0 };
const LOCKS = { resourceId: 'r', table: 't', mode: 'EXCLUSIVE', keys: ['PRIMARY/1'] } as const;
const REGISTER = {
  xid: XID,
  begin: null,
  requestId: 'q',
  resourceId: 'r',
  kind: 'AT',
  locks: [LOCKS],
  lockWaitMs: 0,
  branchId: '',
  locksOnly: false,
} as const;
const RESULT = {
  xid: XID,
  branchId: '1',
  decision: 'COMMIT',
  outcome: 'PHASE_TWO_DONE',
  code: '',
  detail: '',
  attempt: 1,
} as const;
const REPORT = { xid: XID, branchId: '1', outcome: 'PHASE_ONE_DONE' } as const;

function register(more: object): ClientBody {
  return { body: 'registerBranch', registerBranch: { ...REGISTER, ...more } };
}

/** Frames that the contract does not allow, each with a word of the refusal. */
const MALFORMED: readonly (readonly [string, ClientFrame | object, RegExp])[] = [
  ['no body', { id: 1 }, /no body/],
  ['an xid with a space', { id: 1, body: 'begin', begin: { ...BEGIN, xid: 'a b' } }, /begin: xid/],
  ['an empty xid', { id: 1, body: 'commit', commit: { xid: '' } }, /commit: xid/],
  [
    'an xid of 129 characters',
    { id: 1, body: 'rollback', rollback: { xid: 'a'.repeat(129) } },
    /rollback: xid/,
  ],
  ['a request without an id', { id: 0, body: 'commit', commit: { xid: XID } }, /id must not be 0/],
  ['a report with an id', { id: 1, body: 'reportBranch', reportBranch: REPORT }, /id must be 0/],
  [
    'a branch id of 0',
    { id: 0, body: 'reportBranch', reportBranch: { ...REPORT, branchId: '0' } },
    /branch_id/,
  ],
  [
    'a negative branch id',
    { id: 0, body: 'reportBranch', reportBranch: { ...REPORT, branchId: '-1' } },
    /branch_id/,
  ],
  [
    'a branch id of 2^63',
    { id: 0, body: 'reportBranch', reportBranch: { ...REPORT, branchId: '9223372036854775808' } },
    /branch_id/,
  ],
  ['a branch id in hexadecimal', { id: 1, ...register({ branchId: '0x10' }) }, /branch_id/],
  [
    'an outcome of a later version',
    { id: 0, body: 'reportBranch', reportBranch: { ...REPORT, outcome: 7 } },
    /outcome has an unknown value/,
  ],
  [
    'a decision of a later version',
    { id: 0, body: 'phaseTwoResult', phaseTwoResult: { ...RESULT, decision: 9 } },
    /decision has an unknown value/,
  ],
  ['a begin of another transaction', { id: 1, ...register({ begin: { ...BEGIN, xid: 'b' } }) }, /begin\.xid/],
  ['a registration without a request id', { id: 1, ...register({ requestId: '' }) }, /request_id is empty/],
  ['a registration without a resource', { id: 1, ...register({ resourceId: '' }) }, /resource_id is empty/],
  ['locks without keys', { id: 1, ...register({ locks: [{ ...LOCKS, keys: [] }] }) }, /keys is empty/],
  ['an empty lock key', { id: 1, ...register({ locks: [{ ...LOCKS, keys: ['a', ''] }] }) }, /keys is empty/],
  [
    'a lock key of 257 characters',
    { id: 1, ...register({ locks: [{ ...LOCKS, keys: ['k'.repeat(257)] }] }) },
    /longer than 256/,
  ],
  [
    'a lock mode of a later version',
    { id: 1, ...register({ locks: [{ ...LOCKS, mode: 5 }] }) },
    /mode has an unknown value/,
  ],
  [
    'a resource without a server',
    {
      id: 1,
      body: 'enlistResource',
      enlistResource: { resourceId: 'r', kind: 'AT', serverId: '', label: '' },
    },
    /server_id is empty/,
  ],
  [
    'a second hello',
    { id: 1, body: 'hello', hello: { protocol: 1, clientId: 'c', application: '', library: '' } },
    /hello/,
  ],
];

describe('A stream to the coordinator', () => {
  let coordinator: RunningCoordinator;
  let neighbour: RawClient;

  before(async () => {
    coordinator = await startCoordinator({
      args: ['--send-buffer-bytes', '1048576', '--hello-timeout-ms', '500'],
    });
    neighbour = await RawClient.connect(coordinator.address);
  });

  after(async () => {
    neighbour.close();
    await coordinator.stop();
  });

  afterEach('nobody else is harmed', async () => {
    assert.equal(await neighbour.status('never-begun'), 'NOT_FOUND');
  });

  for (const [what, frame, message] of MALFORMED) {
    it(`is ended by a frame with ${what}, which is said`, async () => {
      const client = await RawClient.connect(coordinator.address);
      client.send(frame as ClientFrame);
      const { code, details } = await client.ended;
      assert.equal(code, 3, 'INVALID_ARGUMENT');
      assert.match(details, /^MALFORMED_FRAME: /);
      const last = client.received.at(-1)!;
      assert.equal(codeOf(last), 'MALFORMED_FRAME');
      assert.match(last.body === 'failure' ? last.failure.message : '', message);
      client.close();
    });
  }

  it('is ended when the first frame is not hello', async () => {
    const client = await RawClient.connect(coordinator.address, { hello: false });
    client.send({ id: 1, body: 'getTransaction', getTransaction: { xid: XID } });
    assert.match((await client.ended).details, /^MALFORMED_FRAME: .*hello/);
    client.close();
  });

  it('is ended when hello does not come', async () => {
    const client = await RawClient.connect(coordinator.address, { hello: false });
    assert.match((await client.ended).details, /^MALFORMED_FRAME: No hello came within 500 ms/);
    client.close();
  });

  it('is ended when the client speaks another version', async () => {
    const client = await RawClient.connect(coordinator.address, { hello: false });
    client.send({
      id: 1,
      body: 'hello',
      hello: { protocol: 2, clientId: 'c', application: '', library: '' },
    });
    const { code, details } = await client.ended;
    assert.equal(code, 9, 'FAILED_PRECONDITION');
    assert.match(details, /^PROTOCOL_MISMATCH: /);
    assert.equal(codeOf(client.received[0]!), 'PROTOCOL_MISMATCH');
    client.close();
  });

  it('is ended by bytes that are no message', async () => {
    const client = await RawClient.connect(coordinator.address);
    for (let n = 0; n < 5; n++) client.sendBytes(Buffer.from([0x0a, 0xff, 0xff]));
    assert.match(
      (await client.ended).details,
      /^MALFORMED_FRAME: The bytes are no message: a message is cut off/,
    );
    client.close();
  });

  it('is ended by a message beyond the limit', async () => {
    const client = await RawClient.connect(coordinator.address);
    client.sendBytes(Buffer.alloc(MAX_MESSAGE_BYTES + 1));
    const { code, details } = await client.ended;
    assert.equal(code, 8, `RESOURCE_EXHAUSTED, not ${details}`);
    client.close();
  });

  it('answers the frames before a malformed one, and none behind it', async () => {
    const client = await RawClient.connect(coordinator.address);
    client.send({ id: 11, body: 'getTransaction', getTransaction: { xid: 'one' } });
    client.send({ id: 12, body: 'getTransaction', getTransaction: { xid: '' } });
    client.send({ id: 13, body: 'getTransaction', getTransaction: { xid: 'three' } });
    await client.ended;
    assert.deepEqual(
      client.received.slice(1).map((frame) => [frame.id, frame.body]),
      [
        [11, 'transaction'],
        [0, 'failure'],
      ],
    );
    client.close();
  });

  it('takes and answers a message with a thousand frames in order', async () => {
    const client = await RawClient.connect(coordinator.address);
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) =>
        client.request({ body: 'getTransaction', getTransaction: { xid: `x${n}` } }),
      ),
    );
    assert.deepEqual(
      answers.map((answer) => (answer.body === 'transaction' ? answer.transaction.xid : answer)),
      Array.from({ length: 1_000 }, (_, n) => `x${n}`),
    );
    assert.deepEqual(client.received.slice(1), answers);
    client.close();
  });

  it('cuts texts for people that are too long, and goes on', async () => {
    const client = await RawClient.connect(coordinator.address);
    const xid = await client.begin();
    const answer = await client.request({
      body: 'rollback',
      rollback: { xid, reason: 'because '.repeat(10_000), waitMs: 0 },
    });
    assert.ok(answer.body === 'transaction' && answer.transaction.reason.length === 2_000);
    client.close();
  });

  it('is cut off when the client does not read, and says why once it does', async () => {
    const slow = await RawClient.connect(coordinator.address);
    slow.pause();
    const before = coordinator.log.length;
    for (let n = 0; n < 200_000 && !coordinator.log.includes('does not read', before); n += 1) {
      slow.send({ id: n + 2, body: 'getTransaction', getTransaction: { xid: `${XID}${n}` } });
      if (n % 2_000 === 0) {
        await sleep(5);
        assert.equal(await neighbour.status('never-begun'), 'NOT_FOUND');
      }
    }
    slow.resume();
    const { code, details } = await slow.ended;
    assert.equal(code, 8, details);
    assert.match(details, /^RESOURCE_EXHAUSTED: More than 1048576 bytes \(send-buffer-bytes\) wait/);
    slow.close();
  });

  it('does not fall to a connection that is not gRPC', async () => {
    const session = connectHttp2(`http://${coordinator.address}`);
    session.on('error', () => undefined);
    for (const path of ['/', '/globaltx.v1.Coordinator/Connect', '/globaltx.v1.Coordinator/Nothing']) {
      const request = session.request({ ':path': path, ':method': 'POST' });
      request.on('error', () => undefined);
      request.end('hello?');
      request.resume();
      await once(request, 'close');
    }
    session.close();
  });
});

describe('The number of streams', () => {
  it('is limited: one more client is refused, the others go on', async () => {
    const coordinator = await startCoordinator({ args: ['--max-streams', '3'] });
    const clients = [];
    for (let n = 0; n < 3; n += 1) clients.push(await RawClient.connect(coordinator.address));
    const { code, details } = await (await RawClient.connect(coordinator.address, { hello: false })).ended;
    assert.equal(code, 8);
    assert.match(details, /^RESOURCE_EXHAUSTED: .*max-streams/);
    for (const client of clients) assert.equal(await client.status('x'), 'NOT_FOUND');
    clients.pop()?.close();
    await sleep(200);
    const next = await RawClient.connect(coordinator.address);
    for (const client of [...clients, next]) client.close();
    await coordinator.stop();
  });
});

describe('A client that vanishes', () => {
  const script = fileURLToPath(new URL('../../support/idle-client.js', import.meta.url));

  async function stopped(address: string, ...more: string[]): Promise<ChildProcess> {
    const child = spawn(process.execPath, [script, address, ...more], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGSTOP');
    return child;
  }

  it('is noticed by its silence, and what it waited for is dropped', async () => {
    const coordinator = await startCoordinator({
      args: ['--keepalive-time-ms', '300', '--keepalive-timeout-ms', '300'],
    });
    const child = await stopped(coordinator.address);
    const begun = Date.now();
    while (!coordinator.log.includes('client disconnected') && Date.now() - begun < 10_000) await sleep(50);
    assert.match(coordinator.log, /client disconnected/);
    child.kill('SIGKILL');
    await coordinator.stop();
  });

  it('keeps nobody from its phase two: another one gets it long before its time is over', async () => {
    const coordinator = await startCoordinator();
    const child = await stopped(coordinator.address, 'shop');
    const client = await RawClient.connect(coordinator.address);
    const xid = await client.begin();
    client.reportDone(xid, await client.branch(xid, 'shop', ['PRIMARY/1']));
    await client.commit(xid);
    const other = await RawClient.connect(coordinator.address);
    const begun = Date.now();
    // The one that hangs has it; this one comes too late for the first push.
    await other.enlist('shop');
    while (other.pushesOf(xid).length === 0 && Date.now() - begun < 25_000) await sleep(100);
    assert.equal(other.pushesOf(xid).length, 1);
    for (const one of [client, other]) one.close();
    child.kill('SIGKILL');
    await coordinator.stop();
  }).timeout(40_000);
});
