import { setTimeout as delay } from 'node:timers/promises';
import type { Dice } from '../../simulation/dice.js';
import type { Inspect, TcpProxy } from '../../support/tcp-proxy.js';
import type { Bank } from '../bank/bank.js';
import type { Fault } from './fault.js';

/** How long a connection that has lost bytes stands before it is reset; no driver of today notices by itself before. */
const silenceMs = (dice: Dice) => dice.between(500, 2_500);
const DELAY_MS = 1_000;
/** How long COMMITs may take to come by. */
const COMMITS_MS = 3_000;

interface Link {
  readonly name: string;
  readonly proxy: (bank: Bank, dice: Dice) => TcpProxy;
}

const LINKS: readonly Link[] = [
  { name: 'gRPC', proxy: (bank) => bank.links.coordinator },
  { name: 'MySQL', proxy: (bank, dice) => dice.pick(bank.links.databases) },
];

/** One piece of a connection is lost, and with it all that follows. */
function drop(link: Link): Fault {
  return {
    name: `${link.name}: bytes are dropped`,
    async inject(bank, dice) {
      const proxy = link.proxy(bank, dice);
      const chance = link.name === 'gRPC' ? 0.05 : 0.01;
      proxy.inspect(() => (dice.chance(chance) ? 'drop' : 'pass'));
      await delay(500);
      proxy.pass();
      await delay(silenceMs(dice));
      proxy.reset();
    },
  };
}

function late(link: Link): Fault {
  return {
    name: `${link.name}: everything is ${DELAY_MS} ms late`,
    async inject(bank, dice) {
      const proxy = link.proxy(bank, dice);
      proxy.delay(DELAY_MS);
      await delay(2 * DELAY_MS);
      proxy.delay(0);
    },
  };
}

function halfOpen(link: Link): Fault {
  return {
    name: `${link.name}: half-open connections`,
    async inject(bank, dice) {
      const proxy = link.proxy(bank, dice);
      proxy.halfOpen(...dice.pick([['up'], ['down'], ['up', 'down']] as const));
      await delay(silenceMs(dice));
      proxy.reset();
    },
  };
}

const resetStream: Fault = {
  name: 'gRPC: reset',
  async inject(bank) {
    bank.links.coordinator.reset();
    await delay(200);
  },
};

/** How many COMMITs of one fault lose their answer. */
const LOST_COMMITS = 5;

const resetAfterCommit: Fault = {
  name: 'MySQL: reset right after COMMIT is sent',
  async inject(bank, dice) {
    const proxy = dice.pick(bank.links.databases);
    let left = LOST_COMMITS;
    const inspect: Inspect = (chunk, direction) => {
      if (left === 0 || direction !== 'up' || !chunk.includes('COMMIT')) return 'pass';
      left -= 1;
      return 'reset after';
    };
    proxy.inspect(inspect);
    const until = Date.now() + COMMITS_MS;
    while (left > 0 && Date.now() < until) await delay(20);
    proxy.pass();
  },
};

/** On the way to the coordinator and on the ways to the databases. */
export const LINK_FAULTS: readonly Fault[] = [
  ...LINKS.flatMap((link) => [drop(link), late(link), halfOpen(link)]),
  resetStream,
  resetAfterCommit,
];
