/**
 * Time as the core counts it: the shell's `now`, but never running backwards. When the shell's clock is set
 * back, the time that passes from there on is still counted, so nothing waits for the clock to catch up.
 */
export class Clock {
  #time = 0;
  #ahead = 0;

  /** Takes note of the shell's time and returns the core's. */
  read(now: number): number {
    if (now + this.#ahead < this.#time) this.#ahead = this.#time - now;
    this.#time = now + this.#ahead;
    return this.#time;
  }

  /** The core's time at the last reading. */
  get time(): number {
    return this.#time;
  }

  /** The shell's time at which the core's will be `time`. */
  toShell(time: number): number {
    return time - this.#ahead;
  }

  /** The shell's time at the last reading: what is written into records. */
  get shellTime(): number {
    return this.#time - this.#ahead;
  }
}
