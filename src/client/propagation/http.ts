import type { IncomingMessage, ServerResponse } from 'node:http';
import { runInContext } from '../transaction/context.js';
import type { JoinedTransaction } from '../transaction/joined.js';
import { answerError, holdResponse } from './hold-response.js';
import { type IncomingOptions, IncomingRequests } from './incoming.js';

/** What `http.createServer` and `server.on('request')` take. */
export type HttpListener = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * A listener for Node's own server: a request that carries the header TX_XID is handled inside that global
 * transaction. One that is refused is answered here, with its status and a JSON of `code` and `message`; refusals
 * and failures are those of `expressGlobalTx`.
 *
 * @throws GlobalTxError INVALID_OPTION
 *
 * @example
 * createServer(httpGlobalTx(async (request, response) => { ... })).listen(8080);
 */
export function httpGlobalTx(listener: HttpListener, options: IncomingOptions = {}): HttpListener {
  const requests = new IncomingRequests(options);
  return (request, response) => {
    let joined: JoinedTransaction | undefined;
    try {
      joined = requests.join(request);
    } catch (error) {
      request.resume();
      answerError(response, error);
      return undefined;
    }
    if (joined === undefined) return listener(request, response);
    holdResponse(response, joined);
    return runInContext(joined.transaction, () => listener(request, response));
  };
}
