import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keepProcess } from '../../support/keeper.js';
import type { Command, Notice, ServiceSettings } from './plan.js';

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));
const READY_MS = 60_000;
const LONGEST_OUTPUT = 20_000;

const NOTHING_YET = { done: 0, reads: 0 };

type Environment = Readonly<Record<string, string>>;

export interface ServiceStart extends Omit<ServiceSettings, 'journal'> {
  /** Where each life keeps its journal. */
  readonly journals: string;
  readonly coordinator: string;
  /** Of every life. */
  readonly environment: Environment;
}

/** A service of the bank in a process of its own. It is started again whenever it dies. */
export class BankService {
  readonly name: string;
  readonly #settings: ServiceStart;
  #child: ChildProcess | undefined;
  /** The present life, until it is ready. */
  #starting: Promise<void> = Promise.resolve();
  #nextEnvironment: Environment = {};
  #lives = 0;
  #running = false;
  #stopping = false;
  /** Whether the present life may die without anybody wondering. */
  #mayDie = false;
  #before = NOTHING_YET;
  #present = NOTHING_YET;
  #output = '';
  readonly #strangeDeaths: string[] = [];

  constructor(settings: ServiceStart) {
    this.name = settings.name;
    this.#settings = settings;
  }

  /** Transfers that ended, in all lives. */
  get done(): number {
    return this.#before.done + this.#present.done;
  }

  /** Readings of all balances that were complete, in all lives. */
  get reads(): number {
    return this.#before.reads + this.#present.reads;
  }

  /** Lives that have begun. */
  get lives(): number {
    return this.#lives;
  }

  /** Deaths that nobody has caused, as sentences. */
  get strangeDeaths(): readonly string[] {
    return this.#strangeDeaths;
  }

  get output(): string {
    return this.#output;
  }

  /** The first life; resolves when it is ready for traffic. */
  async start(): Promise<void> {
    this.#starting = this.#launch();
    await this.up();
  }

  run(): void {
    this.#running = true;
    this.#tell('run');
  }

  /** Resolves when nothing is under way any more. @throws when that takes longer than `limitMs` */
  async pause(limitMs: number): Promise<void> {
    this.#running = false;
    await this.up();
    const idle = this.#notice(this.#child!, 'idle', limitMs);
    this.#tell('pause');
    await idle;
  }

  /** Resolves once a life is there that is ready. */
  async up(): Promise<void> {
    for (;;) {
      const starting = this.#starting;
      const failure = await starting.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (starting !== this.#starting) continue;
      if (failure !== undefined) throw failure;
      return;
    }
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  /** Kills it; resolves when the next life is ready. `environment` is for that life alone. */
  async restart(environment: Environment = {}): Promise<void> {
    this.#nextEnvironment = environment;
    const child = this.#child;
    if (child !== undefined) {
      this.#mayDie = true;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    await this.up();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async #launch(): Promise<void> {
    const environment = this.#nextEnvironment;
    this.#nextEnvironment = {};
    this.#lives += 1;
    this.#mayDie = Object.keys(environment).length > 0;
    const { journals, coordinator, environment: always, ...rest } = this.#settings;
    const settings: ServiceSettings = {
      ...rest,
      seed: rest.seed + this.#lives,
      journal: join(journals, `${this.name}-${this.#lives}`),
    };
    const child = fork(WORKER, {
      env: {
        ...process.env,
        GLOBALTX_COORDINATOR: coordinator,
        ...always,
        ...environment,
        BANK_SERVICE: JSON.stringify(settings),
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // On Ctrl-C the harness ends first, then its services.
      detached: true,
    });
    keepProcess(child);
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-LONGEST_OUTPUT);
      });
    }
    child.on('message', (notice: Notice) => {
      if (this.#child === child && notice.type === 'counts') this.#present = notice;
    });
    child.once('exit', (code, signal) => this.#ended(code, signal));
    await this.#notice(child, 'ready', READY_MS);
    if (this.#running) this.#tell('run');
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    this.#child = undefined;
    this.#before = { done: this.done, reads: this.reads };
    this.#present = NOTHING_YET;
    if (this.#stopping) return;
    if (!this.#mayDie) {
      this.#strangeDeaths.push(
        `${this.name} died by itself (status ${code}, signal ${signal}): ${this.#output.slice(-2_000)}`,
      );
    }
    this.#starting = this.#launch();
    // Whoever waits for it hears of it by `up`.
    this.#starting.catch(() => undefined);
  }

  #tell(command: Command): void {
    const child = this.#child;
    if (child?.connected) child.send(command);
  }

  #notice(child: ChildProcess, type: Notice['type'], limitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (failure?: string) => {
        clearTimeout(timer);
        child.off('message', listen).off('exit', died);
        if (failure === undefined) resolve();
        else reject(new Error(`${this.name} ${failure}: ${this.#output.slice(-2_000)}`));
      };
      const listen = (notice: Notice) => {
        if (notice.type === type) end();
      };
      const died = () => end(`died before it was ${type}`);
      const timer = setTimeout(() => end(`was not ${type} within ${limitMs} ms`), limitMs);
      child.on('message', listen).once('exit', died);
    });
  }
}
