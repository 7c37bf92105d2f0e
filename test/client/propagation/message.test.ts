import assert from 'node:assert/strict';
import { currentTransaction, joinMessage, transactionHeaders } from '../../../src/client/index.js';
import { current, FakeWork } from '../transaction/fake-work.js';
import { useFakeWorld } from '../transaction/fake-world.js';

interface Headers {
  readonly [name: string]: unknown;
}

/** Messages in the shapes in which the libraries give them. */
const BROKERS = [
  {
    name: 'amqplib',
    message: (headers?: Headers) => ({
      content: Buffer.from('{}'),
      fields: { deliveryTag: 1, redelivered: false, exchange: '', routingKey: 'q', consumerTag: 'c' },
      properties: { headers, contentType: undefined },
    }),
  },
  {
    name: 'KafkaJS',
    message: (headers: Headers = {}) => ({
      key: null,
      value: Buffer.from('{}'),
      timestamp: '0',
      attributes: 0,
      offset: '1',
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, Buffer.from(String(value))]),
      ),
    }),
  },
] as const;

for (const { name, message } of BROKERS) {
  describe(`a message of ${name}`, () => {
    const world = useFakeWorld();

    it('with the header is handled inside the transaction that it names', async () => {
      const seen = await joinMessage(message({ TX_XID: 'xid-1' }), async () => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        return [current().xid, current().role];
      });
      assert.deepEqual(seen, ['xid-1', 'participant']);
      assert.deepEqual(world.decisions(), []);
    });

    it('without the header is handled outside of any, wherever its consumer was started', async () => {
      await world.gtx.run(async () => {
        assert.equal(await joinMessage(message(), () => currentTransaction()), undefined);
        assert.equal(await joinMessage(message({ other: 1 }), () => currentTransaction()), undefined);
      });
    });

    it('takes the xid along when it is sent with transactionHeaders()', async () => {
      await world.gtx.run(async () => {
        const sent = message(await transactionHeaders());
        assert.equal(world.fake.all('begin').length, 1);
        assert.equal(await joinMessage(sent, () => current().xid), current().xid);
      });
    });

    it('is refused when its header is no xid, or its sender is not trusted', async () => {
      for (const xid of ['a b', '', 'x'.repeat(129)]) {
        await assert.rejects(
          joinMessage(message({ TX_XID: xid }), () => assert.fail('it was handled')),
          { code: 'INVALID_XID' },
        );
      }
      const untrusted = joinMessage(message({ TX_XID: 'xid-1' }), () => assert.fail('it was handled'), {
        trust: () => false,
      });
      await assert.rejects(untrusted, { code: 'INVALID_XID' });
    });

    it('is refused when this process has no coordinator', async () => {
      await world.gtx.close(0);
      const refused = joinMessage(message({ TX_XID: 'xid-1' }), () => assert.fail('it was handled'));
      await assert.rejects(refused, { code: 'NOT_CONNECTED' });
    });

    it('whose handler leaves a local transaction open is not taken for handled', async () => {
      const open = Object.assign(new FakeWork(), { open: true });
      const handled = joinMessage(message({ TX_XID: 'xid-1' }), () => void current().addParticipant(open));
      await assert.rejects(handled, { code: 'LOCAL_TRANSACTION_OPEN' });
    });
  });
}
