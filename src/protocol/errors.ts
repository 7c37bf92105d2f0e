import type { ErrorCode } from './error-codes.js';

export interface GlobalTxErrorFacts {
  /** The global transaction that the error is about. */
  readonly xid?: string | undefined;
  /** What the error is about, in words of SQL: 'LOAD DATA', 'table `t`: no primary key'. */
  readonly construct?: string | undefined;
  /** Further facts by name, as the coordinator or a check gave them. */
  readonly details?: Readonly<Record<string, string>> | undefined;
  readonly cause?: unknown;
}

const BRAND = Symbol.for('globaltx.error');

/**
 * The one error type of globaltx. Match on `code`; docs/errors.md says for each what it means and what the
 * application may do. `instanceof` works across two copies of the package.
 *
 * @example
 * try { await placeOrder(order); } catch (error) {
 *   if (error instanceof GlobalTxError && error.code === 'LOCK_WAIT_TIMEOUT') return tryLater();
 *   throw error;
 * }
 */
export class GlobalTxError extends Error {
  override readonly name = 'GlobalTxError';
  readonly code: ErrorCode;
  readonly xid: string | undefined;
  readonly construct: string | undefined;
  readonly details: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, facts: GlobalTxErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.xid = facts.xid;
    this.construct = facts.construct;
    this.details = facts.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
  }
}
