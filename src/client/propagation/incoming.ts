import type { IncomingMessage } from 'node:http';
import { GlobalTxError } from '../../protocol/errors.js';
import { processClient } from '../process-client.js';
import { runInContext } from '../transaction/context.js';
import type { JoinedTransaction } from '../transaction/joined.js';
import { XID_HEADER } from './header.js';

/** Options of the carriers for incoming requests. */
export interface IncomingOptions {
  /**
   * Whether this request may join the transaction that it names. An xid lets its bearer join a transaction, so
   * be careful with requests from outside. A request that names one and is not trusted is refused (403).
   * @default every request
   */
  readonly trust?: (request: IncomingMessage) => boolean;
}

/** An error that frameworks turn into a response: Express and Fastify read `statusCode`. */
export type RequestRefusal = GlobalTxError & { readonly statusCode: number };

function refusal(statusCode: number, error: GlobalTxError): RequestRefusal {
  return Object.assign(error, { statusCode });
}

/**
 * The transaction that a request belongs to; undefined when it names none.
 * @throws GlobalTxError INVALID_XID (400; 403 when it is not trusted), NOT_CONNECTED, CLIENT_CLOSED (503)
 */
export function joinIncoming(
  request: IncomingMessage,
  options: IncomingOptions,
): JoinedTransaction | undefined {
  const header = request.headers[XID_HEADER.toLowerCase()];
  if (header === undefined) return undefined;
  if (options.trust !== undefined && !options.trust(request)) {
    throw refusal(
      403,
      new GlobalTxError('INVALID_XID', `the header ${XID_HEADER} is not taken from this caller`),
    );
  }
  const client = processClient();
  if (client === undefined) {
    throw refusal(
      503,
      new GlobalTxError(
        'NOT_CONNECTED',
        'the request belongs to a global transaction, but this process has no coordinator: call GlobalTx.connect() or set GLOBALTX_COORDINATOR',
      ),
    );
  }
  try {
    return client.manager.enter(String(header));
  } catch (error) {
    if (!(error instanceof GlobalTxError)) throw error;
    throw refusal(error.code === 'INVALID_XID' ? 400 : 503, error);
  }
}

/**
 * Runs everything that listens to the request in its transaction. Events come in the context of the socket, so a
 * body parser that listens to 'data' would otherwise call its handler outside of the transaction. Nothing is
 * entered on the socket itself: the next request on it starts afresh.
 */
export function keepContext(request: IncomingMessage, { transaction }: JoinedTransaction): void {
  const emit = request.emit;
  request.emit = function (this: IncomingMessage, ...args: Parameters<IncomingMessage['emit']>) {
    return runInContext(transaction, () => Reflect.apply(emit, this, args));
  };
}

/** The connection is gone or the response is complete: whatever is left of the work here is over. */
export async function leaveQuietly(joined: JoinedTransaction): Promise<void> {
  try {
    await joined.leave();
  } catch (error) {
    const { xid } = joined.transaction;
    processClient()?.logger.warn({ xid, error }, `a request of the global transaction ${xid} ended badly`);
  }
}
