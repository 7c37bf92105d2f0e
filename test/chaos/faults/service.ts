import { setTimeout as delay } from 'node:timers/promises';
import { CLIENT_FAILPOINTS } from '../../../src/protocol/failpoints.js';
import type { Fault } from './fault.js';

export const killService: Fault = {
  name: 'kill -9 of a service',
  async inject(bank, dice) {
    await delay(dice.under(200));
    await dice.pick(bank.services).restart();
  },
};

/** The stopped process holds its database row locks and its streams; then it goes on as if nothing had happened. */
export const stopService: Fault = {
  name: 'SIGSTOP and SIGCONT of a service',
  async inject(bank, dice) {
    const service = dice.pick(bank.services);
    service.signal('SIGSTOP');
    await delay(dice.between(100, 2_500));
    service.signal('SIGCONT');
  },
};

/** For longer than a global transaction of the bank may last: it is rolled back meanwhile. */
export function stopServiceBeyond(timeoutMs: number): Fault {
  return {
    name: 'SIGSTOP of a service, beyond the time-out',
    async inject(bank, dice) {
      const service = dice.pick(bank.services);
      service.signal('SIGSTOP');
      await delay(timeoutMs + dice.between(1_000, 3_000));
      service.signal('SIGCONT');
    },
  };
}

const REACH_MS = 10_000;

/** Starts a service with a failpoint, lets it meet it, and starts it without again. */
export function serviceFailpoint(
  place: string,
  action: 'crash' | 'error' | 'delay',
  missed: (name: string) => void,
): Fault {
  const name = `service: ${place}=${action}`;
  return {
    name,
    async inject(bank, dice) {
      const service = dice.pick(bank.services);
      const nth = dice.between(10, 60);
      const what = action === 'delay' ? `delay:${dice.between(200, 1_500)}` : action;
      // The life that is killed, then the one with the failpoint, which may be over before it is ready.
      const over = service.lives + 2;
      await service.restart({ GLOBALTX_CLIENT_FAILPOINTS: `${place}=${what}@${nth}` });
      if (action !== 'crash') {
        await delay(3_000);
        await service.restart();
        return;
      }
      const until = Date.now() + REACH_MS;
      while (service.lives < over && Date.now() < until) await delay(50);
      if (service.lives < over) {
        missed(name);
        await service.restart();
      }
      await service.up();
    },
  };
}

/** `before-local-commit` and its like. */
export const SERVICE_PLACES: readonly string[] = CLIENT_FAILPOINTS.flatMap((name) => [
  `before-${name}`,
  `after-${name}`,
]);
