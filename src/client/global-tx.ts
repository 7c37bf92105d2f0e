import { GlobalTxError } from '../protocol/errors.js';
import { type Client, ConnectedClient } from './client.js';
import { type ConnectOptions, type ConnectSettings, resolveConnectOptions } from './connect-options.js';
import { forgetProcessClient, hasExplicitClient, setExplicitClient } from './process-client.js';
import { type Fetch, instrumentFetch, propagatingFetch } from './propagation/fetch.js';
import { type RunOptions, resolveRunOptions } from './transaction/run-options.js';
import type { TransactionState } from './transaction/transaction-state.js';
import { wrapped } from './transaction/wrapped.js';

const DEFAULT_CLOSE_LIMIT_MS = 10_000;

let connecting = false;

/**
 * The way into global transactions: one a process.
 *
 * @example
 * const gtx = await GlobalTx.connect({ coordinator: 'localhost:8091', application: 'shop' });
 * const placeOrder = gtx.transactional({ name: 'place-order' }, async (order: Order) => { ... });
 */
export class GlobalTx {
  readonly #client: Client;
  readonly #undoFetch: () => void;
  /** `fetch` that carries the xid, for those who do not want the global one to be instrumented. */
  readonly fetch: Fetch;

  private constructor(client: Client, settings: ConnectSettings) {
    this.#client = client;
    this.fetch = propagatingFetch(globalThis.fetch, settings.propagate);
    this.#undoFetch = settings.instrumentFetch ? instrumentFetch(settings.propagate) : () => {};
  }

  /**
   * Connects this process to the coordinator. Pools of globaltx/mysql2 are enlisted with it, whether they were
   * made before or are made later.
   *
   * @throws GlobalTxError COORDINATOR_UNAVAILABLE after `connectTimeout`, PROTOCOL_MISMATCH, INVALID_OPTION (also
   * when the process is connected already)
   */
  static async connect(options: ConnectOptions = {}): Promise<GlobalTx> {
    const settings = resolveConnectOptions(options);
    if (connecting || hasExplicitClient()) {
      throw new GlobalTxError(
        'INVALID_OPTION',
        'this process is connected already: share that GlobalTx, or close() it before connecting again',
      );
    }
    connecting = true;
    const client = new ConnectedClient(settings);
    try {
      await client.ready(settings.connectTimeoutMs);
    } catch (error) {
      await client.close(0);
      throw error;
    } finally {
      connecting = false;
    }
    // A client that the environment alone has made: its pools move over, its transactions end where they began.
    void setExplicitClient(client)?.close(DEFAULT_CLOSE_LIMIT_MS);
    return new GlobalTx(client, settings);
  }

  /**
   * Runs `fn` in a global transaction, or in that of the caller when there is one; other values of `propagation`
   * make it otherwise. When `fn` returns, the
   * transaction is committed, and the promise is kept once the decision is durable. When `fn` throws, it is
   * rolled back, and the promise is rejected with that same error, once every branch that can be reached is
   * compensated; `rollbackReport(error)` says what became of it.
   *
   * @throws GlobalTxError ROLLED_BACK, ROLLBACK_ONLY, TIMED_OUT, LOCAL_TRANSACTION_OPEN, LOCAL_COMMIT_UNKNOWN,
   * PHASE_ONE_UNFINISHED: it was rolled back. OUTCOME_UNKNOWN: it cannot be told. INVALID_OPTION,
   * PROPAGATION_REFUSED, TRANSACTION_NOT_ACTIVE (of the caller), CLIENT_CLOSED: the function was not called
   */
  run<Result>(fn: () => Result | PromiseLike<Result>): Promise<Result>;
  run<Result>(options: RunOptions, fn: () => Result | PromiseLike<Result>): Promise<Result>;
  async run<Result>(
    ...[first, second]:
      | [() => Result | PromiseLike<Result>]
      | [RunOptions, () => Result | PromiseLike<Result>]
  ): Promise<Result> {
    const [options, fn] = typeof first === 'function' ? [{}, first] : [first, requireFunction(second)];
    return await this.#client.manager.run(resolveRunOptions(options, fn.name || 'unnamed'), fn);
  }

  /**
   * Wraps a function so that each call of it is a `run`. `this`, arguments and the type of the result are kept.
   * @throws GlobalTxError INVALID_OPTION at once; each call as `run`
   */
  transactional<This, Arguments extends unknown[], Result>(
    options: RunOptions,
    fn: (this: This, ...args: Arguments) => Result,
  ): (this: This, ...args: Arguments) => Promise<Awaited<Result>> {
    return wrapped(() => this.#client.manager, options, requireFunction(fn));
  }

  /**
   * Runs `fn` as a part of the global transaction `xid`, which another process has begun: for carriers of your own.
   * @throws what `fn` throws; GlobalTxError INVALID_XID, LOCAL_TRANSACTION_OPEN, ROLLBACK_ONLY, CLIENT_CLOSED
   */
  async join<Result>(xid: string, fn: () => Result | PromiseLike<Result>): Promise<Result> {
    return await this.#client.manager.join(xid, requireFunction(fn));
  }

  /**
   * What the coordinator says of the global transaction `xid`: after OUTCOME_UNKNOWN, say.
   * @throws GlobalTxError INVALID_XID, COORDINATOR_UNAVAILABLE, CLIENT_CLOSED
   *
   * @example
   * const { status } = await gtx.stateOf(error.xid);
   * if (status === 'COMMITTING' || status === 'COMMITTED') return; // it is committed: don't run it again
   */
  async stateOf(xid: string): Promise<TransactionState> {
    return await this.#client.manager.state(xid);
  }

  /**
   * Takes nothing new, waits for transactions under way, sends what is waiting, and ends the stream. What is left of phase
   * two is done by another process that has the database, or by the next one: rows of the undo log stand until then.
   * @param limit milliseconds to wait for transactions under way. @default 10000
   */
  async close(limit: number = DEFAULT_CLOSE_LIMIT_MS): Promise<void> {
    await this.#client.close(limit);
    this.#undoFetch();
    forgetProcessClient(this.#client);
  }
}

function requireFunction<Value>(value: Value | undefined): Value {
  if (typeof value === 'function') return value;
  throw new GlobalTxError('INVALID_OPTION', 'run, transactional and join need a function to run');
}
