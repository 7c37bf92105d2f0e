import assert from 'node:assert/strict';
import { Metadata } from '@grpc/grpc-js';
import { Controller, type DynamicModule, type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type ClientProxy,
  ClientProxyFactory,
  KafkaContext,
  MessagePattern,
  NatsContext,
  RmqContext,
  TcpContext,
  Transport,
} from '@nestjs/microservices';
import { firstValueFrom, from, lastValueFrom, Observable, toArray } from 'rxjs';
import {
  type ConnectOptions,
  currentTransaction,
  GlobalTx,
  transactionHeaders,
} from '../../../src/client/index.js';
import { namedBy } from '../../../src/client/propagation/nest/context-xid.js';
import {
  GlobalTxGuard,
  GlobalTxInterceptor,
  GlobalTxModule,
  type NestOptions,
} from '../../../src/client/propagation/nest/index.js';
import { FakeCoordinator } from '../../support/fake-coordinator.js';
import { freePort } from '../../support/free-port.js';
import { Log } from '../../support/log.js';
import { current, FakeWork } from '../transaction/fake-work.js';
import { useFakeWorld } from '../transaction/fake-world.js';

type Work = () => unknown;

/** A microservice with one message, 'ask'. Its decorators are called by hand: this is not compiled with the legacy ones. */
function application(work: Work, imports: readonly object[] = []): new () => object {
  class Messages {
    ask(): unknown {
      return work();
    }
  }
  const ask = Object.getOwnPropertyDescriptor(Messages.prototype, 'ask')!;
  MessagePattern('ask')(Messages.prototype, 'ask', ask);
  Controller()(Messages);
  class Application {}
  Module({ controllers: [Messages], imports: imports as never[] })(Application);
  return Application;
}

describe('a message to a microservice of NestJS', () => {
  const world = useFakeWorld();
  let service: INestMicroservice;
  let client: ClientProxy;
  let headers: Record<string, string>;

  async function start(work: Work, options?: NestOptions, guard?: NestOptions): Promise<void> {
    const port = await freePort();
    service = await NestFactory.createMicroservice(application(work), {
      ...{ logger: false, transport: Transport.TCP, options: { host: '127.0.0.1', port } },
    });
    service.useGlobalInterceptors(new GlobalTxInterceptor(options));
    if (guard !== undefined) service.useGlobalGuards(new GlobalTxGuard(guard));
    await service.listen();
    client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
    client.setOnDispatchHook((packet) => {
      packet.metadata = headers;
    });
  }

  beforeEach(() => {
    headers = {};
  });

  afterEach(async () => {
    await client.close();
    await service.close();
  });

  const ask = () => lastValueFrom(client.send<unknown>('ask', {}).pipe(toArray()));

  it('that names a transaction is handled inside it', async () => {
    await start(async () => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      return [current().xid, current().role];
    });
    headers = { TX_XID: 'xid-1' };
    assert.deepEqual(await ask(), [['xid-1', 'participant']]);
    await world.gtx.run(async () => {
      headers = await transactionHeaders();
      assert.deepEqual(await ask(), [[current().xid, 'participant']]);
    });
  });

  it('that names none is handled outside of any', async () => {
    await start(() => String(currentTransaction()));
    assert.deepEqual(await ask(), ['undefined']);
  });

  it('that is answered by a stream has every value made inside, in order', async () => {
    await start(() => {
      const seen = async function* () {
        for (const value of [1, 2, 3]) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          yield [value, currentTransaction()?.xid];
        }
      };
      return from(seen());
    });
    headers = { TX_XID: 'xid-1' };
    assert.deepEqual(await ask(), [
      [1, 'xid-1'],
      [2, 'xid-1'],
      [3, 'xid-1'],
    ]);
  });

  it('is answered only once its writes are settled', async () => {
    let over = false;
    await start(() => {
      const settled = new Promise<void>((resolve) => setTimeout(resolve, 40)).then(() => {
        over = true;
      });
      current().addParticipant(new FakeWork(settled));
      return 'done';
    });
    headers = { TX_XID: 'xid-1' };
    const seen: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      client.send('ask', {}).subscribe({
        next: (value) => seen.push([value, over]),
        ...{ error: reject, complete: resolve },
      });
    });
    assert.deepEqual(seen, [['done', true]]);
  });

  it('that leaves a local transaction open is answered by an error alone', async () => {
    const open = Object.assign(new FakeWork(), { open: true });
    await start(() => {
      current().addParticipant(open);
      return 'done';
    });
    headers = { TX_XID: 'xid-1' };
    await assert.rejects(ask(), { status: 'error' });
    assert.equal(open.abandoned, 1);
  });

  it('that fails keeps its error, and what it left open is given up', async () => {
    const open = Object.assign(new FakeWork(), { open: true });
    await start(() => {
      current().addParticipant(open);
      throw new Error('no stock');
    });
    headers = { TX_XID: 'xid-1' };
    await assert.rejects(ask(), { status: 'error' });
    assert.equal(open.abandoned, 1);
  });

  it('is refused when what it names is no xid, or its sender is not trusted', async () => {
    await start(() => currentTransaction()?.xid ?? 'none', { trust: () => headers.sender === 'friend' });
    headers = { TX_XID: 'a b', sender: 'friend' };
    await assert.rejects(ask(), { status: 'error' });
    headers = { TX_XID: 'xid-1' };
    await assert.rejects(ask(), { status: 'error' });
    headers = { TX_XID: 'xid-1', sender: 'friend' };
    assert.deepEqual(await ask(), ['xid-1']);
  });

  it('is refused by the guard before an interceptor sees it', async () => {
    let asked = 0;
    const trust = () => {
      asked += 1;
      return true;
    };
    await start(
      () => currentTransaction()?.xid ?? 'none',
      { trust },
      { trust: () => headers.sender === 'friend' },
    );
    headers = { TX_XID: 'xid-1' };
    await assert.rejects(ask(), { status: 'error' });
    assert.equal(asked, 0);
    headers = { TX_XID: 'xid-1', sender: 'friend' };
    assert.deepEqual(await ask(), ['xid-1']);
    headers = {};
    assert.deepEqual(await ask(), ['none']);
  });

  it('whose stream nobody reads any more leaves nothing behind', async () => {
    let gone = (): void => {};
    const left = new Promise<void>((resolve) => (gone = resolve));
    await start(() => {});
    const joined = new GlobalTxInterceptor().intercept(
      {
        getType: () => 'rpc',
        getArgByIndex: () => new TcpContext([undefined as never, 'ask', { TX_XID: 'xid-1' }]),
      },
      {
        handle: () =>
          new Observable((subscriber) => {
            current().addParticipant(
              Object.assign(new FakeWork(), { open: true, abandon: async () => gone() }),
            );
            subscriber.next(1);
            subscriber.next(2);
          }),
      },
    );
    assert.equal(await firstValueFrom(joined), 1);
    await left;
  });
});

