import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { OPTIONS } from '../../src/server/options.js';
import { startCoordinator } from '../support/coordinator.js';

const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');

describe('docs/operations.md', () => {
  it('has every flag of the coordinator, with its default', () => {
    for (const [name, option] of Object.entries(OPTIONS)) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`--${name}\` |`));
      assert.ok(row !== undefined, `--${name}`);
      if (option.default !== undefined) assert.ok(row.includes(`| ${option.default} |`), row);
    }
  });

  it('says of every metric what it means, and names none that does not exist', async () => {
    const coordinator = await startCoordinator({ args: ['--metrics-port', '0'] });
    const port = /"port":(\d+),"msg":"serving metrics"/.exec(coordinator.log)?.[1];
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    await coordinator.stop();
    const names = [...text.matchAll(/^# TYPE (globaltx_\w+)/gm)].map(([, name]) => name as string);
    const own = names.filter((name) => !/^globaltx_(process|nodejs)_/.test(name));
    assert.ok(own.length > 15);
    const rows = [...page.matchAll(/^\| `(globaltx_\w+?)(?:\{\w+\})?` \|/gm)].map(
      ([, name]) => name as string,
    );
    assert.deepEqual(rows.sort(), own.sort());
  });

  it('says what to do in every state that a command shows', () => {
    const states = ['ACTIVE', 'COMMITTING', 'ROLLING_BACK', 'NEEDS_ATTENTION', 'COMMITTED', 'ROLLED_BACK'];
    const phases = ['NONE', 'BEHIND', 'READY', 'PUSHED', 'BACKING_OFF', 'ATTENTION'];
    for (const state of [...states, ...phases])
      assert.match(page, new RegExp(`^\\| ${state} \\|`, 'm'), state);
  });
});
