import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/free-port.js';
import { keepProcess } from '../../test/support/keeper.js';

const START_MS = 20_000;

/** One of an example's services, in a process of its own. When it dies it is started again, as in production. */
export class Service {
  readonly url: string;
  readonly #name: string;
  readonly #script: string;
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #answered = false;
  #deaths = 0;
  #stopping = false;

  private constructor(script: URL, port: number, environment: Readonly<Record<string, string>>) {
    this.#script = fileURLToPath(script);
    this.#name = basename(this.#script, '.js');
    this.url = `http://127.0.0.1:${port}`;
    this.#environment = { ...environment, PORT: String(port) };
  }

  /**
   * Resolves once it answers to GET /health on the PORT of its environment.
   * @param script its compiled file, which gives it its name
   */
  static async start(script: URL, environment: Readonly<Record<string, string>>): Promise<Service> {
    const service = new Service(script, await freePort(), environment);
    service.#spawn();
    try {
      await service.answering();
    } catch (error) {
      await service.stop();
      throw error;
    }
    service.#answered = true;
    return service;
  }

  /** How often it has died so far. */
  get deaths(): number {
    return this.#deaths;
  }

  /** Resolves once it answers. */
  async answering(): Promise<void> {
    const until = Date.now() + START_MS;
    for (;;) {
      try {
        const response = await fetch(`${this.url}/health`);
        if (response.ok) return;
      } catch (error) {
        const over = this.#child === undefined || Date.now() > until;
        if (over) throw new Error(`the ${this.#name} does not answer`, { cause: error });
      }
      await delay(50);
    }
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  #spawn(): void {
    const child = spawn(process.execPath, [this.#script], {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      // On Ctrl-C the demo ends first, then its services.
      detached: true,
    });
    this.#child = child;
    keepProcess(child);
    for (const output of [child.stdout, child.stderr]) {
      createInterface({ input: output }).on('line', (line) => console.error(`  [${this.#name}] ${line}`));
    }
    child.once('exit', () => {
      this.#child = undefined;
      if (this.#stopping) return;
      this.#deaths++;
      // One that cannot start at all would die again and again.
      if (this.#answered) this.#spawn();
    });
  }
}