describe('the xid of a call to NestJS', () => {
  const rpc = (context: unknown) =>
    namedBy({ getType: () => 'rpc', getArgByIndex: (index) => (index === 1 ? context : undefined) })?.xid;

  it('is read from the headers of RabbitMQ, Kafka and NATS, and from the metadata of TCP and gRPC', () => {
    const metadata = new Metadata();
    metadata.set('tx_xid', 'xid-1');
    const hyphenated = new Metadata();
    hyphenated.set('tx-xid', 'xid-1');
    const none = undefined as never;
    for (const context of [
      new RmqContext([{ properties: { headers: { TX_XID: 'xid-1' } } }, none, 'ask']),
      new KafkaContext([{ headers: { TX_XID: Buffer.from('xid-1') } } as never, 0, 't', none, none, none]),
      new NatsContext(['ask', new Map([['TX_XID', 'xid-1']])]),
      new TcpContext([none, 'ask', { TX_XID: 'xid-1' }]),
      metadata,
      hyphenated,
    ]) {
      assert.equal(rpc(context), 'xid-1', context.constructor.name);
    }
  });

  it('is none where nothing was sent', () => {
    const none = undefined as never;
    for (const context of [
      new RmqContext([{ properties: {} }, none, 'ask']),
      new KafkaContext([{} as never, 0, 't', none, none, none]),
      new NatsContext(['ask', undefined]),
      new NatsContext(['ask', new Map()]),
      new TcpContext([none, 'ask']),
      new Metadata(),
      undefined,
    ]) {
      assert.equal(rpc(context), undefined);
    }
    assert.equal(namedBy({ getType: () => 'ws', getArgByIndex: () => ({}) }), undefined);
  });

  it("is read from GraphQL's request", () => {
    const request = { headers: { tx_xid: 'xid-1' }, socket: { remoteAddress: '127.0.0.1' } };
    const context = {
      getType: () => 'graphql',
      getArgByIndex: (index: number) => (index === 2 ? { req: request } : {}),
    };
    assert.deepEqual(namedBy(context), { xid: 'xid-1', address: '127.0.0.1' });
  });
});

describe('GlobalTxModule', () => {
  async function hold(module: (options: ConnectOptions) => object): Promise<void> {
    const fake = await FakeCoordinator.start();
    const options = { coordinator: fake.address, application: 'stock', logger: new Log() };
    const port = await freePort();
    const service = await NestFactory.createMicroservice(
      application(() => currentTransaction()?.xid ?? 'none', [module(options)]),
      { logger: false, transport: Transport.TCP, options: { host: '127.0.0.1', port } },
    );
    await service.listen();
    const client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
    });
    client.setOnDispatchHook((packet) => {
      packet.metadata = { TX_XID: 'xid-1' };
    });
    try {
      assert.equal(fake.all('hello')[0]?.hello.application, 'stock');
      assert.equal(await service.get(GlobalTx).run(() => 42), 42);
      assert.equal(await firstValueFrom(client.send('ask', {})), 'xid-1');
    } finally {
      await client.close();
      await service.close();
    }
    await fake.until(() => fake.streams === 0);
    await fake.stop();
  }

  it('connects, provides GlobalTx, joins the transactions of calls, and closes with the application', () =>
    hold((options) => GlobalTxModule.forRoot(options)));

  it('takes its options from other providers', () =>
    hold((options) => {
      class Settings {}
      Module({ providers: [{ provide: 'WHERE', useValue: options.coordinator }], exports: ['WHERE'] })(
        Settings,
      );
      const module: DynamicModule = GlobalTxModule.forRootAsync({
        imports: [Settings],
        inject: ['WHERE'],
        useFactory: async (coordinator: string) => ({ ...options, coordinator }),
      });
      return module;
    }));
});
