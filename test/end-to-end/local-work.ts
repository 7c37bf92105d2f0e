import { setTimeout as pause } from 'node:timers/promises';
import type { PoolConnection } from 'mysql2/promise';
import type { World } from './world.js';

export { pause };

export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

/** What is under way, as 'done' or the code of its error. */
export function result(work: Promise<unknown>): Promise<unknown> {
  return work.then(() => 'done', codeOf);
}

/** Runs work in a local transaction of a global one, on a connection of the first database. */
export function inLocalTransaction(
  { gtx, first }: World,
  work: (connection: PoolConnection) => Promise<void>,
): Promise<void> {
  return gtx.run({ name: 'local work' }, async () => {
    const connection = (await first.pool.getConnection()) as unknown as PoolConnection;
    try {
      await connection.beginTransaction();
      await work(connection);
      await connection.commit();
    } finally {
      connection.release();
    }
  });
}
