import type { Transaction } from '../transaction/transaction.js';
import { XID_NAMES, xidHeaders } from './header.js';
import { carried } from './outgoing.js';

export type Fetch = typeof globalThis.fetch;
type Input = Parameters<Fetch>[0];
type Init = Parameters<Fetch>[1];

async function fetchWithin(
  fetch: Fetch,
  transaction: Transaction,
  input: Input,
  init: Init,
): Promise<Response> {
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
  if (!XID_NAMES.some((name) => headers.has(name))) {
    await transaction.ensureBegun();
    for (const [name, xid] of Object.entries(xidHeaders(transaction.xid))) headers.set(name, xid);
  }
  return await fetch(input, { ...init, headers });
}

/**
 * `fetch` that tells the called service the xid of the current global transaction. Outside of a transaction, and
 * for URLs that `propagate` leaves out, the call is passed on untouched.
 */
export function propagatingFetch(original: Fetch, propagate: (url: URL) => boolean): Fetch {
  const fetch: Fetch = function (this: unknown, ...args: Parameters<Fetch>) {
    const [input] = args;
    const transaction = carried(input instanceof Request ? input.url : String(input), { propagate });
    if (transaction === undefined) return Reflect.apply(original, this, args);
    return fetchWithin(original, transaction, ...args);
  };
  // Libraries look at these to tell a native fetch from a replacement.
  return Object.defineProperties(fetch, Object.getOwnPropertyDescriptors(original));
}

/** Replaces the global fetch. @returns a function that puts the original back, unless another has come since */
export function instrumentFetch(propagate: (url: URL) => boolean): () => void {
  const original = globalThis.fetch;
  // Whoever wrapped it in the meantime goes on calling ours: it must then do nothing.
  let active = true;
  const instrumented = propagatingFetch(original, (url) => active && propagate(url));
  globalThis.fetch = instrumented;
  return () => {
    active = false;
    if (globalThis.fetch === instrumented) globalThis.fetch = original;
  };
}
