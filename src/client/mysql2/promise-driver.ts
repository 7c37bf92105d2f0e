import mysql2 from 'mysql2/promise';
import type { CoreCluster, CorePool } from './core.js';
import { instrumentCluster, instrumentPool } from './instrument.js';
import { makeOutside } from './place.js';
import { type OwnOptions, splitOptions } from './pool-options.js';
import { connectPromise } from './promise-connection.js';

export * from 'mysql2/promise';

// Newer versions of Node find an export 'module.exports' in a CommonJS module, and give it to require(): with
// `export *` those who require this one would get mysql2 itself.
const nothing = undefined;

export { nothing as 'module.exports' };

export interface CreateConnection {
  (connectionUri: string): Promise<mysql2.Connection>;
  (config: mysql2.ConnectionOptions & OwnOptions): Promise<mysql2.Connection>;
}

export interface CreatePool {
  (connectionUri: string): mysql2.Pool;
  (config: mysql2.PoolOptions & OwnOptions): mysql2.Pool;
}

/** As mysql2's: the connection takes part in the global transaction that a statement is sent in. */
export const createConnection = connectPromise as unknown as CreateConnection;

/** As mysql2's: the pool's connections take part in the global transaction that a statement is sent in. */
export const createPool = function createPool(given: unknown) {
  const { options, own } = splitOptions(given);
  const pool = makeOutside(() => mysql2.createPool(options as never));
  instrumentPool((pool as unknown as { readonly pool: CorePool }).pool, own);
  return pool;
} as unknown as CreatePool;

/** As mysql2's: each node's pool takes part in the global transaction that a statement is sent in. */
export const createPoolCluster = function createPoolCluster(options?: never) {
  const cluster = makeOutside(() => mysql2.createPoolCluster(options));
  instrumentCluster((cluster as unknown as { readonly poolCluster: CoreCluster }).poolCluster);
  return cluster;
} as unknown as typeof mysql2.createPoolCluster;

/** mysql2's exports that are getters, which `export *` of a CommonJS module does not find. */
export const Types = mysql2.Types;
export const Charsets = mysql2.Charsets;
export const CharsetToEncoding = mysql2.CharsetToEncoding;
export const TypedParameter = mysql2.TypedParameter;
