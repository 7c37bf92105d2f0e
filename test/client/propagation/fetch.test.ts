import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { currentTransaction, GlobalTx, transactionHeaders } from '../../../src/client/index.js';
import { FakeCoordinator } from '../../support/fake-coordinator.js';
import { Log } from '../../support/log.js';

describe('fetch', () => {
  const plainFetch = globalThis.fetch;
  let fake: FakeCoordinator;
  let service: Server;
  let url: string;
  let seen: (string | undefined)[];
  let gtx: GlobalTx;

  async function connect(options: { instrumentFetch?: boolean; propagate?: (url: URL) => boolean } = {}) {
    gtx = await GlobalTx.connect({ coordinator: fake.address, logger: new Log(), ...options });
  }

  beforeEach(async () => {
    seen = [];
    fake = await FakeCoordinator.start();
    service = createServer((request, response) => {
      const { tx_xid: xid, 'tx-xid': hyphenated } = request.headers;
      seen.push(xid === hyphenated ? (xid as string | undefined) : `${xid} and ${hyphenated}`);
      response.end(JSON.stringify({ header: request.headers['x-mine'], method: request.method }));
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/stock`;
  });

  afterEach(async () => {
    await gtx.close(0);
    service.closeAllConnections();
    service.close();
    await fake.stop();
    assert.equal(globalThis.fetch, plainFetch);
  });

  it('carries the xid in the headers TX_XID and TX-XID inside a transaction, which the coordinator then knows', async () => {
    await connect();
    const xid = await gtx.run(async () => {
      await fetch(url);
      assert.equal(fake.all('begin').length, 1);
      await fetch(url);
      return currentTransaction()?.xid;
    });
    assert.deepEqual(seen, [xid, xid]);
    assert.equal(fake.all('begin').length, 1);
    assert.equal(fake.all('commit').length, 1);
  });

  it('is passed on untouched outside of a transaction', async () => {
    await connect();
    await fetch(url);
    assert.deepEqual(seen, [undefined]);
    assert.equal(fake.all('begin').length, 0);
  });

  it('keeps what the caller gave: method, headers, a Request object, a header TX_XID of its own', async () => {
    await connect();
    await gtx.run(async () => {
      const answer = await fetch(url, { method: 'POST', body: 'b', headers: { 'x-mine': 'yes' } });
      assert.deepEqual(await answer.json(), { header: 'yes', method: 'POST' });
      const request = new Request(url, { method: 'PUT', body: 'b', headers: [['x-mine', 'also']] });
      assert.deepEqual(await (await fetch(request)).json(), { header: 'also', method: 'PUT' });
      await fetch(new URL(url), { headers: { tx_xid: 'my-own' } });
    });
    assert.ok(seen[0] !== undefined && seen[0] === seen[1]);
    assert.equal(seen[2], 'my-own and undefined');
  });

  it('leaves out whom propagate leaves out', async () => {
    await connect({ propagate: (to) => to.hostname === 'stock.internal' });
    await gtx.run(async () => {
      await fetch(url);
    });
    assert.deepEqual(seen, [undefined]);
  });

  it('leaves out what goes to no service', async () => {
    await connect();
    await gtx.run(async () => {
      assert.equal(await (await fetch('data:,hello')).text(), 'hello');
    });
    assert.equal(fake.all('begin').length, 0);
  });

  it('fails as it always did for what is no URL', async () => {
    await connect();
    await gtx.run(async () => {
      await assert.rejects(fetch('no url'), TypeError);
    });
  });

  it('is refused after the end of its transaction, when the callee could not join any more', async () => {
    await connect();
    let late: Promise<unknown> = Promise.resolve();
    await gtx.run(async () => {
      late = new Promise((resolve) => setTimeout(resolve, 20)).then(() => fetch(url));
      late.catch(() => {});
    });
    await assert.rejects(late, { code: 'TRANSACTION_NOT_ACTIVE' });
    assert.deepEqual(seen, []);
  });

  it('looks like the native one, and is the native one again after close', async () => {
    await connect();
    assert.notEqual(globalThis.fetch, plainFetch);
    assert.equal(globalThis.fetch.name, plainFetch.name);
    assert.equal(globalThis.fetch.length, plainFetch.length);
    await gtx.close();
    assert.equal(globalThis.fetch, plainFetch);
  });

  it('that someone has wrapped in the meantime stays wrapped, and does nothing more of ours', async () => {
    await connect();
    const ours = globalThis.fetch;
    const wrapped: typeof fetch = (...args) => ours(...args);
    globalThis.fetch = wrapped;
    try {
      await gtx.close();
      assert.equal(globalThis.fetch, wrapped);
      assert.equal((await fetch(url)).status, 200);
    } finally {
      globalThis.fetch = plainFetch;
    }
  });

  it('is not touched when that is asked for; gtx.fetch and transactionHeaders() carry the xid by hand', async () => {
    await connect({ instrumentFetch: false });
    assert.equal(globalThis.fetch, plainFetch);
    assert.deepEqual(await transactionHeaders(), {});
    const xid = await gtx.run(async () => {
      await gtx.fetch(url);
      await fetch(url, { headers: await transactionHeaders() });
      await fetch(url);
      return currentTransaction()?.xid;
    });
    assert.deepEqual(seen, [xid, xid, undefined]);
  });
});
