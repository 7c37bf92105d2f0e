import { attack } from './wire-attack.js';

describe('A coordinator that gets random and mutated messages', () => {
  it('stays up, answers its good clients, and lets nothing be changed', async () => {
    const seed = Number(process.env.GLOBALTX_SEED ?? Date.now() % 2 ** 31);
    await attack({ messages: 5_000, seed });
  }).timeout(60_000);
});
