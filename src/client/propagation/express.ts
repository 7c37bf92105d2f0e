import type { IncomingMessage, ServerResponse } from 'node:http';
import { GlobalTxError } from '../../protocol/errors.js';
import { runInContext } from '../transaction/context.js';
import type { JoinedTransaction } from '../transaction/joined.js';
import { type IncomingOptions, joinIncoming, keepContext, leaveQuietly } from './incoming.js';

/** What Express calls; typed by structure, so that no version of it is nailed down. */
export type ExpressHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

type End = ServerResponse['end'];

function answerFailure(response: ServerResponse, end: End, error: unknown): void {
  if (response.headersSent) {
    // Part of a good answer is out: only a broken connection still tells the caller.
    response.destroy(error instanceof Error ? error : undefined);
    return;
  }
  const { code, message } =
    error instanceof GlobalTxError ? error : { code: 'INTERNAL', message: String(error) };
  for (const name of ['content-length', 'content-encoding', 'etag', 'last-modified'])
    response.removeHeader(name);
  response.statusCode = 500;
  response.setHeader('content-type', 'application/json; charset=utf-8');
  Reflect.apply(end, response, [JSON.stringify({ code, message })]);
}

/**
 * A response must not end before the work that it stands for: its writes are committed locally when the caller,
 * who may decide to commit the whole, has it in hand. What the handler has left uncommitted turns a good answer
 * into a 500.
 */
function holdResponse(response: ServerResponse, joined: JoinedTransaction): void {
  const end = response.end;
  let handled = false;
  response.end = ((...args: unknown[]) => {
    response.end = end;
    handled = true;
    if (joined.idle) {
      void leaveQuietly(joined);
      return Reflect.apply(end, response, args);
    }
    // As a second end() of a response that has ended: it does nothing.
    response.end = (() => response) as End;
    joined.leave().then(
      () => Reflect.apply(end, response, args),
      (error) => {
        if (response.statusCode >= 400) Reflect.apply(end, response, args);
        else answerFailure(response, end, error);
      },
    );
    return response;
  }) as End;
  response.once('close', () => {
    if (!handled) void leaveQuietly(joined);
  });
}

/**
 * Express middleware: a request that carries the header TX_XID is handled inside that global transaction. Put it
 * before whatever touches a database.
 *
 * Errors go to Express with a `statusCode`: INVALID_XID (400, or 403 when the caller is not trusted),
 * NOT_CONNECTED and CLIENT_CLOSED (503). A handler that answers well but leaves a local transaction open, or
 * has marked the transaction rollback-only, is answered for with 500 and the code LOCAL_TRANSACTION_OPEN or
 * ROLLBACK_ONLY.
 *
 * @example
 * app.use(expressGlobalTx());
 */
export function expressGlobalTx(options: IncomingOptions = {}): ExpressHandler {
  return (request, response, next) => {
    let joined: JoinedTransaction | undefined;
    try {
      joined = joinIncoming(request, options);
    } catch (error) {
      next(error);
      return;
    }
    if (joined === undefined) {
      next();
      return;
    }
    keepContext(request, joined);
    holdResponse(response, joined);
    runInContext(joined.transaction, () => next());
  };
}
