import type { ServerResponse } from 'node:http';
import { GlobalTxError } from '../../protocol/errors.js';
import type { JoinedTransaction } from '../transaction/joined.js';
import { isRefusal, leaveQuietly } from './admission.js';

type End = ServerResponse['end'];

/** Answers for an error: by its own status when the request was refused, else by 500. */
export function answerError(response: ServerResponse, error: unknown, end: End = response.end): void {
  if (response.headersSent) {
    // Part of a good answer is out: only a broken connection still tells the caller.
    response.destroy(error instanceof Error ? error : undefined);
    return;
  }
  const { code, message } =
    error instanceof GlobalTxError ? error : { code: 'INTERNAL', message: String(error) };
  for (const name of ['content-length', 'content-encoding', 'etag', 'last-modified'])
    response.removeHeader(name);
  response.statusCode = isRefusal(error) ? error.statusCode : 500;
  response.setHeader('content-type', 'application/json; charset=utf-8');
  Reflect.apply(end, response, [JSON.stringify({ code, message })]);
}

/**
 * A response must not end before the work that it stands for: its writes are committed locally when the caller,
 * who may decide to commit the whole, has it in hand. What the handler has left uncommitted turns a good answer
 * into a 500.
 */
export function holdResponse(response: ServerResponse, joined: JoinedTransaction): void {
  const end = response.end;
  let handled = false;
  response.end = ((...args: unknown[]) => {
    response.end = end;
    handled = true;
    if (joined.idle) {
      void leaveQuietly(joined, response.statusCode >= 400);
      return Reflect.apply(end, response, args);
    }
    // As a second end() of a response that has ended: it does nothing.
    response.end = (() => response) as End;
    joined.leave().then(
      () => Reflect.apply(end, response, args),
      (error) => {
        if (response.statusCode >= 400) Reflect.apply(end, response, args);
        else answerError(response, error, end);
      },
    );
    return response;
  }) as End;
  response.once('close', () => {
    if (!handled) void leaveQuietly(joined);
  });
}
