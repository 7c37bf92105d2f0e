import { GlobalTxError } from '../../protocol/errors.js';
import { HOOK_NAMES, type TransactionHooks } from './hooks.js';
import { PROPAGATIONS, type Propagation } from './propagation.js';
import { type ErrorRule, type RollbackRule, rollbackRule } from './rollback-rules.js';

/**
 * Options of one global transaction. A function that joins the transaction of its caller takes part in that as it
 * is: `name`, `timeout` and `lockWait` are those of the function that began it. In another process than that one's the
 * transaction has no name, and `lockWait` is that of the process (`GlobalTx.connect`).
 */
export interface RunOptions {
  /** What it is called in logs and by the coordinator, up to 200 characters. @default the function's name */
  readonly name?: string;
  /**
   * Milliseconds after which the coordinator rolls it back, measured by the coordinator from its first branch or outgoing
   * call. Cut to the coordinator's --max-timeout-ms (1 h by default).
   * @default 60000
   */
  readonly timeout?: number;
  /**
   * Milliseconds that one write may wait for a row that another global transaction holds, in the process that began it. Cut
   * to the coordinator's --max-timeout-ms (1 h by default).
   * @default `lockWait` of `GlobalTx.connect`
   */
  readonly lockWait?: number;
  /** What happens when a global transaction is already there, or is not. @default 'REQUIRED' */
  readonly propagation?: Propagation;
  /**
   * Errors that roll back although a rule of `noRollbackFor` speaks of them too: classes, or functions that give
   * true. The rule wins whose class is nearest to the error's own; in a tie the transaction is rolled back.
   * @default every error
   */
  readonly rollbackFor?: ErrorRule | readonly ErrorRule[];
  /**
   * Errors that the function may throw and still be committed: the caller gets the error, and the writes are kept.
   * @default none
   */
  readonly noRollbackFor?: ErrorRule | readonly ErrorRule[];
  /**
   * Rolls the transaction back when it is aborted before the function has returned; the caller gets its reason, once
   * that is done. A statement in flight is not cut off in the database: its local transaction is rolled back
   * when it is over, and it throws TRANSACTION_NOT_ACTIVE. Once the function has returned it is not heeded any more.
   */
  readonly signal?: AbortSignal;
  /**
   * Called around the beginning and the end. A function that joins a transaction of this process has its hooks
   * called at the end of that; one that joins a transaction of another process has none called, because
   * this process does not hear of the end.
   */
  readonly hooks?: TransactionHooks;
}

export interface ResolvedRunOptions {
  readonly name: string;
  readonly timeoutMs: number;
  /** Undefined: the client's. */
  readonly lockWaitMs: number | undefined;
  readonly propagation: Propagation;
  /** Undefined: every error rolls back. */
  readonly rollsBack: RollbackRule | undefined;
  readonly signal: AbortSignal | undefined;
  readonly hooks: TransactionHooks | undefined;
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

function knownPropagation(value: Propagation): Propagation {
  if (PROPAGATIONS.includes(value)) return value;
  throw new GlobalTxError(
    'INVALID_OPTION',
    `propagation: '${String(value)}' is not known; ${PROPAGATIONS.join(', ')} are`,
  );
}

function abortSignal(value: AbortSignal): AbortSignal {
  if (value instanceof AbortSignal) return value;
  throw new GlobalTxError('INVALID_OPTION', 'signal: it must be an AbortSignal');
}

/** @throws GlobalTxError INVALID_OPTION */
export function checkedHooks(hooks: TransactionHooks): TransactionHooks {
  if (typeof hooks !== 'object' || hooks === null) {
    throw new GlobalTxError('INVALID_OPTION', 'hooks: they must be an object of functions');
  }
  for (const name of HOOK_NAMES) {
    if (hooks[name] === undefined || typeof hooks[name] === 'function') continue;
    throw new GlobalTxError('INVALID_OPTION', `hooks: ${name} must be a function`);
  }
  return hooks;
}

/** @throws GlobalTxError INVALID_OPTION */
export function resolveRunOptions(options: RunOptions, fallbackName: string): ResolvedRunOptions {
  const name = options.name ?? fallbackName;
  if (typeof name !== 'string') {
    throw new GlobalTxError('INVALID_OPTION', 'name: the name of a global transaction must be a text');
  }
  return {
    name: name.slice(0, LONGEST_NAME),
    timeoutMs: milliseconds('timeout', options.timeout ?? DEFAULT_TIMEOUT_MS, 1),
    lockWaitMs: options.lockWait === undefined ? undefined : milliseconds('lockWait', options.lockWait, 0),
    propagation: knownPropagation(options.propagation ?? 'REQUIRED'),
    rollsBack: rollbackRule(options.rollbackFor, options.noRollbackFor),
    signal: options.signal === undefined ? undefined : abortSignal(options.signal),
    hooks: options.hooks === undefined ? undefined : checkedHooks(options.hooks),
  };
}
