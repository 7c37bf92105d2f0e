import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { keepProcess } from './keeper.js';
import { type Counts, type RunFilesOptions, runFiles } from './run-files.js';

/** What MikroORM asks for; Kysely is content with any 22. */
const LEAST = [22, 17] as const;

const INSTALLED = fileURLToPath(
  new URL('../../../test/support/node-22/node_modules/node/bin/node', import.meta.url),
);

function isNewer(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1]);
}

/** The path of a Node that is new enough: the running one, or npm's package of Node, which the set-up installs. */
export function newerNode(): string {
  if (isNewer(process.versions.node)) return process.execPath;
  if (existsSync(INSTALLED)) return INSTALLED;
  throw new Error(
    `Some tests need Node ${LEAST.join('.')}: run 'node scripts/setup.mjs', which installs it.`,
  );
}

/** Runs test files as `runFiles` does, under a Node that is new enough for what they import. */
export async function runFilesUnderNewerNode(
  paths: readonly string[],
  options: RunFilesOptions,
): Promise<Counts> {
  const node = newerNode();
  if (node === process.execPath) return runFiles(paths, options);
  const script = fileURLToPath(new URL('./run-files-process.js', import.meta.url));
  const child = spawn(node, [script, JSON.stringify({ paths, options })], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  keepProcess(child);
  return new Promise((resolve, reject) => {
    child.once('message', (counts) => resolve(counts as Counts));
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`the tests under ${node} ended with ${code ?? signal} before they were through`)),
    );
  });
}
