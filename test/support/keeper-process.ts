import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

/*
 * Runs beside a test process and outlives it: when the pipe to it breaks, for whatever reason (kill -9
 * included), it ends the processes and removes the folders that it was told of.
 */

const pids = new Set<number>();
const folders = new Set<string>();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, what, value] = JSON.parse(line) as ['keep' | 'forget', 'process' | 'folder', number | string];
  const set: Set<number | string> = what === 'process' ? pids : folders;
  if (verb === 'keep') set.add(value);
  else set.delete(value);
}

for (const pid of pids) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') console.error(error);
  }
}
for (const folder of folders) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
