import assert from 'node:assert/strict';
import { GlobalTx, GlobalTxError } from '../../src/client/index.js';
import { FakeCoordinator } from '../support/fake-coordinator.js';
import { Log } from '../support/log.js';

describe('GlobalTx.connect', () => {
  const open: GlobalTx[] = [];
  let fake: FakeCoordinator;

  async function connect(options: Parameters<typeof GlobalTx.connect>[0] = {}): Promise<GlobalTx> {
    const gtx = await GlobalTx.connect({ logger: new Log(), ...options });
    open.push(gtx);
    return gtx;
  }

  beforeEach(async () => {
    fake = await FakeCoordinator.start();
  });

  afterEach(async () => {
    delete process.env.GLOBALTX_COORDINATOR;
    delete process.env.GLOBALTX_APPLICATION;
    for (const gtx of open.splice(0)) await gtx.close(0);
    await fake.stop();
  });

  it('says who is there: the application, the library and its version', async () => {
    await connect({ coordinator: fake.address, application: 'shop' });
    const hello = fake.all('hello')[0]?.hello;
    assert.equal(hello?.application, 'shop');
    assert.match(hello?.library ?? '', /^globaltx\/\d+\.\d+\.\d+/);
    assert.match(hello?.clientId ?? '', /^[0-9a-f-]{36}$/);
  });

  it('needs nothing but GLOBALTX_COORDINATOR', async () => {
    process.env.GLOBALTX_COORDINATOR = fake.address;
    process.env.GLOBALTX_APPLICATION = 'from-the-environment';
    const gtx = await connect();
    assert.equal(await gtx.run(() => 1), 1);
    assert.equal(fake.all('hello')[0]?.hello.application, 'from-the-environment');
  });

  it('says how to name a coordinator when there is none', async () => {
    await assert.rejects(connect(), { code: 'INVALID_OPTION', message: /GLOBALTX_COORDINATOR/ });
  });

  it('refuses a second connect while the first is open, or under way', async () => {
    const first = connect({ coordinator: fake.address });
    await assert.rejects(connect({ coordinator: fake.address }), { code: 'INVALID_OPTION' });
    await (await first).close();
    await connect({ coordinator: fake.address });
  });

  it('fails with COORDINATOR_UNAVAILABLE when nobody answers in time, and can be tried again', async () => {
    await fake.stop();
    const started = Date.now();
    await assert.rejects(
      connect({ coordinator: fake.address, connectTimeout: 200 }),
      (error: GlobalTxError) => {
        assert.equal(error.code, 'COORDINATOR_UNAVAILABLE');
        assert.match(error.message, /ECONNREFUSED/);
        assert.match(error.stack ?? '', /global-tx\.test/);
        return true;
      },
    );
    assert.ok(Date.now() - started < 2_000);
    await fake.listen();
    await connect({ coordinator: fake.address });
  });

  for (const options of [
    { coordinator: 'a b' },
    { coordinator: 'a', application: '' },
    { coordinator: 'a', connectTimeout: 0 },
    { coordinator: 'a', logger: {} as Log },
    { coordinator: 'a', propagate: true as unknown as () => boolean },
  ]) {
    it(`refuses ${JSON.stringify(options)} with INVALID_OPTION`, async () => {
      await assert.rejects(GlobalTx.connect(options), { code: 'INVALID_OPTION' });
    });
  }

  it('tells warnings as process warnings when it is given no logger', async () => {
    const gtx = await GlobalTx.connect({ coordinator: fake.address });
    open.push(gtx);
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    await fake.stop();
    const warning = await warned;
    assert.equal(warning.name, 'GlobalTxWarning');
    assert.match(warning.message, /no stream to the coordinator/);
  });

  it('gives errors that are instances across copies of the package', () => {
    const foreign = Object.assign(new Error('x'), {
      code: 'TIMED_OUT',
      [Symbol.for('globaltx.error')]: true,
    });
    assert.ok(foreign instanceof GlobalTxError);
  });
});
