import mysql2 from 'mysql2/promise';
import type { CoreConnection } from './core.js';
import { instrumentConnection } from './instrument.js';
import { makeOutside } from './place.js';
import { splitOptions } from './pool-options.js';

type Connect = (options: unknown) => Promise<{ readonly connection: CoreConnection }>;

/** mysql2's `createConnection` with the connection taken over once it is there. */
export function connectPromise(given: unknown): Promise<unknown> {
  const { options, own } = splitOptions(given);
  return makeOutside(() => (mysql2.createConnection as unknown as Connect)(options)).then((connection) => {
    instrumentConnection(connection.connection, own);
    return connection;
  });
}
