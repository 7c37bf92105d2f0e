import { currentTransaction } from '../transaction/context.js';
import type { Transaction } from '../transaction/transaction.js';

/** Options of the carriers for outgoing calls. */
export interface OutgoingOptions {
  /**
   * Which calls carry the xid. An xid lets its bearer join the transaction, so leave out whom you do not trust.
   * @default every URL
   */
  readonly propagate?: (url: URL) => boolean;
}

/** The transaction that a call of `text` must carry along, if it must. An invalid URL is the caller's to refuse. */
export function carried(text: string, { propagate }: OutgoingOptions): Transaction | undefined {
  const transaction = currentTransaction();
  if (transaction === undefined || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const service = url.protocol === 'http:' || url.protocol === 'https:';
  return service && (propagate === undefined || propagate(url)) ? transaction : undefined;
}
