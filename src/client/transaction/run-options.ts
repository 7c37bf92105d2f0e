import { GlobalTxError } from '../../protocol/errors.js';

/** Options of one global transaction. */
export interface RunOptions {
  /** What it is called in logs and by the coordinator, up to 200 characters. @default the function's name */
  readonly name?: string;
  /**
   * Milliseconds after which the coordinator rolls it back, measured by the coordinator from its first branch.
   * @default 60000
   */
  readonly timeout?: number;
  /** Milliseconds that one write may wait for a row that another global transaction holds. @default 5000 */
  readonly lockWait?: number;
  /**
   * What happens when a global transaction is already there. REQUIRED: the function joins it, or begins one
   * when there is none.
   * @default 'REQUIRED'
   */
  readonly propagation?: 'REQUIRED';
}

export interface ResolvedRunOptions {
  readonly name: string;
  readonly timeoutMs: number;
  readonly lockWaitMs: number;
}

/** setTimeout's and the wire's own limit. */
const LONGEST_MS = 2 ** 31 - 1;
const LONGEST_NAME = 200;

export const DEFAULT_TIMEOUT_MS = 60_000;
export const DEFAULT_LOCK_WAIT_MS = 5_000;

/** @throws GlobalTxError INVALID_OPTION */
export function milliseconds(option: string, value: unknown, least: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= LONGEST_MS)
    return value;
  throw new GlobalTxError(
    'INVALID_OPTION',
    `${option}: ${String(value)} is not a whole number of milliseconds from ${least} to ${LONGEST_MS}`,
  );
}

/** @throws GlobalTxError INVALID_OPTION */
export function resolveRunOptions(options: RunOptions, fallbackName: string): ResolvedRunOptions {
  const name = options.name ?? fallbackName;
  if (typeof name !== 'string') {
    throw new GlobalTxError('INVALID_OPTION', 'name: the name of a global transaction must be a text');
  }
  if (options.propagation !== undefined && options.propagation !== 'REQUIRED') {
    throw new GlobalTxError(
      'INVALID_OPTION',
      `propagation: '${String(options.propagation)}' is not known; REQUIRED is`,
    );
  }
  return {
    name: name.slice(0, LONGEST_NAME),
    timeoutMs: milliseconds('timeout', options.timeout ?? DEFAULT_TIMEOUT_MS, 1),
    lockWaitMs: milliseconds('lockWait', options.lockWait ?? DEFAULT_LOCK_WAIT_MS, 0),
  };
}
