import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../', import.meta.url);

function read(path: string): Promise<string> {
  return readFile(fileURLToPath(new URL(path, root)), 'utf8');
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

describe('The page about ORMs', () => {
  it('has in every section nothing but lines of the test that it names', async () => {
    const page = await read('docs/orms.md');
    const [, ...sections] = page.split('\n## ');
    assert.ok(sections.length >= 7);
    for (const section of sections) {
      const [title] = section.split('\n');
      const [, test] = /\[Its test\]\(\.\.\/(.*?)\)/.exec(section) ?? [];
      assert.ok(test, `${title} names no test`);
      const known = new Set(linesOf(await read(test)));
      const blocks = Array.from(section.matchAll(/```ts\n(.*?)```/gs), ([, code]) => code as string);
      assert.ok(blocks.length > 0, `${title} has no lines`);
      const unknown = blocks.flatMap(linesOf).filter((line) => !known.has(line));
      assert.deepEqual(unknown, [], `${title}, not in ${test}`);
    }
  });
});
