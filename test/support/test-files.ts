import { readdir } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';

export interface TestFiles {
  readonly parallel: readonly string[];
  readonly newerNode: readonly string[];
  readonly serial: readonly string[];
}

/**
 * Files in a folder named 'serial' measure time, or need the whole machine: they run alone, after the others. Files in
 * a folder named 'node-22' test what an older Node cannot run.
 */
export function sorted(files: readonly string[]): TestFiles {
  const isIn = (file: string, folder: string) => dirname(file).split(sep).includes(folder);
  const serial = files.filter((file) => isIn(file, 'serial'));
  const newerNode = files.filter((file) => isIn(file, 'node-22'));
  return { parallel: files.filter((file) => ![...serial, ...newerNode].includes(file)), newerNode, serial };
}

/** Every compiled test file below `folder`. */
export async function testFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries
    .filter((entry) => entry.endsWith('.test.js'))
    .sort()
    .map((entry) => join(folder, entry));
}
