import { allowTriggers } from '../at/branch/allowed-triggers.js';
import type { BranchDatabase } from '../at/branch/database.js';
import { currentTransaction } from '../transaction/context.js';
import { currentGlobalLock } from '../transaction/global-lock.js';
import type { CoreCluster, CoreConnection, CorePool } from './core.js';
import { Gate } from './gate.js';
import { makeOutside, runAt } from './place.js';
import type { OwnSettings } from './pool-options.js';
import { sourceOf } from './source.js';

const instrumented = new WeakSet<object>();

/** Whether an object is met for the first time. */
function first(object: object): boolean {
  if (instrumented.has(object)) return false;
  instrumented.add(object);
  return true;
}

type Config = Readonly<Record<string, unknown>>;

function databaseOf(config: Config, { allowTriggers: names = [] }: OwnSettings): BranchDatabase {
  const source = sourceOf(config);
  if (names.length === 0) return source;
  return allowTriggers(source, names, typeof config.database === 'string' ? config.database : undefined);
}

/** @returns a function that ends it */
function enlistExisting(config: Config): () => void {
  const { database } = config;
  if (typeof database !== 'string' || database === '') return () => {};
  return sourceOf(config).enlistExisting(database);
}

/** Takes over a connection that the application made by itself. */
export function instrumentConnection(connection: CoreConnection, own: OwnSettings = {}): void {
  if (!first(connection)) return;
  Gate.install(connection, databaseOf(connection.config, own), own);
  connection.once('end', enlistExisting(connection.config));
}

/** Takes over a pool and every connection that it makes from now on. */
export function instrumentPool(pool: CorePool, own: OwnSettings = {}): void {
  if (!first(pool)) return;
  const config = pool.config.connectionConfig;
  const database = databaseOf(config, own);
  pool.on('connection', (connection: CoreConnection) => Gate.install(connection, database, own));
  const getConnection = pool.getConnection;
  pool.getConnection = (callback) => {
    // A connection that waits in the pool's queue is handed over by whoever releases it, in that one's
    // context; and a socket made here would keep this context for all that it ever reads.
    const transaction = currentTransaction();
    const held = currentGlobalLock();
    makeOutside(() =>
      getConnection.call(pool, (...args) => runAt(transaction, held, () => callback(...args))),
    );
  };
  const releaseConnection = pool.releaseConnection;
  pool.releaseConnection = (connection) => {
    const given = Gate.of(connection)?.giveBack();
    if (given === undefined) releaseConnection.call(pool, connection);
    else void given.finally(() => releaseConnection.call(pool, connection));
  };
  const stopEnlisting = enlistExisting(config);
  const end = pool.end;
  pool.end = (...args) => {
    stopEnlisting();
    end.apply(pool, args);
  };
}

/**
 * Takes over a cluster: each of its nodes is a pool. A node is met where it is kept, because the promise cluster calls
 * the prototype's `add` and would go past one of ours.
 */
export function instrumentCluster(cluster: CoreCluster): void {
  if (!first(cluster)) return;
  cluster._nodes = new Proxy(cluster._nodes, {
    set(nodes, id, node: { readonly pool: CorePool }) {
      instrumentPool(node.pool);
      return Reflect.set(nodes, id, node);
    },
  });
}
