/**
 * Milliseconds since 1970 that never go backwards: the wall clock is read once, from then on the monotonic
 * clock counts. A step of the wall clock (NTP, a person) would otherwise time out every transaction at once,
 * or none for hours.
 */
export class Clock {
  #offset = performance.timeOrigin;

  now(): number {
    return Math.floor(this.#offset + performance.now());
  }

  /** The store holds times of an earlier life; if the wall clock was set back since, go on from there. */
  notBefore(time: number): void {
    this.#offset += Math.max(0, time - this.now());
  }
}
