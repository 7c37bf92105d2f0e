import type { BranchRecord, Store, StoreRecord, TransactionRecord } from '../../../src/server/store/store.js';

export function transaction(xid: string, more: Partial<TransactionRecord> = {}): TransactionRecord {
  return {
    type: 'transaction',
    xid,
    name: 'place-order',
    application: 'shop',
    status: 'ACTIVE',
    reason: '',
    begunAt: 1_700_000_000_000,
    timeoutMs: 60_000,
    decidedAt: 0,
    endedAt: 0,
    ...more,
  };
}

export function branch(xid: string, branchId: string, more: Partial<BranchRecord> = {}): BranchRecord {
  return {
    type: 'branch',
    xid,
    branchId,
    kind: 'AT',
    resourceId: 'a resource',
    clientId: 'a client',
    requestId: `request ${branchId}`,
    locksOnly: false,
    locks: [
      { resourceId: 'a resource', table: 't', mode: 'EXCLUSIVE', keys: ['PRIMARY/1', 'PRIMARY/%c3%a4'] },
    ],
    registeredAt: 1_700_000_000_001,
    phaseOne: '',
    attention: null,
    ...more,
  };
}

export function fact(name: string, value: string): StoreRecord {
  return { type: 'fact', name, value };
}

export async function loadAll(store: Store): Promise<StoreRecord[]> {
  const records: StoreRecord[] = [];
  for await (const record of store.load()) records.push(record);
  return records.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

export function nameOf(record: StoreRecord): string {
  switch (record.type) {
    case 'transaction':
      return `transaction ${record.xid}`;
    case 'branch':
      return `branch ${record.xid} ${record.branchId}`;
    case 'fact':
      return `fact ${record.name}`;
  }
}
