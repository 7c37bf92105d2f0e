import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const runner = fileURLToPath(new URL('../../examples/example.js', import.meta.url));

/** Each starts two database servers, a coordinator and its services. */
const EXAMPLE_MS = 120_000;

describe('The example', function () {
  this.timeout(EXAMPLE_MS);

  for (const name of ['plain', 'express-knex', 'fastify-drizzle', 'nestjs-typeorm']) {
    it(`${name} starts, commits and rolls back, and finds nothing wrong`, async () => {
      const { stdout } = await run(process.execPath, [runner, name]);
      assert.match(stdout, /All or nothing, every time\.\n$/);
    });
  }

  it('that does not exist is refused, with the names of those that do', async () => {
    await assert.rejects(run(process.execPath, [runner, 'nothing']), (error) => {
      const { code, stderr } = error as { code: number; stderr: string };
      assert.equal(code, 2);
      assert.match(stderr, /plain, express-knex, fastify-drizzle, nestjs-typeorm/);
      return true;
    });
  });
});
