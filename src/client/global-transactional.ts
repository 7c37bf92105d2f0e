import { GlobalTxError } from '../protocol/errors.js';
import { requireClient } from './process-client.js';
import type { RunOptions } from './transaction/run-options.js';
import { wrapped } from './transaction/wrapped.js';

type AsyncMethod<This, Arguments extends unknown[], Result> = (
  this: This,
  ...args: Arguments
) => Promise<Result>;

/** A decorator of asynchronous methods, in the standard's form and in that of `experimentalDecorators`. */
export interface GlobalTransactionalDecorator {
  <This, Arguments extends unknown[], Result>(
    method: AsyncMethod<This, Arguments, Result>,
    context: ClassMethodDecoratorContext<This, AsyncMethod<This, Arguments, Result>>,
  ): AsyncMethod<This, Arguments, Result>;
  <Method extends (...args: never[]) => Promise<unknown>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void;
}

type Method = (this: unknown, ...args: unknown[]) => Promise<unknown>;

interface MetadataReflection {
  getOwnMetadataKeys?(target: object): readonly unknown[];
  getOwnMetadata?(key: unknown, target: object): unknown;
  defineMetadata?(key: unknown, value: unknown, target: object): void;
}

/** What other decorators have written on the method with reflect-metadata: routes and guards of NestJS, say. */
function keepMetadata(from: object, to: object): void {
  const { getOwnMetadataKeys, getOwnMetadata, defineMetadata } = Reflect as MetadataReflection;
  if (getOwnMetadataKeys === undefined || getOwnMetadata === undefined) return;
  for (const key of getOwnMetadataKeys(from)) defineMetadata?.(key, getOwnMetadata(key, from), to);
}

function decorated(options: RunOptions, method: unknown, key: string | symbol): Method {
  if (typeof method !== 'function') {
    throw new GlobalTxError('INVALID_OPTION', `GlobalTransactional: ${String(key)} is not a method`);
  }
  const named = { ...options, name: options.name ?? String(key) };
  const wrapper = wrapped(() => requireClient().manager, named, method as Method);
  keepMetadata(method, wrapper);
  return wrapper;
}

/**
 * Decorates an asynchronous method so that each call of it is a `run` of this process's GlobalTx. Serves as a
 * standard decorator and under TypeScript's `experimentalDecorators`, as NestJS uses them.
 *
 * @throws GlobalTxError INVALID_OPTION where the class is defined; when the method is called as `GlobalTx.run`, and
 * NOT_CONNECTED
 *
 * @example
 * class Orders {
 *   @GlobalTransactional({ timeout: 10_000 })
 *   async place(order: Order) { ... }
 * }
 */
export function GlobalTransactional(options: RunOptions = {}): GlobalTransactionalDecorator {
  const decorate = (
    target: unknown,
    keyOrContext: string | symbol | { readonly name: string | symbol },
    descriptor?: PropertyDescriptor,
  ): unknown => {
    if (typeof keyOrContext === 'object') return decorated(options, target, keyOrContext.name);
    if (descriptor === undefined) {
      throw new GlobalTxError('INVALID_OPTION', 'GlobalTransactional: it decorates methods alone');
    }
    descriptor.value = decorated(options, descriptor.value, keyOrContext);
    return undefined;
  };
  return decorate as GlobalTransactionalDecorator;
}
