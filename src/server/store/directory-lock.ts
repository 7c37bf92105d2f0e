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
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
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
/** Stands for whoever has written what cannot be read: he is given the time to be alive. */
const UNREADABLE: Holder = { nonce: 'unreadable', pid: 0, started: '', namespace: '' };
/** The holder touches the file so often. */
const BEAT_MS = 1_000;
/** A holder in another namespace whose file is not touched for so long is taken for dead. */
const SILENCE_MS = 5_000;
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
      try {
        if (this.#isOwn()) this.#beat();
      } catch {
        // Files may have run out for a moment. It leaves the last beat old, and the next write meets it in requireHeld().
      }
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
      await take(path, claim, directory);
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

/**
 * A link is made by one process alone. So is the one that is named after a dead holder, and it is what takes his directory:
 * a file that was only put in the place of his could be put there by two, one of which has hung since it saw him dead.
 */
async function take(path: string, claim: string, directory: string): Promise<void> {
  while (!linked(claim, path)) {
    const dead = await requireDead(path, directory);
    if (dead === undefined || !(await succeed(path, claim, dead, directory))) await nextTurn();
    else return;
  }
}

/** @returns whether it has the directory now; false: somebody else had it since, and it is to be looked at again */
async function succeed(path: string, claim: string, dead: Holder, directory: string): Promise<boolean> {
  const heirs = [heirOf(path, dead)];
  while (!linked(claim, heirs.at(-1)!)) {
    // He may have died before he was through; then he has one heir, too.
    const heir = await requireDead(heirs.at(-1)!, directory);
    if (heir === undefined) return false;
    heirs.push(heirOf(path, heir));
  }
  const own = heirs.pop()!;
  if (read(path)?.nonce !== dead.nonce) {
    rmSync(own);
    return false;
  }
  renameSync(own, path);
  for (const heir of heirs) rmSync(heir, { force: true });
  return true;
}

function heirOf(path: string, { nonce }: Holder): string {
  return `${path}.after.${nonce}`;
}

/** @returns whether there was no such file before */
function linked(claim: string, path: string): boolean {
  try {
    linkSync(claim, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** @returns the holder, who is dead; undefined when there is none */
async function requireDead(path: string, directory: string): Promise<Holder | undefined> {
  const holder = read(path);
  if (holder === undefined) return undefined;
  const own = thisProcess();
  if (holder.namespace === own.namespace) {
    if (startOf(holder.pid) === holder.started) throw inUse(directory, holder);
    return holder;
  }
  const touched = statSync(path).mtimeMs;
  await sleep(SILENCE_MS);
  if (read(path)?.nonce !== holder.nonce || statSync(path).mtimeMs !== touched)
    throw inUse(directory, holder);
  return holder;
}

function inUse(directory: string, { pid }: Holder): GlobalTxError {
  const who = pid === 0 ? 'another process' : `the process ${pid}`;
  return new GlobalTxError(
    'STORE_FAILED',
    `The store's directory ${directory} is in use by ${who}. Stop it first, or give this one another directory.`,
  );
}

/** Undefined when there is no file. */
function read(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch (error) {
    if (error instanceof SyntaxError) return UNREADABLE;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
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
