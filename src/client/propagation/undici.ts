import { XID_NAMES, xidHeaders } from './header.js';
import { carried, type OutgoingOptions } from './outgoing.js';

/** The part of undici's options of a request that is needed; typed by structure. */
interface DispatchOptions {
  readonly origin?: string | URL | null | undefined;
  readonly headers?: unknown;
}

interface DispatchHandler {
  onResponseError?(controller: never, error: Error): void;
}

export type UndiciInterceptor = <Options extends DispatchOptions, Handler extends DispatchHandler>(
  dispatch: (options: Options, handler: Handler) => boolean,
) => (options: Options, handler: Handler) => boolean;

type Pair = readonly [name: string, value: string | readonly string[] | undefined];

/** Undici takes headers as an object, as a flat list of names and values, or as anything that yields pairs. */
function pairsOf(headers: unknown): readonly Pair[] {
  if (headers === undefined || headers === null) return [];
  if (Array.isArray(headers)) {
    return headers.flatMap((name, index) => (index % 2 === 0 ? [[String(name), headers[index + 1]]] : []));
  }
  const pairs = Symbol.iterator in Object(headers) ? (headers as Iterable<Pair>) : Object.entries(headers);
  return [...pairs];
}

/** As a flat list; undefined when the call names an xid itself. */
function withXid(headers: unknown, xid: string): readonly unknown[] | undefined {
  const pairs = pairsOf(headers);
  if (pairs.some(([name]) => XID_NAMES.includes(name.toLowerCase()))) return undefined;
  const given = pairs.filter(([, value]) => value !== undefined);
  return [...given.flat(1), ...Object.entries(xidHeaders(xid)).flat()];
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/**
 * Interceptor for undici's `compose`: a request tells the called service the xid of the current global transaction.
 * An xid that the request names itself is left as it is. What makes it impossible (TRANSACTION_NOT_ACTIVE,
 * COORDINATOR_UNAVAILABLE) is the request's error.
 *
 * @example
 * setGlobalDispatcher(new Agent().compose(undiciGlobalTx()));
 */
export function undiciGlobalTx(options: OutgoingOptions = {}): UndiciInterceptor {
  return (dispatch) => (request, handler) => {
    const transaction = carried(String(request.origin ?? ''), options);
    const headers = transaction === undefined ? undefined : withXid(request.headers, transaction.xid);
    if (transaction === undefined || headers === undefined) return dispatch(request, handler);
    transaction
      .ensureBegun()
      .then(() => void dispatch({ ...request, headers }, handler))
      // No controller: nothing has been sent.
      .catch((error: unknown) => handler.onResponseError?.(null as never, asError(error)));
    return true;
  };
}
