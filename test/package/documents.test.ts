import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}

/** Targets of links to files of this repository. */
function linksOf(text: string): string[] {
  const targets = Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => target as string);
  return targets.filter((target) => !/^(https?:|#)/.test(target)).map((target) => target.replace(/#.*/, ''));
}

describe('The documents', () => {
  for (const page of [...markdownIn('.'), ...markdownIn('docs')]) {
    it(`${page} links to pages that are there`, () => {
      const missing = linksOf(readFileSync(join(root, page), 'utf8')).filter(
        (target) => !existsSync(join(root, dirname(page), target)),
      );
      assert.deepEqual(missing, []);
    });
  }
});
