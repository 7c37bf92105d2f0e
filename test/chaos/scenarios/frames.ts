import { setTimeout as delay } from 'node:timers/promises';
import { Dice } from '../../simulation/dice.js';
import type { Fault } from '../faults/fault.js';
import { FrameProxy } from '../frame-proxy.js';
import { play } from '../play.js';
import type { Scenario } from '../scenario.js';

/** Every frame of the run is at the proxy's mercy; there is no one moment of the fault. */
function transfersMade(count: number): Fault {
  return {
    name: `${count} transfers over disturbed streams`,
    async inject(bank) {
      while (bank.done < count) await delay(100);
    },
  };
}

/** `count` is the number of transactions; the faults are the frames that came twice, late or again. */
export const FRAMES: Scenario = {
  name: 'R8',
  what: 'frames repeated, reordered and replayed; the count is that of transactions',
  count: 10_000,
  async run(options) {
    let proxy: FrameProxy | undefined;
    const findings = await play({
      ...options,
      faults: [transfersMade(options.count)],
      bank: {
        wayToCoordinator: async (address) => {
          proxy = await FrameProxy.start(address, new Dice(options.seed).stream('frames'));
          return proxy;
        },
      },
    });
    return { ...findings, faults: proxy?.disturbed ?? 0 };
  },
};
