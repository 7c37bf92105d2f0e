const FIRST_DELAY_MS = 50;
const CEILING_MS = 2_000;

/**
 * The client's one retry formula: 50 ms, doubled with each attempt, never more than 2 s, of which a random
 * half is taken off, so that the clients of a coordinator that comes back do not all arrive at once.
 *
 * @param attempt how many attempts have failed, from 1
 * @returns milliseconds to wait before the next attempt
 */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(CEILING_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full * (1 - random() / 2));
}
