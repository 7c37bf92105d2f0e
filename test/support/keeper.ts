import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * What this process starts and makes must not outlive it, however it ends: a helper process holds the list
 * and cleans up as soon as the pipe to it breaks.
 */
let pipe: NodeJS.WritableStream | undefined;
const folders = new Set<string>();

function tell(verb: 'keep' | 'forget', what: 'process' | 'folder', value: number | string): void {
  if (pipe === undefined) {
    const script = fileURLToPath(new URL('./keeper-process.js', import.meta.url));
    const keeper = spawn(process.execPath, [script], {
      stdio: ['pipe', 'ignore', 'inherit'],
      detached: true,
    });
    keeper.unref();
    // Neither the helper nor its pipe may keep this process alive.
    (keeper.stdin as unknown as Socket).unref();
    pipe = keeper.stdin;
  }
  pipe.write(`${JSON.stringify([verb, what, value])}\n`);
}

/** Sees to it that `child` is killed when this process ends. Call it right after spawn. */
export function keepProcess(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  tell('keep', 'process', pid);
  child.once('exit', () => tell('forget', 'process', pid));
}

/** Makes a folder of one's own under the system's folder for temporary files; it goes when this process ends. */
export function temporaryFolder(name = 'test'): string {
  const folder = mkdtempSync(join(tmpdir(), `globaltx-${name}-`));
  folders.add(folder);
  tell('keep', 'folder', folder);
  return folder;
}

/** Removes a folder made by `temporaryFolder` before this process ends. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  folders.delete(folder);
  tell('forget', 'folder', folder);
}

/** Removes what is left of them: for the end of a program that wants to leave nothing behind, not even for a moment. */
export async function removeFolders(): Promise<void> {
  await Promise.all([...folders].map(removeFolder));
}
