import { GlobalTxError } from '../protocol/errors.js';
import { parseAddresses } from './connection/addresses.js';
import { DEFAULT_LOGGER, type Logger } from './logger.js';
import type { ManagerOptions } from './transaction/manager.js';
import { DEFAULT_LOCK_WAIT_MS, milliseconds } from './transaction/run-options.js';

/** Options of `GlobalTx.connect`. */
export interface ConnectOptions {
  /**
   * Where the coordinator listens: `host:port`; a missing port is 8091. Several, separated by commas, must lead to one and
   * the same coordinator, by its network cards, say: two of them know nothing of each other's locks.
   * @default the environment variable GLOBALTX_COORDINATOR
   */
  readonly coordinator?: string;
  /**
   * What this process is called at the coordinator.
   * @default the environment variable GLOBALTX_APPLICATION, else npm's package name, else 'node'
   */
  readonly application?: string;
  /** Milliseconds until `connect` gives up. @default 10000 */
  readonly connectTimeout?: number;
  /** Milliseconds that an answer of the coordinator may take which waits for nothing. @default 10000 */
  readonly requestTimeout?: number;
  /**
   * Milliseconds that one write may wait for a row that another global transaction holds, where `run` does not say and in
   * transactions that come from other processes. @default 5000
   */
  readonly lockWait?: number;
  /** Milliseconds for which the outcome of a commit is asked for before it is OUTCOME_UNKNOWN. @default 30000 */
  readonly commitDeadline?: number;
  /** Milliseconds that a rollback waits for the compensation of its branches. @default 10000 */
  readonly rollbackWait?: number;
  /** Whether the global `fetch` carries the xid, until `close`. @default true */
  readonly instrumentFetch?: boolean;
  /**
   * Which calls of `fetch` carry the xid. An xid lets its bearer join the transaction, so leave out whom you do
   * not trust.
   * @default every URL
   */
  readonly propagate?: (url: URL) => boolean;
  /** @default warnings and errors become process warnings, the rest is dropped */
  readonly logger?: Logger;
}

export interface ConnectSettings extends ManagerOptions {
  readonly addresses: readonly [string, ...string[]];
  readonly application: string;
  readonly connectTimeoutMs: number;
  readonly instrumentFetch: boolean;
  readonly propagate: (url: URL) => boolean;
  readonly logger: Logger;
}

const LONGEST_APPLICATION = 100;

function text(option: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new GlobalTxError('INVALID_OPTION', `${option}: ${String(value)} is not a text`);
}

function coordinatorAddress(options: ConnectOptions): string {
  const given = options.coordinator ?? process.env.GLOBALTX_COORDINATOR;
  if (given !== undefined) return text('coordinator', given);
  throw new GlobalTxError(
    'INVALID_OPTION',
    "coordinator: no address is given; pass GlobalTx.connect({ coordinator: 'localhost:8091' }) or set GLOBALTX_COORDINATOR",
  );
}

function checkedLogger(logger: Logger): Logger {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    if (typeof logger[level] !== 'function') {
      throw new GlobalTxError('INVALID_OPTION', `logger: it has no method ${level}(facts, message)`);
    }
  }
  return logger;
}

/** Fills in defaults and the environment. @throws GlobalTxError INVALID_OPTION */
export function resolveConnectOptions(options: ConnectOptions): ConnectSettings {
  const environment = process.env;
  const application =
    options.application ?? environment.GLOBALTX_APPLICATION ?? environment.npm_package_name ?? 'node';
  const propagate = options.propagate ?? (() => true);
  if (typeof propagate !== 'function') {
    throw new GlobalTxError('INVALID_OPTION', 'propagate: it must be a function of a URL');
  }
  return {
    addresses: parseAddresses(coordinatorAddress(options)),
    application: text('application', application).slice(0, LONGEST_APPLICATION),
    connectTimeoutMs: milliseconds('connectTimeout', options.connectTimeout ?? 10_000, 1),
    requestTimeoutMs: milliseconds('requestTimeout', options.requestTimeout ?? 10_000, 1),
    lockWaitMs: milliseconds('lockWait', options.lockWait ?? DEFAULT_LOCK_WAIT_MS, 0),
    commitDeadlineMs: milliseconds('commitDeadline', options.commitDeadline ?? 30_000, 1),
    rollbackWaitMs: milliseconds('rollbackWait', options.rollbackWait ?? 10_000, 0),
    instrumentFetch: options.instrumentFetch ?? true,
    propagate,
    logger: checkedLogger(options.logger ?? DEFAULT_LOGGER),
  };
}
