import type { DatabaseServer } from '../support/database-server.js';
import { generate } from './generate.js';
import { Lane } from './lane.js';
import type { Options } from './options.js';
import { alike, type Mismatch, runPlan } from './run.js';
import { script } from './script.js';
import { shrink } from './shrink.js';
import { type Total, totalOf } from './total.js';

export interface RunResult {
  readonly seed: number;
  readonly total: Total;
  /** The script that shows the mismatch, if there is one. */
  readonly script: string | undefined;
}

/** Plays the runs of one process, one after the other. */
export class Fuzz {
  readonly #lane: Lane;
  readonly #options: Pick<Options, 'further' | 'shrinkMs'>;

  private constructor(lane: Lane, options: Pick<Options, 'further' | 'shrinkMs'>) {
    this.#lane = lane;
    this.#options = options;
  }

  static async open(server: DatabaseServer, options: Pick<Options, 'further' | 'shrinkMs'>): Promise<Fuzz> {
    return new Fuzz(await Lane.open(server), options);
  }

  async run(seed: number): Promise<RunResult> {
    const plan = generate(seed, { server: this.#lane.server.kind, further: this.#options.further });
    const report = await runPlan(this.#lane, plan);
    const total = totalOf(seed, report);
    const { mismatch } = report;
    if (mismatch === undefined) return { seed, total, script: undefined };
    let last: Mismatch = mismatch;
    const small = await shrink(
      plan,
      async (smaller) => {
        const again = await runPlan(this.#lane, smaller);
        if (again.mismatch === undefined || !alike(again.mismatch, mismatch)) return false;
        last = again.mismatch;
        return true;
      },
      this.#options.shrinkMs,
    );
    return { seed, total, script: script(small, last) };
  }

  /** Statements of random schemas that the server has not taken so far. */
  get rejected(): Lane['rejected'] {
    return this.#lane.rejected;
  }

  close(): Promise<void> {
    return this.#lane.close();
  }
}
