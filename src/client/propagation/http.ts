import type { IncomingMessage, ServerResponse } from 'node:http';
import { processClient } from '../process-client.js';
import { currentTransaction, runInContext } from '../transaction/context.js';
import type { JoinedTransaction } from '../transaction/joined.js';
import { answerError, holdResponse } from './hold-response.js';
import { type IncomingOptions, IncomingRequests } from './incoming.js';

/** What `http.createServer` and `server.on('request')` take. */
export type HttpListener = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * A listener for Node's own server: a request that carries the header TX_XID is handled inside that global
 * transaction. One that is refused is answered here, with its status and a JSON of `code` and `message`, and so is, with
 * 500, one whose listener throws or rejects; refusals and failures are those of `expressGlobalTx`. Without the header
 * the listener is called as it is.
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
    return runInContext(joined.transaction, () => answered(listener, request, response));
  };
}

/** Node's server ignores what a listener rejects with: the process would end by an unhandled rejection. */
async function answered(
  listener: HttpListener,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await listener(request, response);
  } catch (error) {
    processClient()?.logger.warn(
      { xid: currentTransaction()?.xid, err: error },
      'the listener of a request in a global transaction has failed',
    );
    answerError(response, error);
  }
}
