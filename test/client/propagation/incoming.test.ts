import assert from 'node:assert/strict';
import { Agent, createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import express from 'express';
import { currentTransaction, expressGlobalTx, GlobalTx, httpGlobalTx } from '../../../src/client/index.js';
import type { IncomingOptions } from '../../../src/client/propagation/incoming.js';
import type { Participant, Transaction } from '../../../src/client/transaction/transaction.js';
import { FakeCoordinator } from '../../support/fake-coordinator.js';
import { Log } from '../../support/log.js';
import { FRAMEWORKS, type Service, serve, type Work } from './frameworks.js';

interface Answer {
  readonly status: number;
  readonly body: string;
}

function participant(facts: Partial<Participant>): Participant {
  return { description: 'UPDATE', settled: async () => {}, open: false, abandon: async () => {}, ...facts };
}

function current(): Transaction {
  return currentTransaction() ?? assert.fail('there is no transaction');
}

for (const framework of FRAMEWORKS) {
  describe(`a request to ${framework.name}`, () => {
    let fake: FakeCoordinator;
    let gtx: GlobalTx | undefined;
    let log: Log;
    let service: Service;
    let agent: Agent;

    beforeEach(async () => {
      agent = new Agent({ keepAlive: true, maxSockets: 1 });
      fake = await FakeCoordinator.start();
      log = new Log();
      gtx = await GlobalTx.connect({ coordinator: fake.address, logger: log });
    });

    afterEach(async () => {
      agent.destroy();
      await service.stop();
      await gtx?.close(0);
      await fake.stop();
    });

    async function start(work: Work, options?: IncomingOptions): Promise<void> {
      service = await framework.start(options, work);
    }

    function post(xid: string | readonly string[] | undefined, type = 'application/json'): Promise<Answer> {
      return send({ 'content-type': type, ...(xid === undefined ? {} : { TX_XID: xid }) });
    }

    function send(headers: Readonly<Record<string, unknown>>): Promise<Answer> {
      return new Promise((resolve, reject) => {
        const options = { port: service.port, host: '127.0.0.1', method: 'POST', agent, headers };
        const request = httpRequest(options as object, (response: IncomingMessage) => {
          let body = '';
          response.on('data', (chunk) => {
            body += chunk;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
          response.on('error', reject);
        });
        request.on('error', reject);
        request.write('{"sku":');
        // In a packet of its own.
        setTimeout(() => request.end('"a"}'), 5);
      });
    }

    it('with the header joins the transaction that it names, with a body that was read before', async () => {
      await start(async (body) => {
        assert.deepEqual(body, { sku: 'a' });
        await new Promise((resolve) => setTimeout(resolve, 2));
        return [current().xid, current().role];
      });
      assert.deepEqual(await post('xid-1'), { status: 200, body: '{"result":["xid-1","participant"]}' });
    });

    it('stays in its transaction after a body parser that listens to the stream itself', async () => {
      await start((body) => [body, currentTransaction()?.xid ?? 'none']);
      const bodies: string[] = [];
      for (const xid of ['xid-1', 'xid-2', undefined]) bodies.push((await post(xid, 'text/plain')).body);
      assert.deepEqual(
        bodies,
        ['xid-1', 'xid-2', 'none'].map((xid) => JSON.stringify({ result: ['{"sku":"a"}', xid] })),
      );
    });

    it('without the header runs outside of any transaction, also on a connection that had one', async () => {
      await start(() => currentTransaction()?.xid ?? 'none');
      const xids = ['xid-1', undefined, 'xid-2', undefined];
      const bodies: string[] = [];
      for (const xid of xids) bodies.push((await post(xid)).body);
      assert.deepEqual(
        bodies,
        ['xid-1', 'none', 'xid-2', 'none'].map((result) => JSON.stringify({ result })),
      );
    });

    it('keeps to its own transaction while many run at once', async () => {
      await start(async () => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
        return current().xid;
      });
      agent.destroy();
      agent = new Agent({ keepAlive: true, maxSockets: 10 });
      const xids = Array.from({ length: 50 }, (_, index) => `xid-${index}`);
      const answers = await Promise.all(xids.map((xid) => post(xid)));
      assert.deepEqual(
        answers.map((answer) => answer.body),
        xids.map((result) => JSON.stringify({ result })),
      );
    });

    it('joins by the header that a proxy has left, which drops names with an underscore', async () => {
      await start(() => current().xid);
      const type = { 'content-type': 'application/json' };
      for (const headers of [{ 'TX-XID': 'xid-1' }, { TX_XID: 'xid-1', 'tx-xid': 'xid-1' }])
        assert.deepEqual(await send({ ...type, ...headers }), { status: 200, body: '{"result":"xid-1"}' });
      const { status, body } = await send({ ...type, TX_XID: 'xid-1', 'TX-XID': 'xid-2' });
      assert.equal(status, 400);
      assert.match(body, /INVALID_XID/);
    });

    it('is refused with 400 when the header is no xid', async () => {
      await start(() => 'never');
      for (const xid of ['a b', '', ['a', 'b'], 'x'.repeat(129)]) {
        const answer = await post(xid);
        assert.equal(answer.status, 400);
        assert.match(answer.body, /INVALID_XID/);
      }
    });

    it('is refused with 403 when its sender is not trusted', async () => {
      await start(() => 'welcome', { trust: (request) => request.headers.tx_xid === 'friend' });
      assert.equal((await post('friend')).status, 200);
      assert.equal((await post('stranger')).status, 403);
      assert.equal((await post(undefined)).status, 200);
    });

    it('is refused with 403 when its sender has another address', async () => {
      await start(() => 'welcome', { trust: ['10.0.0.0/8', '::1'] });
      assert.equal((await post('friend')).status, 403);
      assert.equal((await post(undefined)).status, 200);
    });

    it('is welcome when the address of its sender is on the list', async () => {
      await start(() => 'welcome', { trust: ['127.0.0.0/8'] });
      assert.equal((await post('friend')).status, 200);
    });

    it('is refused with 503 when this process has no coordinator', async () => {
      await start(() => currentTransaction()?.xid ?? 'none');
      await gtx?.close();
      gtx = undefined;
      const answer = await post('xid-1');
      assert.equal(answer.status, 503);
      assert.match(answer.body, /NOT_CONNECTED/);
      assert.equal((await post(undefined)).status, 200);
    });

    it('is answered only once its writes are settled', async () => {
      let over = false;
      let transaction: Transaction | undefined;
      await start(() => {
        transaction = current();
        const settled = new Promise<void>((resolve) => setTimeout(resolve, 40)).then(() => {
          over = true;
        });
        transaction.addParticipant(participant({ settled: () => settled }));
      });
      assert.equal((await post('xid-1')).status, 200);
      assert.equal(over, true);
      assert.equal(transaction?.ended, true);
    });

    it('that answers well but leaves a local transaction open is answered for with 500', async () => {
      let abandoned = false;
      await start(() => {
        const abandon = async () => {
          abandoned = true;
        };
        current().addParticipant(participant({ open: true, abandon }));
      });
      const answer = await post('xid-1');
      assert.equal(answer.status, 500);
      assert.match(answer.body, /LOCAL_TRANSACTION_OPEN/);
      assert.equal(abandoned, true);
    });

    it('that answers well but has marked the transaction is answered for with 500', async () => {
      await start(() => current().setRollbackOnly('no stock'));
      const answer = await post('xid-1');
      assert.equal(answer.status, 500);
      assert.match(answer.body, /ROLLBACK_ONLY/);
    });

    it('that fails keeps its own answer, and what it left open is given up', async () => {
      let abandoned = false;
      await start(() => {
        const abandon = async () => {
          abandoned = true;
        };
        current().addParticipant(participant({ open: true, abandon }));
        throw Object.assign(new Error('no stock'), { statusCode: 409, code: 'NO_STOCK' });
      });
      const answer = await post('xid-1');
      assert.equal(answer.status, 409);
      assert.match(answer.body, /no stock/);
      assert.equal(abandoned, true);
    });

    it('whose sender goes away leaves nothing behind', async () => {
      let transaction: Transaction | undefined;
      let gone = (): void => {};
      const left = new Promise<void>((resolve) => (gone = resolve));
      let started = (): void => {};
      const running = new Promise<void>((resolve) => (started = resolve));
      await start(async () => {
        transaction = current();
        transaction.addParticipant(participant({ open: true, abandon: async () => gone() }));
        started();
        await left;
      });
      const answer = post('xid-1').catch(() => 'gone');
      await running;
      agent.destroy();
      await left;
      assert.equal(await answer, 'gone');
      assert.equal(transaction?.ended, true);
    });
  });
}

describe("A request to Node's own server whose listener rejects", () => {
  it('is answered with 500 in a transaction, logged, and what it left open is given up', async () => {
    const fake = await FakeCoordinator.start();
    const log = new Log();
    const gtx = await GlobalTx.connect({ coordinator: fake.address, logger: log });
    let abandoned = 0;
    const listener = httpGlobalTx(async () => {
      const abandon = async () => {
        abandoned += 1;
      };
      current().addParticipant(participant({ open: true, abandon }));
      await Promise.resolve();
      throw new Error('no stock');
    });
    const service = await serve(createServer(listener).listen(0, '127.0.0.1'));
    try {
      const answer = await fetch(`http://127.0.0.1:${service.port}/`, { headers: { TX_XID: 'xid-1' } });
      assert.equal(answer.status, 500);
      assert.match(await answer.text(), /no stock/);
      assert.equal(abandoned, 1);
      const facts = log.lines.find(({ level }) => level === 'warn')?.facts as { err: Error } | undefined;
      assert.match(String(facts?.err), /no stock/);
    } finally {
      await service.stop();
      await gtx.close(0);
      await fake.stop();
    }
  });
});

describe('an Express response that is held until its writes are settled', () => {
  it('is not spoilt by a second end()', async () => {
    const fake = await FakeCoordinator.start();
    const gtx = await GlobalTx.connect({ coordinator: fake.address, logger: new Log() });
    const app = express();
    app.use(expressGlobalTx());
    app.get('/', (_request, response) => {
      const settled = new Promise<void>((resolve) => setTimeout(resolve, 20));
      current().addParticipant(participant({ settled: () => settled }));
      response.end('the answer');
      response.end();
    });
    const service = await serve(app.listen(0, '127.0.0.1'));
    try {
      const answer = await fetch(`http://127.0.0.1:${service.port}/`, { headers: { TX_XID: 'xid-1' } });
      assert.equal(await answer.text(), 'the answer');
    } finally {
      await service.stop();
      await gtx.close(0);
      await fake.stop();
    }
  });
});
