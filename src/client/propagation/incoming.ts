import type { IncomingMessage } from 'node:http';
import { runInContext } from '../transaction/context.js';
import type { JoinedTransaction } from '../transaction/joined.js';
import { Admission } from './admission.js';
import { xidNamed } from './header.js';
import type { Trust } from './trust.js';

/** Options of the carriers for incoming requests. */
export interface IncomingOptions {
  /**
   * Whether this request may join the transaction that it names. An xid lets its bearer join a transaction, so
   * be careful with requests from outside. A request that names one and is not trusted is refused (403).
   * @default every request
   */
  readonly trust?: Trust<IncomingMessage>;
}

/** Takes HTTP requests into the transactions that they name. */
export class IncomingRequests {
  readonly #admission: Admission<IncomingMessage>;

  /** @throws GlobalTxError INVALID_OPTION */
  constructor({ trust }: IncomingOptions) {
    this.#admission = new Admission(trust);
  }

  /** The transaction that a request belongs to; undefined when it names none. @throws as `Admission.join` */
  join(request: IncomingMessage): JoinedTransaction | undefined {
    const xid = xidNamed((name) => request.headers[name]);
    if (xid === undefined) return undefined;
    const joined = this.#admission.join(xid, request, request.socket.remoteAddress);
    keepContext(request, joined);
    return joined;
  }
}

/**
 * Runs everything that listens to the request in its transaction. Events come in the context of the socket, so a
 * body parser that listens to 'data' would otherwise call its handler outside of the transaction. Nothing is
 * entered on the socket itself: the next request on it starts afresh.
 */
function keepContext(request: IncomingMessage, { transaction }: JoinedTransaction): void {
  const emit = request.emit;
  request.emit = function (this: IncomingMessage, ...args: Parameters<IncomingMessage['emit']>) {
    return runInContext(transaction, () => Reflect.apply(emit, this, args));
  };
}
