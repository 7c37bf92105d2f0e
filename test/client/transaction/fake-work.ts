import assert from 'node:assert/strict';
import { currentTransaction } from '../../../src/client/index.js';
import type { BranchRequest, Participant, Transaction } from '../../../src/client/transaction/transaction.js';

export const BRANCH: BranchRequest = {
  resourceId: 'r',
  kind: 'AT',
  locks: [],
  locksOnly: false,
  branchId: '',
};

export function current(): Transaction {
  return currentTransaction() ?? assert.fail('there is no transaction');
}

/** A write as a driver makes it. */
export async function write(): Promise<string> {
  const transaction = current();
  const branchId = await transaction.registerBranch(BRANCH);
  transaction.reportBranch(branchId, 'PHASE_ONE_DONE');
  return branchId;
}

export class FakeWork implements Participant {
  readonly description = 'UPDATE on pool shop';
  open = false;
  abandoned = 0;
  readonly #over: Promise<void>;

  constructor(over: Promise<void> = Promise.resolve()) {
    this.#over = over;
  }

  settled(): Promise<void> {
    return this.#over;
  }

  async abandon(): Promise<void> {
    this.abandoned += 1;
    this.open = false;
  }
}
