import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TEMPLATE_VARIABLE, templateFolder } from './support/data-folder.js';
import { removeFolders } from './support/keeper.js';
import { runFilesUnderNewerNode } from './support/newer-node.js';
import { type Counts, type RunFilesOptions, runFiles } from './support/run-files.js';
import { PrivateServer, shareServers } from './support/servers.js';
import { sorted, testFiles } from './support/test-files.js';

const HELP = `usage: node dist/test/run.js [--grep TEXT] [--jobs N] [FILE...]

Starts two private database servers and runs the compiled test files on them: those given, else all.
  --grep TEXT   only tests whose full name has TEXT in it
  --jobs N      how many files run at a time; default 2. Files in a folder named 'serial' run alone, at the end,
                and those in one named 'node-22' under a Node that is at least that

The server is $MYSQLD if set, else mysqld or mariadbd from the PATH.
`;

const arguments_ = parseArgs({
  allowPositionals: true,
  options: { grep: { type: 'string' }, jobs: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
});

if (arguments_.values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const here = fileURLToPath(new URL('.', import.meta.url));
const given = arguments_.positionals.map((file) => resolve(file));
const files = given.length > 0 ? given : await testFiles(here);
const started = Date.now();
const running: PrivateServer[] = [];

async function end(status: number): Promise<never> {
  await Promise.all(running.map((server) => server.stop()));
  await removeFolders();
  process.exit(status);
}

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const) {
  process.once(signal, () => void end(128 + number));
}

let passed = 0;
let failed = 0;

type Run = (paths: readonly string[], options: RunFilesOptions) => Promise<Counts>;

async function runAll(run: Run, paths: readonly string[], jobs: number): Promise<void> {
  if (paths.length === 0) return;
  const counts = await run(paths, { jobs, grep: arguments_.values.grep });
  passed += counts.passes;
  failed += counts.failures;
}

try {
  process.env[TEMPLATE_VARIABLE] = await templateFolder();
  const [first, second] = await Promise.all([PrivateServer.start(), PrivateServer.start()]);
  running.push(first, second);
  shareServers([first, second]);
  const { parallel, newerNode, serial } = sorted(files);
  const jobs = Math.max(1, Number(arguments_.values.jobs ?? 2));
  await runAll(runFiles, parallel, jobs);
  await runAll(runFilesUnderNewerNode, newerNode, jobs);
  await runAll(runFiles, serial, 1);
} catch (error) {
  console.error(error);
  failed++;
}

const [server] = running;
const seconds = ((Date.now() - started) / 1000).toFixed(1);
const name = server === undefined ? 'no database server' : `${server.kind} ${server.version}`;
console.log(`${name}, ${files.length} files, ${seconds} s`);
console.log(`${passed} passed, ${failed} failed`);
await end(failed === 0 && passed > 0 ? 0 : 1);
