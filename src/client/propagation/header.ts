import { currentTransaction } from '../transaction/context.js';

/** The header that carries the xid from service to service, as Seata's clients name it. HTTP ignores its case. */
export const XID_HEADER = 'TX_XID';

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
  return { [XID_HEADER]: transaction.xid };
}
