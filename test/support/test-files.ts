import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';

export interface TestFiles {
  readonly parallel: readonly string[];
  readonly serial: readonly string[];
}

/** Files in a folder named 'serial' measure time, or need the whole machine: they run alone, after the others. */
export function sorted(files: readonly string[]): TestFiles {
  const isSerial = (file: string) => file.split(sep).includes('serial');
  return { parallel: files.filter((file) => !isSerial(file)), serial: files.filter(isSerial) };
}

/** Every compiled test file below `folder`. */
export async function testFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries
    .filter((entry) => entry.endsWith('.test.js'))
    .sort()
    .map((entry) => join(folder, entry));
}
