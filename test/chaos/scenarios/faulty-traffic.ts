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
  stopServiceLong,
} from '../faults/service.js';
import { play } from '../play.js';
import type { Scenario } from '../scenario.js';

const EVERY_KIND: readonly Fault[] = [
  killCoordinator,
  killService,
  stopService,
  killDatabase,
  ...LINK_FAULTS,
];

/** `count` faults, each kind as often as the others, in a random order. */
function shuffled(kinds: readonly Fault[], count: number, seed: number): Fault[] {
  const dice = new Dice(seed).stream('order');
  const faults: Fault[] = [];
  while (faults.length < count) faults.push(...dice.some(kinds, kinds.length));
  return faults.slice(0, count);
}

const mixed: Scenario = {
  name: 'R1',
  what: 'bank transfers over 3 databases and 3 services, under every kind of fault',
  count: 24,
  run: (options) => play({ ...options, faults: shuffled(EVERY_KIND, options.count, options.seed) }),
};

const withReaders: Scenario = {
  name: 'R2',
  what: 'the same, with readers of all balances',
  count: 24,
  run: (options) =>
    play({
      ...options,
      faults: shuffled(EVERY_KIND, options.count, options.seed),
      bank: { readers: 1, clients: 5, accounts: 60 },
    }),
};

const coordinatorKilled: Scenario = {
  name: 'R3',
  what: 'kill -9 of the coordinator, at random times and at each failpoint',
  count: 200,
  run: (options) => {
    const missed: string[] = [];
    const places = new Dice(options.seed).some(COORDINATOR_PLACES, options.count);
    const failpoints = places.map((place) =>
      coordinatorFailpoint(place, 'crash', (name) => missed.push(name)),
    );
    const random = Array.from({ length: options.count }, () => killCoordinator);
    return play({ ...options, missed, faults: [...failpoints, ...random] });
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
    return play({ ...options, missed, faults: shuffled(all, options.count, options.seed) });
  },
};

const serviceKilled: Scenario = {
  name: 'R5',
  what: 'kill -9, SIGSTOP and SIGCONT of a service',
  count: 200,
  run: (options) => {
    // One long stop among twenty faults: each takes as long as a time-out.
    const rounds = Math.ceil(options.count / 20);
    const kinds = Array.from({ length: options.count - rounds }, (_, i) =>
      i % 2 ? stopService : killService,
    );
    const faults = shuffled(
      [...kinds, ...Array.from({ length: rounds }, () => stopServiceLong)],
      options.count,
      options.seed,
    );
    return play({ ...options, faults });
  },
};

const databaseKilled: Scenario = {
  name: 'R6',
  what: 'kill -9 of a database server',
  count: 50,
  run: (options) => play({ ...options, faults: Array.from({ length: options.count }, () => killDatabase) }),
};

const links: Scenario = {
  name: 'R7',
  what: 'the network to coordinator and databases: drop, delay, half-open, reset, also after COMMIT is sent',
  count: 20 * LINK_FAULTS.length,
  run: (options) => play({ ...options, faults: shuffled(LINK_FAULTS, options.count, options.seed) }),
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
