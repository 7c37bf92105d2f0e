import { setTimeout as delay } from 'node:timers/promises';
import { SERVER_FAILPOINTS } from '../../../src/protocol/failpoints.js';
import type { Dice } from '../../simulation/dice.js';
import type { Bank } from '../bank/bank.js';
import type { Fault } from './fault.js';

/** How long a failpoint may take to be reached before the coordinator is killed anyway. */
const REACH_MS = 10_000;
const LONGEST_OUTAGE_MS = 400;

export const killCoordinator: Fault = {
  name: 'kill -9 of the coordinator',
  async inject(bank, dice) {
    await delay(dice.under(200));
    await bank.coordinator.kill('SIGKILL');
    await delay(dice.under(LONGEST_OUTAGE_MS));
    await bank.coordinator.restart();
  },
};

async function deadWithin(bank: Bank, limitMs: number): Promise<boolean> {
  const late = new AbortController();
  const dead = await Promise.race([
    bank.coordinator.exited.then(() => true),
    delay(limitMs, false, { signal: late.signal }),
  ]);
  late.abort();
  return dead;
}

/** Lets the coordinator meet a failpoint: restarts it with one, and afterwards without. */
export function coordinatorFailpoint(
  place: string,
  action: 'crash' | 'error' | 'delay',
  missed: (name: string) => void,
): Fault {
  const name = `coordinator: ${place}=${action}`;
  return {
    name,
    async inject(bank: Bank, dice: Dice) {
      const nth = dice.between(1, 60);
      const what = action === 'delay' ? `delay:${dice.between(200, 1_500)}` : action;
      const env = { GLOBALTX_FAILPOINTS: `${place}=${what}@${nth}` };
      // The clients' first words may take it to the failpoint before the harness has seen that it is ready.
      await bank.coordinator.restart({ env }).catch((error: unknown) => {
        if (action === 'delay') throw error;
      });
      if (action === 'delay') await delay(3_000);
      else if (!(await deadWithin(bank, REACH_MS))) missed(name);
      await bank.coordinator.restart({ env: { GLOBALTX_FAILPOINTS: '' } });
    },
  };
}

/** `before-begin-stored` and its like. */
export const COORDINATOR_PLACES: readonly string[] = SERVER_FAILPOINTS.flatMap((name) => [
  `before-${name}`,
  `after-${name}`,
]);
