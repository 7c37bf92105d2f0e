import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { CRASH_SKU, SKUS, sku, USERS } from './schema.js';

export interface Order {
  readonly number: string;
  readonly userId: number;
  readonly sku: string;
  readonly qty: number;
}

/** What the order service told the caller. */
export interface Told {
  readonly order: Order;
  readonly result: 'committed' | 'rolledBack' | 'unknown';
  /** 'no stock', 'no money', or the code of an error. */
  readonly reason: string;
}

/** How long a customer waits after he found a service away. */
const PAUSE_MS = 1_500;
const ANSWER_MS = 60_000;

/** A few orders meet the stock service's crash, the first of them early. */
function isCrash(index: number, count: number): boolean {
  return index === Math.floor(count / 5) || index === Math.floor((count * 3) / 5);
}

function makeOrder(index: number, count: number): Order {
  return {
    number: randomUUID(),
    userId: 1 + Math.floor(Math.random() * USERS),
    // The lower the number the more popular.
    sku: isCrash(index, count) ? CRASH_SKU : sku(Math.floor(Math.random() ** 1.5 * SKUS)),
    qty: 1 + Math.floor(Math.random() * 4),
  };
}

async function place(orderUrl: string, order: Order): Promise<Told> {
  try {
    const response = await fetch(`${orderUrl}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(order),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const told = (await response.json()) as Pick<Told, 'result' | 'reason'>;
    return { order, result: told.result, reason: told.reason };
  } catch (error) {
    return { order, result: 'unknown', reason: String(error) };
  }
}

/**
 * Places `count` orders, `inFlight` at a time, and gathers what the callers were told.
 * @param onTold is called after each, with the number of orders that were answered so far
 */
export async function placeOrders(
  orderUrl: string,
  count: number,
  inFlight: number,
  onTold: (answered: number) => void,
): Promise<Told[]> {
  const told: Told[] = [];
  let next = 0;
  async function customer(): Promise<void> {
    while (next < count) {
      const answer = await place(orderUrl, makeOrder(next++, count));
      told.push(answer);
      onTold(told.length);
      if (answer.reason === 'service away') await delay(PAUSE_MS);
    }
  }
  await Promise.all(Array.from({ length: inFlight }, customer));
  return told;
}
