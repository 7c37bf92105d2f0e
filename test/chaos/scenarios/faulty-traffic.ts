import { Dice } from '../../simulation/dice.js';
import { COORDINATOR_PLACES, coordinatorFailpoint, killCoordinator } from '../faults/coordinator.js';
import { killDatabase } from '../faults/database.js';
import type { Fault } from '../faults/fault.js';
import { LINK_FAULTS } from '../faults/links.js';
import {
  killService,
  SERVICE_PLACES,
  serviceFailpoint,
  stopService,
  stopServiceBeyond,
} from '../faults/service.js';
import { play } from '../play.js';
import type { Scenario, ScenarioOptions } from '../scenario.js';

const EVERY_KIND: readonly Fault[] = [
  killCoordinator,
  killService,
  stopService,
  killDatabase,
  ...LINK_FAULTS,
];

/** The run's part of the seed's sequence of faults, in which each kind comes as often as the others. */
function shuffled(kinds: readonly Fault[], { from, count, seed }: ScenarioOptions): readonly Fault[] {
  const dice = new Dice(seed).stream('order');
  const faults: Fault[] = [];
  while (faults.length < from + count) faults.push(...dice.some(kinds, kinds.length));
  return faults.slice(from, from + count);
}

/** Where services are stopped: what a transfer may last, and how soon the coordinator gives a silent client up. */
const SHORT_TIMEOUT_MS = 4_000;
const SOON_GIVEN_UP = ['--keepalive-time-ms', '500', '--keepalive-timeout-ms', '1000'];

const mixed: Scenario = {
  name: 'R1',
  what: 'bank transfers over 3 databases and 3 services, under every kind of fault',
  count: 24,
  run: (options) => play({ ...options, faults: shuffled(EVERY_KIND, options) }),
};

const withReaders: Scenario = {
  name: 'R2',
  what: 'the same, with readers of all balances',
  count: 24,
  run: (options) =>
    play({
      ...options,
      faults: shuffled(EVERY_KIND, options),
      bank: { readers: 1, clients: 5, accounts: 60 },
    }),
};

/** At random times, beside one at each failpoint. */
const KILLS = 200;

const coordinatorKilled: Scenario = {
  name: 'R3',
  what: 'kill -9 of the coordinator, at random times and at each failpoint',
  count: KILLS + COORDINATOR_PLACES.length,
  run: (options) => {
    const missed: string[] = [];
    const failpoints = COORDINATOR_PLACES.map((place) =>
      coordinatorFailpoint(place, 'crash', (name) => missed.push(name)),
    );
    const random = Array.from({ length: KILLS }, () => killCoordinator);
    const faults = shuffled([...failpoints, ...random], options);
    return play({ ...options, missed, faults, bank: { direct: true } });
  },
};

const failpoints: Scenario = {
  name: 'R4',
  what: 'every failpoint of the coordinator and of the services: crash, delay, error',
  count: (COORDINATOR_PLACES.length + SERVICE_PLACES.length) * 3,
  run: (options) => {
    const missed: string[] = [];
    const miss = (name: string) => missed.push(name);
    const actions = ['crash', 'delay', 'error'] as const;
    const all = actions.flatMap((action) => [
      ...COORDINATOR_PLACES.map((place) => coordinatorFailpoint(place, action, miss)),
      ...SERVICE_PLACES.map((place) => serviceFailpoint(place, action, miss)),
    ]);
    const faults = shuffled(all, options);
    return play({ ...options, missed, faults, bank: { direct: true } });
  },
};

const serviceKilled: Scenario = {
  name: 'R5',
  what: 'kill -9, SIGSTOP and SIGCONT of a service',
  count: 200,
  run: (options) => {
    // One long stop among twenty faults: each takes longer than a time-out.
    const kinds = Array.from({ length: 19 }, (_, i) => (i % 2 ? stopService : killService));
    const faults = shuffled([...kinds, stopServiceBeyond(SHORT_TIMEOUT_MS)], options);
    return play({
      ...options,
      faults,
      bank: { direct: true, timeoutMs: SHORT_TIMEOUT_MS, coordinatorArgs: SOON_GIVEN_UP },
    });
  },
};

const databaseKilled: Scenario = {
  name: 'R6',
  what: 'kill -9 of a database server',
  count: 50,
  run: (options) => {
    const faults = Array.from({ length: options.count }, () => killDatabase);
    return play({ ...options, faults, bank: { direct: true } });
  },
};

const links: Scenario = {
  name: 'R7',
  what: 'the network to coordinator and databases: drop, delay, half-open, reset, also after COMMIT is sent',
  count: 20 * LINK_FAULTS.length,
  run: (options) => play({ ...options, faults: shuffled(LINK_FAULTS, options) }),
};

/** Those in which the bank is at work and something breaks now and then. */
export const FAULTY_TRAFFIC: readonly Scenario[] = [
  mixed,
  withReaders,
  coordinatorKilled,
  failpoints,
  serviceKilled,
  databaseKilled,
  links,
];
