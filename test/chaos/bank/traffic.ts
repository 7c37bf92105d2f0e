import { setTimeout as delay } from 'node:timers/promises';
import type { Bank } from './bank.js';

/** Over how long the traffic is measured, and how often that is looked at. */
const WINDOW_MS = 400;
const LOOK_MS = 40;
/** How long it is waited for when there is too little. */
const PATIENCE_MS = 30_000;

/** Waits until so many transfers a second were made just now. @returns how many, or the most when they never were */
export async function awaitTraffic(bank: Bank, floor: number): Promise<number> {
  const looks = [{ at: performance.now(), done: bank.done }];
  const until = performance.now() + PATIENCE_MS;
  for (let most = 0; ; ) {
    await delay(LOOK_MS);
    const now = { at: performance.now(), done: bank.done };
    looks.push(now);
    while (looks[1] !== undefined && now.at - looks[1].at >= WINDOW_MS) looks.shift();
    const first = looks[0]!;
    if (now.at - first.at >= WINDOW_MS)
      most = Math.max(most, ((now.done - first.done) * 1_000) / (now.at - first.at));
    if ((most >= floor && most > 0) || now.at > until) return most;
  }
}
