import assert from 'node:assert/strict';
import {
  type ChannelCredentials,
  Client,
  credentials,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { currentTransaction, withoutTransaction } from '../../../src/client/index.js';
import {
  type GrpcServerOptions,
  grpcClientGlobalTx,
  grpcServerGlobalTx,
} from '../../../src/client/propagation/grpc/index.js';
import { current, FakeWork } from '../transaction/fake-work.js';
import { useFakeWorld } from '../transaction/fake-world.js';

const serialize = (text: string) => Buffer.from(text);
const deserialize = (bytes: Buffer) => bytes.toString();
const METHOD = {
  requestStream: false,
  ...{ requestSerialize: serialize, requestDeserialize: deserialize },
  ...{ responseSerialize: serialize, responseDeserialize: deserialize },
};
const SERVICE = {
  ask: { ...METHOD, path: '/test/ask', responseStream: false },
  list: { ...METHOD, path: '/test/list', responseStream: true },
};

type Work = (request: string) => unknown;

describe('a call of gRPC', () => {
  const world = useFakeWorld();
  let server: Server;
  let client: Client;

  async function start(work: Work, options?: GrpcServerOptions): Promise<void> {
    const ask: handleUnaryCall<string, string> = async (call, callback) => {
      try {
        callback(null, String(await work(call.request)));
      } catch (error) {
        callback(error as ServiceError);
      }
    };
    const list: handleServerStreamingCall<string, string> = async (call) => {
      for (let index = 0; index < 3; index += 1) call.write(String(await work(call.request)));
      call.end();
    };
    server = new Server({ interceptors: [grpcServerGlobalTx(options)] });
    server.addService(SERVICE, { ask, list });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    const open: ChannelCredentials = credentials.createInsecure();
    client = new Client(`127.0.0.1:${port}`, open, { interceptors: [grpcClientGlobalTx()] });
  }

  afterEach(() => {
    client.close();
    server.forceShutdown();
  });

  function ask(
    xid?: string | readonly string[],
    signal?: AbortSignal,
    names: readonly string[] = ['tx_xid'],
  ): Promise<string> {
    const metadata = new Metadata();
    for (const one of xid === undefined ? [] : [xid].flat())
      for (const name of names) metadata.add(name, one);
    return new Promise((resolve, reject) => {
      const { path } = SERVICE.ask;
      const call = client.makeUnaryRequest(
        path,
        serialize,
        deserialize,
        'hello',
        metadata,
        (error, answer) => (error === null ? resolve(String(answer)) : reject(error)),
      );
      signal?.addEventListener('abort', () => call.cancel());
    });
  }

  async function list(): Promise<string[]> {
    const all: string[] = [];
    const stream = client.makeServerStreamRequest(SERVICE.list.path, serialize, deserialize, 'hello');
    for await (const one of stream) all.push(one);
    return all;
  }

  const tell = async () => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    return currentTransaction()?.xid ?? 'none';
  };

  it('carries the xid to the handler, once the coordinator knows of it', async () => {
    await start(tell);
    await world.gtx.run(async () => {
      assert.equal(await ask(), current().xid);
      assert.equal(world.fake.all('begin').length, 1);
      assert.deepEqual(await list(), [current().xid, current().xid, current().xid]);
    });
  });

  it('carries none outside of a transaction, and keeps one of its own', async () => {
    await start(tell);
    assert.equal(await ask(), 'none');
    assert.deepEqual(await list(), ['none', 'none', 'none']);
    await world.gtx.run(async () => {
      assert.equal(await withoutTransaction(() => ask()), 'none');
      assert.equal(await ask('another'), 'another');
    });
  });

  it('joins by the name that a proxy has left, which drops names with an underscore', async () => {
    await start(tell);
    assert.equal(await ask('xid-1', undefined, ['tx-xid']), 'xid-1');
    assert.equal(await ask('xid-1', undefined, ['tx-xid', 'tx_xid']), 'xid-1');
  });

  it('keeps to its own transaction while many run at once', async () => {
    await start(async () => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
      return current().xid;
    });
    const xids = Array.from({ length: 30 }, (_, index) => `xid-${index}`);
    assert.deepEqual(await Promise.all(xids.map((xid) => ask(xid))), xids);
  });

  it('fails when the transaction has ended, or the coordinator is away', async () => {
    await start(tell);
    let late: Promise<unknown> = Promise.resolve();
    await world.gtx.run(() => {
      late = new Promise((resolve) => setTimeout(resolve, 20)).then(() => ask());
      late.catch(() => {});
    });
    await assert.rejects(late, { code: status.FAILED_PRECONDITION, details: /^TRANSACTION_NOT_ACTIVE: / });
    await world.fake.stop();
    const alone = world.gtx.run(() => ask());
    await assert.rejects(alone, { code: status.UNAVAILABLE, details: /^COORDINATOR_UNAVAILABLE: / });
  });

  it('is refused when what it names is no xid', async () => {
    await start(() => assert.fail('it was handled'));
    for (const xid of ['a b', 'x'.repeat(129), ['a', 'b']]) {
      await assert.rejects(ask(xid), { code: status.INVALID_ARGUMENT, details: /^INVALID_XID: / });
    }
  });

  it('is refused when its caller is not trusted', async () => {
    await start(tell, { trust: ({ metadata }) => metadata.get('tx_xid')[0] === 'friend' });
    assert.equal(await ask('friend'), 'friend');
    await assert.rejects(ask('stranger'), { code: status.PERMISSION_DENIED });
    assert.equal(await ask(), 'none');
  });

  it('is welcome when the address of its caller is on the list', async () => {
    await start(tell, { trust: ['127.0.0.1'] });
    assert.equal(await ask('friend'), 'friend');
  });

  it('is refused when this process has no coordinator', async () => {
    await start(tell);
    await world.gtx.close(0);
    await assert.rejects(ask('xid-1'), { code: status.UNAVAILABLE, details: /^NOT_CONNECTED: / });
    assert.equal(await ask(), 'none');
  });

  it('is answered only once its writes are settled', async () => {
    let over = false;
    await start(() => {
      const settled = new Promise<void>((resolve) => setTimeout(resolve, 40)).then(() => {
        over = true;
      });
      current().addParticipant(new FakeWork(settled));
    });
    await ask('xid-1');
    assert.equal(over, true);
  });

  it('that succeeds but leaves a local transaction open is answered for with ABORTED', async () => {
    const open = Object.assign(new FakeWork(), { open: true });
    await start(() => void current().addParticipant(open));
    await assert.rejects(ask('xid-1'), { code: status.ABORTED, details: /^LOCAL_TRANSACTION_OPEN: / });
    assert.equal(open.abandoned, 1);
  });

  it('that fails keeps its own status, and what it left open is given up', async () => {
    const open = Object.assign(new FakeWork(), { open: true });
    await start(() => {
      current().addParticipant(open);
      throw Object.assign(new Error('no stock'), { code: status.OUT_OF_RANGE });
    });
    await assert.rejects(ask('xid-1'), { code: status.OUT_OF_RANGE, details: 'no stock' });
    assert.equal(open.abandoned, 1);
  });

  it('that is cancelled leaves nothing behind', async () => {
    let gone = (): void => {};
    const left = new Promise<void>((resolve) => (gone = resolve));
    const controller = new AbortController();
    await start(async () => {
      current().addParticipant({
        ...{ description: 'UPDATE', open: true },
        ...{ settled: async () => {}, abandon: async () => gone() },
      });
      controller.abort();
      await left;
    });
    await assert.rejects(ask('xid-1', controller.signal), { code: status.CANCELLED });
    await left;
  });
});
