import { Admission } from '../admission.js';
import type { Trust } from '../trust.js';
import { type NestContext, namedBy } from './context-xid.js';

export interface NestOptions {
  /**
   * Whether this call may join the transaction that it names; a list of addresses serves HTTP alone. An xid lets its
   * bearer join a transaction, so be careful with calls from outside.
   * @default every call
   */
  readonly trust?: Trust<NestContext>;
}

/**
 * NestJS guard: refuses calls that name a global transaction and are not trusted, before any other guard, pipe or
 * interceptor has done anything for them. It only refuses; `GlobalTxInterceptor` joins.
 *
 * @throws GlobalTxError INVALID_XID (`statusCode` 403), out of `canActivate`; INVALID_OPTION
 *
 * @example
 * microservice.useGlobalGuards(new GlobalTxGuard({ trust: (context) => fromGateway(context) }));
 */
export class GlobalTxGuard {
  readonly #admission: Admission<NestContext>;

  constructor(options: NestOptions = {}) {
    this.#admission = new Admission(options.trust);
  }

  canActivate(context: NestContext): boolean {
    const named = namedBy(context);
    if (named !== undefined) this.#admission.check(context, named.address);
    return true;
  }
}
