import { currentTransaction, runInContext } from './context.js';

/**
 * A function that runs in the global transaction of where it was bound, or outside of any when there was none,
 * whoever calls it: for callbacks that are handed to a pool of workers, a queue or an emitter, which call them in a
 * context of their own. `this`, arguments and result are kept.
 *
 * @example
 * emitter.on('row', bind((row) => rows.execute('INSERT INTO copy VALUES (?)', [row.id])));
 */
export function bind<This, Arguments extends unknown[], Result>(
  fn: (this: This, ...args: Arguments) => Result,
): (this: This, ...args: Arguments) => Result {
  const transaction = currentTransaction();
  const bound = function (this: This, ...args: Arguments): Result {
    return runInContext(transaction, () => fn.apply(this, args));
  };
  Object.defineProperty(bound, 'name', { value: fn.name, configurable: true });
  return Object.defineProperty(bound, 'length', { value: fn.length, configurable: true });
}
