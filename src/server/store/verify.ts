import { createState, DEFAULT_CONFIG, recover } from '../core/index.js';
import { LogStore } from './log-store.js';
import type { StoreRecord } from './store.js';

export interface StoreSummary {
  readonly transactions: number;
  readonly branches: number;
  readonly locks: number;
  readonly facts: number;
}

/**
 * Reads a whole store that no process has open, and changes nothing. A coordinator is built up from it, as at a
 * start: every branch must have its transaction, all locks their branch, and no two transactions one lock.
 * @throws GlobalTxError STORE_CORRUPT, STORE_FORMAT or STORE_FAILED when it is not sound.
 */
export async function verifyStore(directory: string): Promise<StoreSummary> {
  const store = await LogStore.open({ directory, readOnly: true });
  const records: StoreRecord[] = [];
  const summary = { transactions: 0, branches: 0, locks: 0, facts: 0 };
  try {
    for await (const record of store.load()) {
      records.push(record);
      switch (record.type) {
        case 'transaction':
          summary.transactions += 1;
          break;
        case 'branch':
          summary.branches += 1;
          for (const { keys } of record.locks) summary.locks += keys.length;
          break;
        case 'fact':
          summary.facts += 1;
          break;
      }
    }
  } finally {
    await store.close();
  }
  recover(createState(DEFAULT_CONFIG), records, Date.now());
  return summary;
}
