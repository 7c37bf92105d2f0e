import mysql2 from 'mysql2';
import { takingOver } from './constructed.js';
import type { CoreCluster, CoreConnection, CorePool } from './core.js';
import { instrumentCluster, instrumentConnection, instrumentPool } from './instrument.js';
import { makeOutside } from './place.js';
import { type OwnOptions, splitOptions } from './pool-options.js';
import * as promise from './promise-driver.js';

export * from 'mysql2';

// Newer versions of Node find an export 'module.exports' in a CommonJS module, and give it to require(): with
// `export *` those who require this one would get mysql2 itself.
const nothing = undefined;

export { nothing as 'module.exports' };

interface CreateConnection {
  (connectionUri: string): mysql2.Connection;
  (config: mysql2.ConnectionOptions & OwnOptions): mysql2.Connection;
}

interface CreatePool {
  (connectionUri: string): mysql2.Pool;
  (config: mysql2.PoolOptions & OwnOptions): mysql2.Pool;
}

type MakeConnection = (options: unknown) => CoreConnection;
type MakePool = (options: unknown) => CorePool;
type MakeCluster = (options?: unknown) => CoreCluster;

// Functions, not arrows, because mysql2's are: some call them with `new`.

/** As mysql2's: the connection takes part in the global transaction that a statement is sent in. */
export const createConnection = function createConnection(given: unknown) {
  const { options, own } = splitOptions(given);
  const connection = makeOutside(() => (mysql2.createConnection as unknown as MakeConnection)(options));
  instrumentConnection(connection, own);
  return connection;
} as unknown as CreateConnection;

/** Another name of `createConnection`, as in mysql2. */
export const connect = createConnection;

/** As mysql2's: the pool's connections take part in the global transaction that a statement is sent in. */
export const createPool = function createPool(given: unknown) {
  const { options, own } = splitOptions(given);
  const pool = makeOutside(() => (mysql2.createPool as unknown as MakePool)(options));
  instrumentPool(pool, own);
  return pool;
} as unknown as CreatePool;

/** As mysql2's: each node's pool takes part in the global transaction that a statement is sent in. */
export const createPoolCluster = function createPoolCluster(options?: unknown) {
  const cluster = makeOutside(() => (mysql2.createPoolCluster as unknown as MakeCluster)(options));
  instrumentCluster(cluster);
  return cluster;
} as unknown as typeof mysql2.createPoolCluster;

type New<Instance> = new (...args: never[]) => Instance;

const classes = mysql2 as unknown as {
  readonly Connection: New<CoreConnection>;
  readonly Pool: New<CorePool>;
  readonly PoolCluster: New<CoreCluster>;
};

// mysql2's classes, for `instanceof`, for `extends`, and for those who make an instance by themselves.

export const Connection = takingOver(classes.Connection, (made) =>
  instrumentConnection(made),
) as unknown as typeof mysql2.Connection;
export type Connection = mysql2.Connection;

export const Pool = takingOver(classes.Pool, (made) => instrumentPool(made)) as unknown as New<mysql2.Pool>;
export type Pool = mysql2.Pool;

export const PoolCluster = takingOver(
  classes.PoolCluster,
  instrumentCluster,
) as unknown as New<mysql2.PoolCluster>;
export type PoolCluster = mysql2.PoolCluster;

/** mysql2's exports that are getters, which `export *` of a CommonJS module does not find. */
export const Types = mysql2.Types;
export const Charsets = mysql2.Charsets;
export const CharsetToEncoding = mysql2.CharsetToEncoding;
export const TypedParameter = mysql2.TypedParameter;
export const createConnectionPromise = promise.createConnection;
export const createPoolPromise = promise.createPool;
export const createPoolClusterPromise = promise.createPoolCluster;
