import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { keepProcess } from '../../test/support/keeper.js';

/** A process of the bench that answers each message with one. */
export class Child<Request, Reply> {
  readonly #child: ChildProcess;

  /** @param module relative to dist/bench */
  constructor(module: string, args: readonly string[]) {
    const path = fileURLToPath(new URL(`../${module}`, import.meta.url));
    this.#child = fork(path, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    keepProcess(this.#child);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** @throws Error when the process ends instead */
  async ask(request: Request): Promise<Reply> {
    const ended = new AbortController();
    try {
      const gone = once(this.#child, 'exit', { signal: ended.signal }).then(([code]) => {
        throw new Error(`a process of the bench ended with ${code}`);
      });
      const answered = once(this.#child, 'message', { signal: ended.signal });
      this.#child.send(request as object);
      const [reply] = (await Promise.race([answered, gone])) as [Reply];
      return reply;
    } finally {
      ended.abort();
    }
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}
