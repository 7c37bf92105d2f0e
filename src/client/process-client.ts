import { type Client, ConnectedClient } from './client.js';
import { resolveConnectOptions } from './connect-options.js';

type Listener = (client: Client) => void;

interface ProcessState {
  client: Client | undefined;
  /** Whether the client was made from the environment: an explicit `connect` replaces it. */
  implicit: boolean;
  readonly listeners: Set<Listener>;
}

const STATE = Symbol.for('globaltx.process');

type Holder = { [STATE]?: ProcessState };

/** One state a process, shared by every copy of the package that is loaded. */
function state(): ProcessState {
  const holder = globalThis as Holder;
  holder[STATE] ??= { client: undefined, implicit: false, listeners: new Set() };
  return holder[STATE];
}

/**
 * The client of this process: that of `GlobalTx.connect`, or one made now when GLOBALTX_COORDINATOR is set.
 * Undefined when there is neither.
 */
export function processClient(): Client | undefined {
  const current = state();
  if (current.client === undefined && process.env.GLOBALTX_COORDINATOR) {
    setProcessClient(new ConnectedClient(resolveConnectOptions({})), true);
  }
  return current.client;
}

/**
 * Calls `listener` with the client of this process: at once when there is one, and with each that comes later,
 * so that a pool that is older than the client, or outlives it, is enlisted with the one that stands.
 * @returns a function that stops it
 */
export function whenClient(listener: Listener): () => void {
  const current = state();
  const client = processClient();
  current.listeners.add(listener);
  if (client !== undefined) listener(client);
  return () => current.listeners.delete(listener);
}

/** Whether `GlobalTx.connect` has made a client that is not closed. */
export function hasExplicitClient(): boolean {
  const { client, implicit } = state();
  return client !== undefined && !implicit;
}

/** Makes `client` that of the process. @returns the one before it, which its maker must close */
export function setProcessClient(client: Client, implicit: boolean): Client | undefined {
  const current = state();
  const before = current.client;
  current.client = client;
  current.implicit = implicit;
  for (const listener of [...current.listeners]) listener(client);
  return before;
}

export function forgetProcessClient(client: Client): void {
  const current = state();
  if (current.client === client) current.client = undefined;
}
