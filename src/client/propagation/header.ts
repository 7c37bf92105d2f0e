import { currentTransaction } from '../transaction/context.js';

/** The header that carries the xid from service to service, as Seata's clients name it. HTTP ignores its case. */
export const XID_HEADER = 'TX_XID';

/**
 * The same without an underscore: nginx, like others, drops what has one in its name unless it is told otherwise
 * (`underscores_in_headers`), and the called service would write outside of the transaction. Both are sent.
 */
const HYPHENATED_HEADER = 'TX-XID';

const NAMES = [XID_HEADER, HYPHENATED_HEADER];

/** By the names in lower case, as Node and gRPC have them. */
export const XID_NAMES: readonly string[] = NAMES.map((name) => name.toLowerCase());

/** What a call carries. */
export function xidHeaders(xid: string): Record<string, string> {
  return Object.fromEntries(NAMES.map((name) => [name, xid]));
}

/**
 * What came under the xid's names; undefined when nothing did. Two that differ are no xid together.
 * @param get finds a value by the name in lower case
 */
export function xidNamed(get: (name: string) => unknown): unknown {
  const values = new Set(XID_NAMES.map(get).filter((value) => value !== undefined));
  return values.size > 1 ? [...values].join(',') : values.values().next().value;
}

/**
 * Headers for a call that is to be a part of the current global transaction; empty outside of one. The coordinator
 * knows of the transaction once this resolves.
 *
 * @throws GlobalTxError TRANSACTION_NOT_ACTIVE, COORDINATOR_UNAVAILABLE
 *
 * @example
 * await axios.post(url, body, { headers: await transactionHeaders() });
 */
export async function transactionHeaders(): Promise<Record<string, string>> {
  const transaction = currentTransaction();
  if (transaction === undefined) return {};
  await transaction.ensureBegun();
  return xidHeaders(transaction.xid);
}
