import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './fault.js';

export const killDatabase: Fault = {
  name: 'kill -9 of a database server',
  async inject(bank, dice) {
    const server = dice.pick(bank.servers);
    await delay(dice.under(200));
    await server.kill('SIGKILL');
    await delay(dice.under(500));
    await server.start();
  },
};
