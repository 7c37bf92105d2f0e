import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../test/support/free-port.js';
import { keepProcess } from '../../../test/support/keeper.js';

const START_MS = 20_000;

/** One of the shop's services, in a process of its own. When it dies it is started again, as in production. */
export class Service {
  readonly url: string;
  readonly #name: string;
  readonly #script: string;
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #deaths = 0;
  #stopping = false;

  private constructor(name: string, port: number, environment: Readonly<Record<string, string>>) {
    this.#name = name;
    this.#script = fileURLToPath(new URL(`../${name}.js`, import.meta.url));
    this.url = `http://127.0.0.1:${port}`;
    this.#environment = { ...environment, PORT: String(port) };
  }

  /** @param name of a file of examples/shop, without its extension */
  static async start(name: string, environment: Readonly<Record<string, string>>): Promise<Service> {
    const service = new Service(name, await freePort(), environment);
    service.#spawn();
    await service.answering();
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
        if (Date.now() > until) throw new Error(`the ${this.#name} does not answer`, { cause: error });
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
      this.#spawn();
    });
  }
}
