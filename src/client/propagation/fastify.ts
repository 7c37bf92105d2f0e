import type { IncomingMessage, ServerResponse } from 'node:http';
import { runInContext } from '../transaction/context.js';
import type { JoinedTransaction } from '../transaction/joined.js';
import { leaveQuietly } from './admission.js';
import { type IncomingOptions, IncomingRequests } from './incoming.js';

interface RawRequest {
  readonly raw: IncomingMessage;
}

interface RawReply {
  readonly raw: ServerResponse;
  readonly statusCode: number;
}

type Done = (error?: Error) => void;
type OnRequest = (request: RawRequest, reply: RawReply, done: Done) => void;
type OnSend = (request: RawRequest, reply: RawReply, payload: unknown) => Promise<unknown>;

/** The part of a Fastify instance that is needed; typed by structure, so that no version of it is nailed down. */
export interface FastifyHooks {
  addHook(name: 'onRequest', hook: OnRequest): unknown;
  addHook(name: 'onSend', hook: OnSend): unknown;
}

export type FastifyGlobalTx = (instance: FastifyHooks, options: IncomingOptions, done: () => void) => void;

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/**
 * Fastify plugin: a request that carries the header TX_XID is handled inside that global transaction, on every
 * route of the instance that it is registered with. Refusals and failures are those of `expressGlobalTx`.
 *
 * @example
 * await app.register(fastifyGlobalTx);
 */
export const fastifyGlobalTx: FastifyGlobalTx = (instance, options, done) => {
  const requests = new IncomingRequests(options);
  const joinedBy = new WeakMap<IncomingMessage, JoinedTransaction>();

  instance.addHook('onRequest', (request, reply, next) => {
    let joined: JoinedTransaction | undefined;
    try {
      joined = requests.join(request.raw);
    } catch (error) {
      next(asError(error));
      return;
    }
    if (joined === undefined) {
      next();
      return;
    }
    const { transaction } = joined;
    const mine = joined;
    joinedBy.set(request.raw, mine);
    // Also when no response is ever sent.
    reply.raw.once('close', () => {
      if (joinedBy.has(request.raw)) void leaveQuietly(mine);
    });
    runInContext(transaction, () => next());
  });

  // The caller must not have the answer in hand before the writes behind it are committed locally.
  instance.addHook('onSend', async (request, reply, payload) => {
    const joined = joinedBy.get(request.raw);
    if (joined === undefined) return payload;
    joinedBy.delete(request.raw);
    if (reply.statusCode >= 400) await leaveQuietly(joined);
    else await joined.leave();
    return payload;
  });
  done();
};

Object.assign(fastifyGlobalTx, {
  // As fastify-plugin does: the hooks hold for the instance around, not for a scope of the plugin's own.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'globaltx',
});
