import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { KNOWN_FAILURES, sqlPage } from './sql-page.js';

const ROOT = new URL('../../../', import.meta.url);

describe('docs/sql.md', () => {
  it('says what the tests say; GLOBALTX_WRITE_DOCS=1 writes it anew', async () => {
    const page = new URL('docs/sql.md', ROOT);
    if (process.env.GLOBALTX_WRITE_DOCS === '1') await writeFile(page, sqlPage());
    assert.equal(await readFile(page, 'utf8'), sqlPage());
  });

  for (const [failure, file, test] of KNOWN_FAILURES) {
    it(`names a test that there is: ${failure}`, async () => {
      const source = await readFile(new URL(file, ROOT), 'utf8');
      assert.ok(source.includes(`it('${test}'`), `${file} has no test '${test}'`);
    });
  }
});
