import { currentTransaction } from '../../transaction/context.js';
import { Admission } from '../admission.js';
import { type NestContext, namedBy } from './context-xid.js';
import type { NestOptions } from './guard.js';
import { type Closing, held } from './held.js';

/**
 * NestJS interceptor: a call that names a global transaction is handled inside it, and answered once its writes are
 * settled. HTTP (Express and Fastify), GraphQL, and microservices over gRPC, RabbitMQ, Kafka, NATS and TCP.
 *
 * Refusals and failures are thrown, with the codes and statuses of `expressGlobalTx`. A handler that answers by itself
 * (`@Res()` without `passthrough`) must have awaited its writes before.
 *
 * @throws GlobalTxError INVALID_OPTION
 *
 * @example
 * app.useGlobalInterceptors(new GlobalTxInterceptor());
 */
export class GlobalTxInterceptor {
  readonly #admission: Admission<NestContext>;

  constructor(options: NestOptions = {}) {
    this.#admission = new Admission(options.trust);
  }

  intercept<Stream>(context: NestContext, next: { handle(): Stream }): Stream {
    const named = namedBy(context);
    // Middleware may have joined it before.
    if (named === undefined || currentTransaction()?.xid === named.xid) return next.handle();
    const joined = this.#admission.join(named.xid, context, named.address);
    return held(joined, responseOf(context), () => next.handle());
  }
}

/** Node's own response of HTTP, which Fastify's reply holds as `raw`. */
function responseOf(context: NestContext): Closing | undefined {
  if (context.getType() !== 'http') return undefined;
  const response = context.getArgByIndex(1) as Closing & { readonly raw?: Closing };
  return response.raw ?? response;
}
