import { GlobalTxError } from '../../protocol/errors.js';
import type { Logger } from '../logger.js';
import { untilAborted } from './abort.js';
import { rollsBack } from './rolls-back.js';
import type { ResolvedRunOptions } from './run-options.js';
import type { Transaction } from './transaction.js';

/**
 * A nested call is a part of the caller's transaction. When it throws, half of its work may be done, so the whole
 * can only be rolled back, whatever the caller makes of the error; unless its own rules say otherwise.
 */
export async function runNested<Result>(
  current: Transaction,
  options: ResolvedRunOptions,
  logger: Logger,
  fn: () => Result | PromiseLike<Result>,
): Promise<Result> {
  refuseIfEnded(current);
  const { signal, hooks } = options;
  if (hooks !== undefined && current.role === 'launcher') current.addHooks(hooks);
  try {
    if (signal === undefined) return await fn();
    const { xid } = current;
    return await untilAborted(
      signal,
      async () => await fn(),
      (error) => logger.debug({ xid, err: error }, `a nested call of ${xid} threw after it had been aborted`),
    );
  } catch (error) {
    if (rollsBack(error, options, current, logger)) current.setRollbackOnly('a nested call threw', error);
    throw error;
  }
}

function refuseIfEnded(current: Transaction): void {
  if (!current.ended) return;
  throw new GlobalTxError(
    'TRANSACTION_NOT_ACTIVE',
    `the global transaction ${current.xid} around this call has ended. Await all work before the function returns; start what should outlive it with withoutTransaction()`,
    { xid: current.xid },
  );
}
