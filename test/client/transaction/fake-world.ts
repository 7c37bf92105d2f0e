import { GlobalTx } from '../../../src/client/index.js';
import { FakeCoordinator } from '../../support/fake-coordinator.js';
import { Log } from '../../support/log.js';

/** A client of a fake coordinator, new for each test of the suite that asks for it. */
export interface FakeWorld {
  readonly fake: FakeCoordinator;
  readonly gtx: GlobalTx;
  readonly log: Log;
  /** 'commit' and 'rollback', in the order in which the coordinator was asked. */
  decisions(): string[];
}

export function useFakeWorld(): FakeWorld {
  const world = {
    fake: undefined as unknown as FakeCoordinator,
    gtx: undefined as unknown as GlobalTx,
    log: undefined as unknown as Log,
    decisions: (): string[] =>
      world.fake.received.flatMap(({ body }) => (body === 'commit' || body === 'rollback' ? [body] : [])),
  };
  beforeEach(async () => {
    world.fake = await FakeCoordinator.start();
    world.log = new Log();
    world.gtx = await GlobalTx.connect({
      ...{ coordinator: world.fake.address, application: 'test', logger: world.log },
      ...{ requestTimeout: 1_000, commitDeadline: 1_000, rollbackWait: 200 },
    });
  });
  afterEach(async () => {
    await world.gtx.close(0);
    await world.fake.stop();
  });
  return world;
}
