import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { ERROR_CODES } from '../../src/client/index.js';

describe('docs/errors.md', () => {
  it('has an entry for every code, in the order of the list, and no other', async () => {
    const page = await readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
    const entries = [...page.matchAll(/^### (.+)$/gm)].map((match) => match[1]);
    assert.deepEqual(entries, [...ERROR_CODES]);
  });

  it('says for every code what to do and what raises it', async () => {
    const page = await readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
    for (const entry of page.split(/^### /m).slice(1)) {
      const [code] = entry.split('\n');
      assert.match(entry, /^- What to do: /m, code);
      assert.match(entry, /^- Raised by: /m, code);
    }
  });
});
