import type { IncomingMessage, ServerResponse } from 'node:http';
import { runInContext } from '../transaction/context.js';
import type { JoinedTransaction } from '../transaction/joined.js';
import { holdResponse } from './hold-response.js';
import { type IncomingOptions, IncomingRequests } from './incoming.js';

/** What Express calls; typed by structure, so that no version of it is nailed down. */
export type ExpressHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Express middleware: a request that carries the header TX_XID is handled inside that global transaction. Put it
 * before whatever touches a database.
 *
 * Errors go to Express with a `statusCode`: INVALID_XID (400, or 403 when the caller is not trusted),
 * NOT_CONNECTED and CLIENT_CLOSED (503). A handler that answers well but leaves a local transaction open, or
 * has marked the transaction rollback-only, is answered for with 500 and the code LOCAL_TRANSACTION_OPEN or
 * ROLLBACK_ONLY.
 *
 * @throws GlobalTxError INVALID_OPTION
 *
 * @example
 * app.use(expressGlobalTx());
 */
export function expressGlobalTx(options: IncomingOptions = {}): ExpressHandler {
  const requests = new IncomingRequests(options);
  return (request, response, next) => {
    let joined: JoinedTransaction | undefined;
    try {
      joined = requests.join(request);
    } catch (error) {
      next(error);
      return;
    }
    if (joined === undefined) {
      next();
      return;
    }
    holdResponse(response, joined);
    runInContext(joined.transaction, () => next());
  };
}
