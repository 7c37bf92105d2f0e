import type { IncomingMessage, ServerResponse } from 'node:http';
import { runInContext } from '../transaction/context.js';
import { leaveQuietly } from './admission.js';
import { type IncomingOptions, IncomingRequests } from './incoming.js';

/** The part of Koa's context that is needed; typed by structure, so that no version of it is nailed down. */
interface KoaContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly status: number;
}

export type KoaMiddleware = (context: KoaContext, next: () => Promise<unknown>) => Promise<void>;

/**
 * Koa middleware: a request that carries the header TX_XID is handled inside that global transaction. Put it
 * before whatever touches a database. Koa answers when the middleware is over, and so once the writes are settled.
 * Refusals and failures are thrown, with the codes and statuses of `expressGlobalTx`.
 *
 * @throws GlobalTxError INVALID_OPTION
 *
 * @example
 * app.use(koaGlobalTx());
 */
export function koaGlobalTx(options: IncomingOptions = {}): KoaMiddleware {
  const requests = new IncomingRequests(options);
  return async (context, next) => {
    const joined = requests.join(context.req);
    if (joined === undefined) {
      await next();
      return;
    }
    // Also when the sender goes away while the handler still runs.
    const gone = (): void => void leaveQuietly(joined);
    context.res.once('close', gone);
    try {
      await runInContext(joined.transaction, next);
    } catch (error) {
      await leaveQuietly(joined);
      throw error;
    } finally {
      context.res.off('close', gone);
    }
    if (context.status >= 400) await leaveQuietly(joined);
    else await joined.leave();
  };
}
