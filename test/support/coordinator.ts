import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { keepProcess, removeFolder, temporaryFolder } from './keeper.js';

export interface CoordinatorOptions {
  /** Where it keeps its store. Default: a fresh folder, removed by `stop()`. */
  readonly dataDir?: string;
  /** Added to the environment of the process: GLOBALTX_FAILPOINTS and its like. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further command line arguments, as `--help` lists them. */
  readonly args?: readonly string[];
}

export interface CoordinatorExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningCoordinator {
  /** The same in every life: a restart listens where the first start did. */
  readonly port: number;
  /** What a client connects to: `127.0.0.1:PORT`. */
  readonly address: string;
  readonly dataDir: string;
  /** Of the present life. */
  readonly pid: number;
  /** Everything that was logged, one JSON line each, in all lives; standard error included. */
  readonly log: string;
  /** Of the present life. */
  readonly exited: Promise<CoordinatorExit>;
  /** Sends the signal. After a deadly one it resolves once the process is gone. @default 'SIGKILL' */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts the next life on the same port and store; one that still lives is killed by SIGKILL first. */
  restart(changes?: Pick<CoordinatorOptions, 'env' | 'args'>): Promise<void>;
  /** Ends it by SIGTERM (SIGKILL after ten seconds) and removes the folder if it was made here. */
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('../../src/server/main.js', import.meta.url));
const START_MS = 60_000;
const STOP_MS = 10_000;
const DEADLY: readonly NodeJS.Signals[] = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGABRT'];

/** Runs the real `globaltx-server` on a free loopback port; resolves when it is ready for clients. */
export async function startCoordinator(options: CoordinatorOptions = {}): Promise<RunningCoordinator> {
  const own = options.dataDir === undefined;
  const dataDir = options.dataDir ?? temporaryFolder('coordinator');
  const coordinator = new CoordinatorProcess(dataDir, own, options);
  await coordinator.start();
  return coordinator;
}

class CoordinatorProcess implements RunningCoordinator {
  readonly dataDir: string;
  readonly #ownsDataDir: boolean;
  #options: CoordinatorOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<CoordinatorExit> = Promise.resolve({ code: null, signal: null });
  #port = 0;
  #log = '';

  constructor(dataDir: string, ownsDataDir: boolean, options: CoordinatorOptions) {
    this.dataDir = dataDir;
    this.#ownsDataDir = ownsDataDir;
    this.#options = options;
  }

  get port(): number {
    return this.#port;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get log(): string {
    return this.#log;
  }

  get exited(): Promise<CoordinatorExit> {
    return this.#exited;
  }

  async start(): Promise<void> {
    const portFile = join(this.dataDir, 'port');
    await rm(portFile, { force: true });
    const child = spawn(
      process.execPath,
      [
        MAIN,
        ...['--listen', this.address, '--data', this.dataDir, '--port-file', portFile],
        ...(this.#options.args ?? []),
      ],
      {
        env: { ...process.env, ...this.#options.env },
        stdio: ['ignore', 'pipe', 'pipe'],
        // On Ctrl-C the tests end first, then what they started.
        detached: true,
      },
    );
    keepProcess(child);
    this.#child = child;
    // A test run that fails must not leave a coordinator behind.
    const killed = () => child.kill('SIGKILL');
    process.once('exit', killed);
    child.once('close', () => process.off('exit', killed));
    this.#exited = once(child, 'close').then(([code, signal]) => ({ code, signal }) as CoordinatorExit);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
      });
    }
    this.#port = await this.#awaitPort(child, portFile);
  }

  async #awaitPort(child: ChildProcess, portFile: string): Promise<number> {
    const deadline = Date.now() + START_MS;
    while (Date.now() < deadline) {
      if (hasEnded(child)) {
        await this.#exited;
        throw new Error(`the coordinator ended instead of starting:\n${this.#log}`);
      }
      const text = await readFile(portFile, 'utf8').catch(() => '');
      if (text !== '') return Number(text);
      await sleep(10);
    }
    child.kill('SIGKILL');
    throw new Error(`the coordinator was not ready within ${START_MS} ms:\n${this.#log}`);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child?.kill(signal);
    if (DEADLY.includes(signal)) await this.#exited;
  }

  async restart(changes: Pick<CoordinatorOptions, 'env' | 'args'> = {}): Promise<void> {
    await this.kill('SIGKILL');
    this.#options = { ...this.#options, ...changes };
    await this.start();
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && !hasEnded(child)) {
      // A process that was stopped by SIGSTOP would not see SIGTERM.
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await this.#exited;
      clearTimeout(timer);
    }
    if (this.#ownsDataDir) await removeFolder(this.dataDir);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
