import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import axios from 'axios';
import { Agent, request as undiciRequest } from 'undici';
import {
  axiosGlobalTx,
  type OutgoingOptions,
  transactionHeaders,
  undiciGlobalTx,
  withoutTransaction,
} from '../../../src/client/index.js';
import { current } from '../transaction/fake-work.js';
import { useFakeWorld } from '../transaction/fake-world.js';

type Headers = Record<string, string>;

interface Caller {
  readonly name: string;
  /** Calls, and gives what the called service saw: the xid, the header `other`, and the body. */
  call(url: string, headers: Headers, options?: OutgoingOptions): Promise<string>;
}

const CALLERS: readonly Caller[] = [
  {
    name: 'axios',
    async call(url, headers, options) {
      const client = axios.create();
      client.interceptors.request.use(axiosGlobalTx(options));
      const { data } = await client.post<string>(url, 'the body', { headers, responseType: 'text' });
      return data;
    },
  },
  {
    name: 'axios with a baseURL',
    async call(url, headers, options) {
      const client = axios.create({ baseURL: url, transitional: { silentJSONParsing: true } });
      client.interceptors.request.use(axiosGlobalTx(options));
      const { data } = await client.post<string>('/', 'the body', { headers, responseType: 'text' });
      return data;
    },
  },
  ...(['an object', 'a flat list', 'pairs'] as const).map(
    (form): Caller => ({
      name: `undici, with headers as ${form}`,
      async call(url, headers, options) {
        const dispatcher = new Agent().compose(undiciGlobalTx(options));
        const given =
          form === 'an object'
            ? headers
            : form === 'pairs'
              ? new Map(Object.entries(headers))
              : Object.entries(headers).flat();
        try {
          const { body } = await undiciRequest(url, {
            ...{ dispatcher, method: 'POST', headers: given, body: 'the body' },
          });
          return await body.text();
        } finally {
          await dispatcher.close();
        }
      },
    }),
  ),
];

describe('a call to another service', () => {
  const world = useFakeWorld();
  let server: Server;
  let url: string;

  before(async () => {
    server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { tx_xid, 'tx-xid': hyphenated, other } = request.headers;
      response.end([tx_xid ?? 'none', hyphenated ?? 'none', other ?? 'none', body].join());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  after(() => {
    server.closeAllConnections();
    server.close();
  });

  for (const { name, call } of CALLERS) {
    describe(`by ${name}`, () => {
      it('carries the xid, once the coordinator knows of it', async () => {
        await world.gtx.run(async () => {
          const { xid } = current();
          assert.equal(await call(url, { other: 'kept' }), `${xid},${xid},kept,the body`);
          assert.equal(world.fake.all('begin').length, 1);
        });
      });

      it('is left alone outside of a transaction', async () => {
        assert.equal(await call(url, {}), 'none,none,none,the body');
        await world.gtx.run(async () => {
          assert.equal(await withoutTransaction(() => call(url, {})), 'none,none,none,the body');
        });
      });

      it('keeps an xid of its own', async () => {
        await world.gtx.run(async () => {
          assert.equal(await call(url, { tx_xid: 'another' }), 'another,none,none,the body');
          assert.equal(await call(url, { 'tx-xid': 'another' }), 'none,another,none,the body');
        });
      });

      it('is left alone where propagate says so', async () => {
        await world.gtx.run(async () => {
          const propagate = (called: URL) => called.origin !== url;
          assert.equal(await call(url, {}, { propagate }), 'none,none,none,the body');
        });
        assert.equal(world.fake.all('begin').length, 0);
      });

      it('fails when the transaction has ended', async () => {
        let late: Promise<unknown> = Promise.resolve();
        await world.gtx.run(() => {
          late = new Promise((resolve) => setTimeout(resolve, 20)).then(() => call(url, {}));
          late.catch(() => {});
        });
        await assert.rejects(late, { code: 'TRANSACTION_NOT_ACTIVE' });
      });
    });
  }

  it("by Node's own http carries the xid in transactionHeaders()", async () => {
    await world.gtx.run(async () => {
      const headers = await transactionHeaders();
      const text = await new Promise<string>((resolve, reject) => {
        const request = httpRequest(url, { method: 'POST', headers }, (response) => {
          response.setEncoding('utf8').once('data', resolve);
        });
        request.once('error', reject).end('the body');
      });
      assert.equal(text, `${current().xid},${current().xid},none,the body`);
    });
    assert.deepEqual(await transactionHeaders(), {});
  });
});
