import { GlobalTxError } from '../../protocol/errors.js';
import type { BranchOwner } from '../transaction/transaction.js';

/**
 * Refuses what would write in a transaction that has ended, or whose end has begun.
 * @throws GlobalTxError TRANSACTION_NOT_ACTIVE
 */
export function refuseEnded(transaction: BranchOwner): void {
  if (!transaction.ended) return;
  // Work that the function has started and not awaited is lost to it: no commit may pass over that.
  transaction.setRollbackOnly('TRANSACTION_NOT_ACTIVE: a write came after the end');
  throw new GlobalTxError(
    'TRANSACTION_NOT_ACTIVE',
    'The global transaction has ended, or its end has begun: nothing can be written in it any more. ' +
      'Await all work inside the wrapped function.',
    { xid: transaction.xid },
  );
}
