import { Timers } from '../../src/server/core/timers.js';

/** Simulated time: things happen one after the other, in the order of their times. */
export class Scheduler {
  time = 0;
  readonly #timers = new Timers<() => void>();

  /** @returns takes it back */
  after(ms: number, action: () => void): () => void {
    const timer = this.#timers.set(this.time + ms, action);
    return () => this.#timers.cancel(timer);
  }

  /** @returns whether there was anything left to do */
  next(): boolean {
    const at = this.#timers.next;
    if (at === undefined) return false;
    this.time = Math.max(this.time, at);
    this.#timers.takeDue(this.time)?.due();
    return true;
  }
}
