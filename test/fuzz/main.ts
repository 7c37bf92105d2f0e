import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PrivateServer } from '../support/servers.js';
import type { RunResult } from './fuzz.js';
import { fuzzServer } from './fuzz-server.js';
import { HELP, type Options, readOptions, SEEDS } from './options.js';
import { add, details, noRuns, unplayed } from './total.js';
import type { FromWorker, ToWorker } from './worker.js';

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));
const PROGRESS_MS = 10_000;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function tell(child: ChildProcess, message: ToWorker): void {
  child.send(message);
}

/**
 * Lets one process play the seeds that `next` gives, until there are none or a run cannot be played.
 * @returns the seed of that run and why
 * @throws Error where the process cannot begin
 */
async function workOnce(
  server: PrivateServer,
  options: Options,
  next: () => number | undefined,
  take: (result: RunResult) => void,
): Promise<{ readonly seed: number; readonly error: string } | undefined> {
  const child = fork(WORKER, { serialization: 'advanced' });
  const ended = once(child, 'exit');
  let seed: number | undefined;
  const failure = await new Promise<string | undefined>((resolve) => {
    const proceed = () => {
      seed = next();
      if (seed !== undefined) tell(child, { verb: 'run', seed });
      else {
        tell(child, { verb: 'close' });
        resolve(undefined);
      }
    };
    child.on('message', (message: FromWorker) => {
      switch (message.verb) {
        case 'result':
          take(message.result);
          proceed();
          return;
        case 'ready':
          proceed();
          return;
        case 'failed':
          resolve(message.error);
      }
    });
    child.once('exit', (code) => resolve(`its process ended with status ${code}`));
    const { kind, version, port, socketPath } = server;
    tell(child, { verb: 'open', server: { kind, version, port, socketPath }, options });
  });
  if (failure !== undefined) child.kill();
  await ended;
  if (failure === undefined) return undefined;
  if (seed === undefined) throw new Error(`no run could be played: ${failure}`);
  return { seed, error: failure };
}

/** The same, with a new process behind each run that cannot be played: the others are worth knowing all the same. */
async function work(
  server: PrivateServer,
  options: Options,
  next: () => number | undefined,
  take: (result: RunResult) => void,
): Promise<void> {
  for (;;) {
    const failed = await workOnce(server, options, next, take);
    if (failed === undefined) return;
    const { seed, error } = failed;
    take({ seed, total: unplayed(), script: `-- seed ${seed} could not be played: ${error}\n` });
  }
}

async function main(options: Options): Promise<number> {
  const { seed, runs, most, verbose } = options;
  const server = await fuzzServer();
  const total = noRuns();
  say(
    `${server.kind} ${server.version}, seed ${seed}, ${runs} runs, further kinds: ${options.further.join(', ') || 'none'}`,
  );
  let given = 0;
  const started = Date.now();
  const progress = setInterval(() => {
    const seconds = ((Date.now() - started) / 1000).toFixed(0);
    say(
      `${seconds} s: ${total.runs} runs, ${total.statements} statements, ${total.refused} refused, ${total.mismatches} mismatches`,
    );
  }, PROGRESS_MS);
  let stopped = false;
  const stop = () => {
    stopped = true;
    say('ending after the runs under way');
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  const next = () =>
    given < runs && total.mismatches < most && !stopped ? (seed + given++) % SEEDS : undefined;
  const take = (result: RunResult) => {
    add(total, result.total);
    if (result.script !== undefined) process.stdout.write(`${result.script}\n`);
  };
  try {
    await Promise.all(
      Array.from({ length: Math.min(options.workers, runs) }, () => work(server, options, next, take)),
    );
  } finally {
    clearInterval(progress);
    await server.stop();
  }
  if (verbose) say(details(total));
  const { statements, refused, mismatches } = total;
  process.stdout.write(`${JSON.stringify({ seed, runs: total.runs, statements, refused, mismatches })}\n`);
  return mismatches === 0 ? 0 : 1;
}

function optionsOrEnd(): Options {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options !== 'help') return options;
    process.stdout.write(HELP);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    process.exit(2);
  }
}

process.exitCode = await main(optionsOrEnd());
