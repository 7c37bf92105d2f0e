import { GlobalTxError } from '../protocol/errors.js';
import { type Client, ConnectedClient } from './client.js';
import { resolveConnectOptions } from './connect-options.js';
import { instrumentFetch } from './propagation/fetch.js';

type Listener = (client: Client) => void;

interface ProcessState {
  client: Client | undefined;
  /** Set when the client was made from the environment: what undoes that, before `connect` replaces it. */
  undoImplicit: (() => void) | undefined;
  readonly listeners: Set<Listener>;
}

const STATE = Symbol.for('globaltx.process');

type Holder = { [STATE]?: ProcessState };

/** One state a process, shared by every copy of the package that is loaded. */
function state(): ProcessState {
  const holder = globalThis as Holder;
  holder[STATE] ??= { client: undefined, undoImplicit: undefined, listeners: new Set() };
  return holder[STATE];
}

/**
 * The client of this process: that of `GlobalTx.connect`, or one made now when GLOBALTX_COORDINATOR is set.
 * Undefined when there is neither.
 */
export function processClient(): Client | undefined {
  const current = state();
  if (current.client === undefined && process.env.GLOBALTX_COORDINATOR) {
    const settings = resolveConnectOptions({});
    // A service that only joins must hand the xid on, too.
    current.undoImplicit = instrumentFetch(settings.propagate);
    makeCurrent(new ConnectedClient(settings));
  }
  return current.client;
}

/** The client of this process. @throws GlobalTxError NOT_CONNECTED when there is none */
export function requireClient(): Client {
  const client = processClient();
  if (client !== undefined) return client;
  throw new GlobalTxError(
    'NOT_CONNECTED',
    'this process has no coordinator: call GlobalTx.connect() or set GLOBALTX_COORDINATOR',
  );
}

function makeCurrent(client: Client): void {
  const current = state();
  current.client = client;
  for (const listener of [...current.listeners]) listener(client);
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
  const { client, undoImplicit } = state();
  return client !== undefined && undoImplicit === undefined;
}

/** Makes `client` that of the process. @returns the one before it, which its maker must close */
export function setExplicitClient(client: Client): Client | undefined {
  const current = state();
  const before = current.client;
  current.undoImplicit?.();
  current.undoImplicit = undefined;
  makeCurrent(client);
  return before;
}

export function forgetProcessClient(client: Client): void {
  const current = state();
  if (current.client === client) current.client = undefined;
}
