import { attack } from './wire-attack.js';

describe('A coordinator that gets random and mutated messages', () => {
  it('stays up, answers its good clients, and lets nothing be changed', async () => {
    const seed = Number(process.env.GLOBALTX_SEED ?? Date.now() % 2 ** 31);
    await attack({ messages: 1_000, seed, messagesAStream: 10 });
  }).timeout(60_000);
});
