import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningCoordinator, startCoordinator } from '../support/coordinator.js';
import { codeOf, RawClient } from '../support/raw-client.js';

type Line = Readonly<Record<string, unknown>>;

function lines(coordinator: RunningCoordinator): Line[] {
  return coordinator.log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

function about(coordinator: RunningCoordinator, xid: string): string[] {
  return lines(coordinator)
    .filter((line) => line.xid === xid)
    .map((line) => `${line.level} ${line.msg}`);
}

async function untilLogged(coordinator: RunningCoordinator, message: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!coordinator.log.includes(message)) {
    assert.ok(Date.now() < deadline, `'${message}' is not in the log:\n${coordinator.log}`);
    await sleep(10);
  }
}

describe("The coordinator's log", () => {
  it('tells the life of each transaction by its xid, in JSON lines', async () => {
    const coordinator = await startCoordinator({ args: ['--log-level', 'debug'] });
    const client = await RawClient.connect(coordinator.address, { application: 'shop' });
    await client.enlist('r');
    const xid = await client.begin();
    client.reportDone(xid, await client.branch(xid, 'r', ['PRIMARY/1']));
    await client.commit(xid);
    await untilLogged(coordinator, 'transaction ended');
    client.close();
    await coordinator.stop();
    assert.deepEqual(about(coordinator, xid), [
      '20 transaction begun',
      '20 branch registered',
      '20 commit decided',
      '20 phase two sent',
      '20 phase two done',
      '20 transaction ended',
    ]);
    const hello = lines(coordinator).find((line) => line.msg === 'client said hello');
    assert.equal(hello?.application, 'shop');
  });

  it('has rollbacks, time-outs, retries and branches in need of a person at levels that are seen by default', async () => {
    const coordinator = await startCoordinator({ args: ['--retry-first-ms', '50'] });
    let answers = 0;
    const client = await RawClient.connect(coordinator.address, {
      phaseTwo: () => (answers++ === 0 ? 'PHASE_TWO_RETRY' : 'PHASE_TWO_NEEDS_ATTENTION'),
    });
    await client.enlist('r');
    const late = await client.begin(undefined, 100);
    const dirty = await client.begin();
    client.reportDone(dirty, await client.branch(dirty, 'r', ['PRIMARY/1']));
    await client.rollback(dirty);
    await untilLogged(coordinator, 'timed out');
    await untilLogged(coordinator, 'needs attention');
    client.close();
    await coordinator.stop();
    assert.deepEqual(about(coordinator, late), ['40 transaction timed out: rollback decided']);
    assert.deepEqual(about(coordinator, dirty), [
      '30 rollback decided',
      '40 phase two is tried again later',
      '30 phase two sent',
      '40 a branch needs attention: a person must decide',
    ]);
  });
});

describe("The coordinator's metrics", () => {
  async function read(coordinator: RunningCoordinator): Promise<Map<string, number>> {
    const line = lines(coordinator).find(({ msg }) => msg === 'serving metrics');
    const response = await fetch(`http://127.0.0.1:${line?.port}/metrics`);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain/);
    const rows = (await response.text()).split('\n').filter((row) => row !== '' && !row.startsWith('#'));
    return new Map(
      rows.map((row) => [row.slice(0, row.lastIndexOf(' ')), Number(row.slice(row.lastIndexOf(' ')))]),
    );
  }

  it('count transactions, branches, locks, waits, flushes, streams and refusals', async () => {
    const coordinator = await startCoordinator({ args: ['--metrics-port', '0'] });
    const client = await RawClient.connect(coordinator.address);
    await client.enlist('r');
    const first = await client.begin();
    client.reportDone(first, await client.branch(first, 'r', ['PRIMARY/1', 'PRIMARY/2']));
    const second = await client.begin();
    const third = await client.begin();
    assert.equal(codeOf(await client.register(third, 'r', ['PRIMARY/2'])), 'LOCK_CONFLICT');
    const waiting = client.branch(second, 'r', ['PRIMARY/1'], { lockWaitMs: 5_000 });
    await sleep(100);
    const during = await read(coordinator);
    assert.equal(during.get('globaltx_transactions'), 3);
    assert.equal(during.get('globaltx_locks'), 2);
    assert.equal(during.get('globaltx_waiting'), 1);
    assert.equal(during.get('globaltx_streams'), 1);
    await client.commit(first);
    client.reportDone(second, await waiting);
    await client.rollback(second);
    await client.rollback(third);
    await sleep(300);
    const after = await read(coordinator);
    client.close();
    await coordinator.stop();
    assert.equal(after.get('globaltx_transactions_total{outcome="begun"}'), 3);
    assert.equal(after.get('globaltx_transactions_total{outcome="committed"}'), 1);
    assert.equal(after.get('globaltx_transactions_total{outcome="rolled_back"}'), 2);
    assert.equal(after.get('globaltx_branches_total'), 2);
    assert.equal(after.get('globaltx_refusals_total{code="LOCK_CONFLICT"}'), 1);
    assert.equal(after.get('globaltx_locks'), 0);
    assert.equal(after.get('globaltx_lock_wait_seconds_count'), 1);
    assert.ok((after.get('globaltx_lock_wait_seconds_sum') ?? 0) >= 0.05);
    assert.equal(after.get('globaltx_phase_two_seconds_count{decision="commit"}'), 1);
    assert.ok((after.get('globaltx_store_flush_seconds_count') ?? 0) > 0);
    assert.ok((after.get('globaltx_nodejs_eventloop_lag_seconds') ?? -1) >= 0);
  });
});
