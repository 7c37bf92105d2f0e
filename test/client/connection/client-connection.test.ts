import assert from 'node:assert/strict';
import { parseAddresses } from '../../../src/client/connection/addresses.js';
import { ClientConnection, type StreamListener } from '../../../src/client/connection/client-connection.js';
import type { Logger } from '../../../src/client/logger.js';
import type { GlobalTxError } from '../../../src/protocol/errors.js';
import { FakeCoordinator, failureReply } from '../../support/fake-coordinator.js';
import { TcpProxy } from '../../support/tcp-proxy.js';

const QUIET: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const NOBODY: StreamListener = { connected() {}, disconnected() {}, phaseTwo() {} };
const begin = (xid: string) => ({ body: 'begin', begin: { xid, name: 'n', timeoutMs: 1_000 } }) as const;
const commit = (xid: string) => ({ body: 'commit', commit: { xid } }) as const;

describe('the connection to the coordinator', () => {
  let fake: FakeCoordinator;
  let connection: ClientConnection;
  const proxies: TcpProxy[] = [];

  async function connect(
    addresses: string,
    listener: StreamListener = NOBODY,
    logger: Logger = QUIET,
  ): Promise<ClientConnection> {
    const hello = { clientId: 'client-1', application: 'test', library: 'globaltx/0' };
    connection = new ClientConnection(parseAddresses(addresses), hello, logger);
    connection.start(listener);
    return connection;
  }

  async function proxied(): Promise<TcpProxy> {
    const proxy = await TcpProxy.start(fake.port);
    proxies.push(proxy);
    return proxy;
  }

  beforeEach(async () => {
    fake = await FakeCoordinator.start();
  });

  afterEach(async () => {
    await connection.close(100);
    await fake.stop();
    for (const proxy of proxies.splice(0)) await proxy.stop();
  });

  it('says hello first and waits for the welcome before it sends anything else', async () => {
    let welcome = (): void => {};
    fake.script = async (frame) => {
      if (frame.body === 'hello') await new Promise<void>((resolve) => (welcome = resolve));
      return undefined;
    };
    await connect(fake.address);
    const answered = connection.request(begin('x1'), 5_000);
    const [hello] = await fake.arrived('hello');
    assert.deepEqual(hello?.hello, {
      protocol: 1,
      clientId: 'client-1',
      application: 'test',
      library: 'globaltx/0',
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(fake.received.length, 1);
    welcome();
    await answered;
  });

  it('packs requests that are made together into one message', async () => {
    await connect(fake.address);
    await connection.ready(5_000);
    fake.messages.length = 0;
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => connection.request(begin(`x${index}`), 5_000)),
    );
    assert.deepEqual(fake.messages, [50]);
  });

  it('sends what has no answer again on the next stream, under the same id', async () => {
    fake.script = (frame, stream) => (frame.body === 'commit' && stream === 1 ? 'end' : undefined);
    await connect(fake.address);
    const answer = await connection.request(commit('x1'), 5_000);
    assert.equal(answer.transaction.status, 'COMMITTED');
    const sent = fake.all('commit');
    assert.deepEqual(
      sent.map((frame) => frame.stream),
      [1, 2],
    );
    assert.equal(sent[0]?.id, sent[1]?.id);
    assert.ok((sent[0]?.id ?? 0) > 1);
  });

  it('speaks in the order hello, enlist, reports, requests after a reconnect', async () => {
    const identity = { resourceId: 'r', kind: 'AT', serverId: 's', label: 'l' };
    await connect(fake.address, {
      ...NOBODY,
      connected: () => {
        void connection.requestOnce({ body: 'enlistResource', enlistResource: identity }, 5_000);
      },
    });
    await connection.ready(5_000);
    fake.script = (frame, stream) => (frame.body === 'commit' && stream === 1 ? 'silence' : undefined);
    const committed = connection.request(commit('x1'), 10_000);
    connection.report({ xid: 'x1', branchId: '7', outcome: 'PHASE_ONE_DONE' });
    await fake.arrived('reportBranch');
    fake.endStreams();
    await committed;
    assert.deepEqual(
      fake.received.filter((frame) => frame.stream === 2).map((frame) => frame.body),
      ['hello', 'enlistResource', 'reportBranch', 'commit'],
    );
  });

  it('repeats no report of a branch whose phase two has come, or of a transaction that is decided', async () => {
    const pushed: string[] = [];
    await connect(fake.address, {
      ...NOBODY,
      phaseTwo: (pushes) => pushed.push(...pushes.map((push) => push.branchId)),
    });
    await connection.ready(5_000);
    for (const [xid, branchId] of [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ] as const) {
      connection.report({ xid, branchId, outcome: 'PHASE_ONE_DONE' });
    }
    await fake.arrived('reportBranch', 3);
    const facts = {
      resourceId: 'r',
      kind: 'AT',
      decision: 'COMMIT',
      attempt: 1,
      resolution: 'UNRESOLVED',
      phaseOneDone: false,
    } as const;
    fake.push({ body: 'phaseTwo', phaseTwo: { xid: 'a', branchId: '1', ...facts } });
    await connection.request(commit('b'), 5_000);
    assert.deepEqual(pushed, ['1']);
    fake.endStreams();
    await fake.until(() => fake.all('reportBranch').some((frame) => frame.stream === 2));
    assert.deepEqual(
      fake
        .all('reportBranch')
        .filter((frame) => frame.stream === 2)
        .map((frame) => frame.reportBranch.xid),
      ['c'],
    );
  });

  it('says COORDINATOR_UNAVAILABLE at the deadline, and what was tried', async () => {
    await fake.stop();
    await connect(fake.address);
    await assert.rejects(connection.request(commit('x1'), 300), (error: GlobalTxError) => {
      assert.equal(error.code, 'COORDINATOR_UNAVAILABLE');
      assert.equal(error.xid, 'x1');
      assert.match(
        error.message,
        new RegExp(`no answer to commit within 300 ms; tried ${fake.address} \\(.+\\)`),
      );
      return true;
    });
  });

  it('says COORDINATOR_UNAVAILABLE when the stream stands and no answer comes', async () => {
    fake.script = (frame) => (frame.body === 'commit' ? 'silence' : undefined);
    await connect(fake.address);
    await connection.ready(5_000);
    await assert.rejects(connection.request(commit('x1'), 100), {
      code: 'COORDINATOR_UNAVAILABLE',
      message: /the stream to .* stands/,
    });
  });

  it('gives the code, the text and the facts of a failure', async () => {
    fake.script = (frame) => {
      if (frame.body !== 'begin') return undefined;
      const details = { holder: 'x2' };
      return { body: 'failure', failure: { code: 'LOCK_CONFLICT', message: 'held', xid: 'x1', details } };
    };
    await connect(fake.address);
    await assert.rejects(connection.request(begin('x1'), 5_000), {
      name: 'GlobalTxError',
      code: 'LOCK_CONFLICT',
      message: 'held',
      xid: 'x1',
      details: { holder: 'x2' },
    });
  });

  it('shows the frames of the caller in the stack of an error', async () => {
    fake.script = (frame) => (frame.body === 'begin' ? failureReply('TIMED_OUT', 'too late') : undefined);
    await connect(fake.address);
    async function myOwnFunction(): Promise<void> {
      await connection.request(begin('x1'), 5_000);
    }
    await assert.rejects(myOwnFunction(), (error: Error) => /myOwnFunction/.test(error.stack ?? ''));
  });

  it('comes back when the coordinator does', async () => {
    await connect(fake.address);
    await connection.ready(5_000);
    await fake.stop();
    const committed = connection.request(commit('x1'), 10_000);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await fake.listen();
    assert.equal((await committed).transaction.status, 'COMMITTED');
  });

  it('tries several addresses in turn', async () => {
    const gone = await proxied();
    await gone.stop();
    await connect(`${gone.address},${fake.address}`);
    await connection.ready(2_000);
    await fake.stop();
    await assert.rejects(connection.request(commit('x1'), 500), (error: Error) => {
      assert.ok(error.message.includes(gone.address) && error.message.includes(fake.address), error.message);
      return true;
    });
  });

  it('says aloud that another coordinator has taken the place of the one before', async () => {
    const lines: object[] = [];
    const logger = { ...QUIET, error: (facts: object, message: string) => lines.push({ ...facts, message }) };
    await connect(fake.address, NOBODY, logger);
    await connection.ready(2_000);
    fake.endStreams();
    await connection.request(commit('x1'), 10_000);
    assert.deepEqual(lines, []);
    fake.coordinatorId = 'another';
    fake.endStreams();
    await connection.request(commit('x2'), 10_000);
    const [line] = lines as { former: string; coordinatorId: string; message: string }[];
    assert.deepEqual([line?.former, line?.coordinatorId], ['fake', 'another']);
    assert.match(line!.message, /is another one than before/);
  });

  it('notices a half-open connection within seconds and sends again on another', async () => {
    const proxy = await proxied();
    await connect(proxy.address);
    await connection.ready(5_000);
    proxy.halfOpen();
    const committed = connection.request(commit('x1'), 20_000);
    const started = Date.now();
    assert.equal((await committed).transaction.status, 'COMMITTED');
    assert.ok(Date.now() - started < 10_000, `${Date.now() - started} ms`);
    assert.equal(proxy.accepted, 2);
  });

  it('asks again when the answer is lost on the way', async () => {
    const proxy = await proxied();
    await connect(proxy.address);
    await connection.ready(5_000);
    let lost = false;
    proxy.inspect((_chunk, direction) => {
      if (direction === 'up' || lost || fake.all('commit').length === 0) return 'pass';
      lost = true;
      return 'reset';
    });
    await connection.request(commit('x1'), 10_000);
    assert.equal(fake.all('commit').length, 2);
  });

  it('gives CLIENT_CLOSED to what is in flight when it is closed, after sending what waited', async () => {
    fake.script = (frame) => (frame.body === 'commit' ? 'silence' : undefined);
    await connect(fake.address);
    await connection.ready(5_000);
    const committed = connection.request(commit('x1'), 5_000);
    connection.report({ xid: 'x1', branchId: '1', outcome: 'PHASE_ONE_DONE' });
    const closed = connection.close(1_000);
    await assert.rejects(committed, { code: 'CLIENT_CLOSED', xid: 'x1' });
    await closed;
    assert.equal(fake.all('reportBranch').length, 1);
    await assert.rejects(connection.request(commit('x1'), 5_000), { code: 'CLIENT_CLOSED' });
  });

  it('refuses a frame that the coordinator would not take with RESOURCE_EXHAUSTED', async () => {
    fake.maxFrameBytes = 10_000;
    await connect(fake.address);
    await connection.ready(5_000);
    const rollback = { xid: 'x1', reason: 'r'.repeat(10_000), waitMs: 0 };
    await assert.rejects(connection.request({ body: 'rollback', rollback }, 5_000), {
      code: 'RESOURCE_EXHAUSTED',
      xid: 'x1',
    });
    assert.equal(fake.all('rollback').length, 0);
  });

  it('carries a registration of 100,000 keys', async () => {
    await connect(fake.address);
    const keys = Array.from({ length: 100_000 }, (_, index) => `PRIMARY/${index}`);
    const locks = [{ resourceId: 'r', table: 't', mode: 'EXCLUSIVE' as const, keys }];
    const registerBranch = {
      ...{ xid: 'x1', begin: null, requestId: '1', resourceId: 'r', kind: 'AT', locks },
      ...{ lockWaitMs: 0, branchId: '', locksOnly: false },
    };
    await connection.request({ body: 'registerBranch', registerBranch }, 10_000);
    assert.equal(fake.all('registerBranch')[0]?.registerBranch.locks[0]?.keys.length, 100_000);
  });

  it('is refused at once with PROTOCOL_MISMATCH by a coordinator of another version', async () => {
    fake.script = (frame) =>
      frame.body === 'hello' ? failureReply('PROTOCOL_MISMATCH', 'this coordinator speaks 2') : undefined;
    await connect(fake.address);
    await assert.rejects(connection.ready(5_000), {
      code: 'PROTOCOL_MISMATCH',
      message: /this coordinator speaks 2/,
    });
  });

  it('gives ids of 64 bits as text', async () => {
    fake.script = (frame) =>
      frame.body === 'registerBranch'
        ? { body: 'branchRegistered', branchRegistered: { branchId: '18446744073709551615' } }
        : undefined;
    await connect(fake.address);
    const registerBranch = {
      ...{ xid: 'x1', begin: null, requestId: '1', resourceId: 'r', kind: 'AT', locks: [] },
      ...{ lockWaitMs: 0, branchId: '', locksOnly: false },
    };
    const { branchRegistered } = await connection.request({ body: 'registerBranch', registerBranch }, 5_000);
    assert.equal(branchRegistered.branchId, '18446744073709551615');
  });
});
