import type { TransactionManager } from './manager.js';
import { type RunOptions, resolveRunOptions } from './run-options.js';

/**
 * A function each call of which is a `run`; `this`, arguments, name and length are kept.
 * @throws GlobalTxError INVALID_OPTION
 */
export function wrapped<This, Arguments extends unknown[], Result>(
  manager: () => TransactionManager,
  options: RunOptions,
  fn: (this: This, ...args: Arguments) => Result,
): (this: This, ...args: Arguments) => Promise<Awaited<Result>> {
  const resolved = resolveRunOptions(options, fn.name || 'unnamed');
  const wrapper = async function (this: This, ...args: Arguments): Promise<Awaited<Result>> {
    return await manager().run(resolved, async () => await fn.apply(this, args));
  };
  Object.defineProperty(wrapper, 'name', { value: fn.name, configurable: true });
  return Object.defineProperty(wrapper, 'length', { value: fn.length, configurable: true });
}
