import assert from 'node:assert/strict';
import type { PrivateServer } from '../support/servers.js';
import { Fuzz } from './fuzz.js';
import { fuzzServer } from './fuzz-server.js';
import { FURTHER_NAMES } from './generate.js';
import { SEEDS } from './options.js';
import { add, noRuns } from './total.js';

/** What fits beside the other tests; `npm run fuzz` plays as many as it is told. */
const RUNS = 200;
/** The same runs for everyone who changes something; `npm run fuzz` looks for new ones, GLOBALTX_FUZZ_SEED too. */
const SEED = 1;

describe('Random transactions of random statements on random schemas', function () {
  this.timeout(600_000);
  let server: PrivateServer;
  let fuzz: Fuzz;

  before(async () => {
    server = await fuzzServer();
    fuzz = await Fuzz.open(server, { further: FURTHER_NAMES, shrinkMs: 30_000 });
  });

  after(async () => {
    await fuzz.close();
    await server.stop();
  });

  it('are undone to the last byte, or leave and answer what plain mysql2 does', async () => {
    const seed = Number(process.env.GLOBALTX_FUZZ_SEED ?? SEED) % SEEDS;
    const total = noRuns();
    for (let at = 0; at < RUNS; at++) {
      const result = await fuzz.run((seed + at) % SEEDS);
      add(total, result.total);
      assert.equal(result.script, undefined, result.script);
    }
    const { runs, statements, refused } = total;
    console.log(`      seed ${seed}: ${runs} runs, ${statements} statements, ${refused} refused`);
  });
});
