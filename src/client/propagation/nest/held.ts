import { runInContext } from '../../transaction/context.js';
import type { JoinedTransaction } from '../../transaction/joined.js';
import { leaveQuietly } from '../admission.js';

/** What is needed of RxJS: it comes with the application's NestJS, and is no dependency of ours. */
interface Observer {
  next(value: unknown): void;
  error(error: unknown): void;
  complete(): void;
}

interface Subscribable {
  subscribe(observer: Observer): { unsubscribe(): void };
}

/** The response of HTTP, which tells when its receiver has gone away. */
export interface Closing {
  once(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}

type ObservableClass = new (subscribe: (observer: Observer) => () => void) => unknown;

/** One value late, so that the last one is held back until it is known that its writes are settled. */
class OneLate implements Observer {
  readonly #joined: JoinedTransaction;
  readonly #to: Observer;
  #held: { readonly value: unknown } | undefined;
  over = false;

  constructor(joined: JoinedTransaction, to: Observer) {
    this.#joined = joined;
    this.#to = to;
  }

  next(value: unknown): void {
    if (this.#held !== undefined) this.#to.next(this.#held.value);
    this.#held = { value };
  }

  error(error: unknown): void {
    this.over = true;
    void leaveQuietly(this.#joined).then(() => this.#to.error(error));
  }

  complete(): void {
    this.over = true;
    this.#joined.leave().then(
      () => {
        if (this.#held !== undefined) this.#to.next(this.#held.value);
        this.#to.complete();
      },
      (error: unknown) => this.#to.error(error),
    );
  }
}

/** What the handler gives, in its transaction, and not complete before its writes are settled. */
export function held<Stream>(
  joined: JoinedTransaction,
  response: Closing | undefined,
  handle: () => Stream,
): Stream {
  const gone = (): void => void leaveQuietly(joined);
  const inside = <Result>(work: () => Result): Result => runInContext(joined.transaction, work);
  const stream = inside(handle) as Stream & Subscribable;
  const Observable = stream.constructor as ObservableClass;
  return new Observable((observer) => {
    const late = new OneLate(joined, observer);
    // NestJS waits for a handler of HTTP though nobody waits for its answer any more.
    response?.once('close', gone);
    const subscription = inside(() => stream.subscribe(late));
    return () => {
      response?.off('close', gone);
      subscription.unsubscribe();
      if (!late.over) gone();
    };
  }) as Stream;
}
