import { GlobalTxError } from '../../protocol/errors.js';
import { processClient } from '../process-client.js';
import type { JoinedTransaction } from '../transaction/joined.js';
import { XID_HEADER } from './header.js';
import { type Trust, trusting } from './trust.js';

/** An error that frameworks turn into a response: Express, Fastify, Koa and NestJS read `statusCode`. */
export type Refusal = GlobalTxError & { readonly statusCode: number };

function refusal(statusCode: number, error: GlobalTxError): Refusal {
  return Object.assign(error, { statusCode });
}

export function isRefusal(error: unknown): error is Refusal {
  return error instanceof GlobalTxError && 'statusCode' in error;
}

/** Decides who may join: what names a transaction comes from outside, and lets its bearer in. */
export class Admission<Source> {
  readonly #trusts: (source: Source, address: string | undefined) => boolean;

  /** @throws GlobalTxError INVALID_OPTION */
  constructor(trust: Trust<Source> | undefined) {
    this.#trusts = trusting(trust);
  }

  /**
   * Whether the bearer may name the transaction that it names.
   * @throws GlobalTxError INVALID_XID (403)
   */
  check(source: Source, address: string | undefined): void {
    if (this.#trusts(source, address)) return;
    throw refusal(
      403,
      new GlobalTxError('INVALID_XID', `the header ${XID_HEADER} is not taken from this caller`),
    );
  }

  /**
   * Joins the transaction that came with `source`.
   * @throws GlobalTxError INVALID_XID (400; 403 when it is not trusted), NOT_CONNECTED, CLIENT_CLOSED (503)
   */
  join(xid: unknown, source: Source, address: string | undefined): JoinedTransaction {
    this.check(source, address);
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
      return client.manager.enter(String(xid));
    } catch (error) {
      if (!(error instanceof GlobalTxError)) throw error;
      throw refusal(error.code === 'INVALID_XID' ? 400 : 503, error);
    }
  }
}

/**
 * The work is over here, and nobody is left who could be told of an error.
 * @param failed whether it has failed, or its caller has gone away
 */
export async function leaveQuietly(joined: JoinedTransaction, failed = true): Promise<void> {
  try {
    await joined.leave(failed);
  } catch (error) {
    const { xid } = joined.transaction;
    processClient()?.logger.warn(
      { xid, err: error },
      `a request of the global transaction ${xid} ended badly`,
    );
  }
}
