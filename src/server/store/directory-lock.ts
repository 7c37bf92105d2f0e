import { randomUUID } from 'node:crypto';
import {
  linkSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GlobalTxError } from '../../protocol/errors.js';

/** Who has the directory. */
interface Holder {
  readonly nonce: string;
  readonly pid: number;
  /** When the process began, in the system's own unit: tells it from a later one with the same pid. */
  readonly started: string;
  /** Pids can be compared only within one namespace: two containers may share a volume. */
  readonly namespace: string;
}

const FILE = 'lock';
/** The holder touches the file so often. */
const BEAT_MS = 1_000;
/** A holder in another namespace whose file is not touched for so long is taken for dead. */
const SILENCE_MS = 5_000;
/** How long a claim on a dead holder's directory must stand, so that of two that claim at once one is left. */
const SETTLE_MS = 100;
/** Without a beat for so long (the process was stopped) the file is read again before the next write. */
const DOUBT_MS = 2 * BEAT_MS;

/**
 * Lets one process have a directory. Node has no flock(), so a file names the holder; after a kill -9 the
 * holder is seen to be dead at once, and the directory can be taken.
 */
export class DirectoryLock {
  readonly #path: string;
  readonly #nonce: string;
  readonly #timer: NodeJS.Timeout;
  #beatAt = performance.now();

  private constructor(path: string, nonce: string) {
    this.#path = path;
    this.#nonce = nonce;
    this.#timer = setInterval(() => {
      // What goes wrong here leaves the last beat old, and the next write meets it in requireHeld().
      if (this.#isOwn()) this.#beat();
    }, BEAT_MS);
    this.#timer.unref();
  }

  /** @throws GlobalTxError STORE_FAILED when another process has the directory, or it cannot be written. */
  static async acquire(directory: string): Promise<DirectoryLock> {
    const path = join(directory, FILE);
    const nonce = randomUUID();
    const claim = `${path}.${nonce}`;
    try {
      writeFileSync(claim, JSON.stringify({ nonce, ...thisProcess() } satisfies Holder), { mode: 0o600 });
      await take(path, claim, nonce, directory);
    } catch (error) {
      if (error instanceof GlobalTxError) throw error;
      throw new GlobalTxError(
        'STORE_FAILED',
        `The store's directory ${directory} cannot be locked: ${error instanceof Error ? error.message : error}`,
        { cause: error },
      );
    } finally {
      rmSync(claim, { force: true });
    }
    return new DirectoryLock(path, nonce);
  }

  /** For those who only read. @throws GlobalTxError STORE_FAILED while a process has the directory. */
  static async requireFree(directory: string): Promise<void> {
    await requireDead(join(directory, FILE), directory);
  }

  /** @throws Error when the directory may be another process's by now. */
  requireHeld(): void {
    if (performance.now() - this.#beatAt <= DOUBT_MS) return;
    if (!this.#isOwn()) throw new Error(`another process has taken ${this.#path}`);
    this.#beat();
  }

  release(): void {
    clearInterval(this.#timer);
    if (this.#isOwn()) rmSync(this.#path, { force: true });
  }

  #isOwn(): boolean {
    return read(this.#path)?.nonce === this.#nonce;
  }

  #beat(): void {
    const now = new Date();
    utimesSync(this.#path, now, now);
    this.#beatAt = performance.now();
  }
}

async function take(path: string, claim: string, nonce: string, directory: string): Promise<void> {
  try {
    linkSync(claim, path);
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  await requireDead(path, directory);
  renameSync(claim, path);
  await sleep(SETTLE_MS);
  const holder = read(path);
  if (holder?.nonce !== nonce) throw inUse(directory, holder);
}

async function requireDead(path: string, directory: string): Promise<void> {
  const holder = read(path);
  if (holder === undefined) return;
  const own = thisProcess();
  if (holder.namespace === own.namespace) {
    if (startOf(holder.pid) === holder.started) throw inUse(directory, holder);
    return;
  }
  const touched = statSync(path).mtimeMs;
  await sleep(SILENCE_MS);
  if (read(path)?.nonce !== holder.nonce || statSync(path).mtimeMs !== touched)
    throw inUse(directory, holder);
}

function inUse(directory: string, holder: Holder | undefined): GlobalTxError {
  const who = holder === undefined ? 'another process' : `the process ${holder.pid}`;
  return new GlobalTxError(
    'STORE_FAILED',
    `The store's directory ${directory} is in use by ${who}. Stop it first, or give this one another directory.`,
  );
}

/** Undefined when there is no file, or none that a holder has written. */
function read(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function thisProcess(): Omit<Holder, 'nonce'> {
  return { pid: process.pid, started: startOf(process.pid), namespace: pidNamespace() };
}

/** Empty when no such process lives. */
function startOf(pid: number): string {
  try {
    // Field 22 of proc(5) stat; the second field, the command, is in parentheses and may contain anything.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    return process.platform === 'linux' || !isAlive(pid) ? '' : 'alive';
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The machine's present boot and, on Linux, the pid namespace. */
function pidNamespace(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return process.platform;
  }
}
