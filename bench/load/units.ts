import type { Pool, PoolConnection } from 'mysql2/promise';
import type { Unit } from '../workloads/index.js';

/** What transactions are made of, in all modes. */
export interface Source {
  /** One pool for each database. */
  readonly pools: readonly Pool[];
  readonly chance: (below: number) => number;
  readonly turn: (below: number) => number;
}

export type Work = (unit: Unit) => Promise<unknown>;

/** Every part is a local transaction that ends by itself. @param end COMMIT, or ROLLBACK of a transaction that declines */
export function localUnit({ pools, chance, turn }: Source, end: 'COMMIT' | 'ROLLBACK'): Unit {
  return {
    chance,
    turn,
    async local(database, work) {
      const connection = await pools[database]!.getConnection();
      let open = false;
      try {
        await connection.query('BEGIN');
        open = true;
        const result = await work(connection);
        open = false;
        await connection.query(end);
        return result;
      } catch (error) {
        if (open) await connection.query('ROLLBACK');
        throw error;
      } finally {
        connection.release();
      }
    },
    async autocommit(database, sql, values) {
      const [result] = await pools[database]!.execute(sql, values as never);
      return result;
    },
  };
}

let xids = 0;

/**
 * XA at its best: one branch a database however many parts it has, all branches prepared in parallel, then all
 * committed in parallel.
 */
export async function xa({ pools, chance, turn }: Source, work: Work, commit: boolean): Promise<void> {
  xids += 1;
  const xid = `'bench-${process.pid}-${xids}'`;
  const branches = new Map<number, Promise<PoolConnection>>();
  const branch = (database: number) => {
    let opened = branches.get(database);
    if (opened === undefined) {
      opened = pools[database]!.getConnection().then(async (connection) => {
        await connection.query(`XA START ${xid}`);
        return connection;
      });
      branches.set(database, opened);
    }
    return opened;
  };
  const all = async (step: (connection: PoolConnection) => Promise<unknown>) => {
    const connections = await Promise.all(branches.values());
    await Promise.all(connections.map(step));
  };
  try {
    await work({
      chance,
      turn,
      local: async (database, part) => part(await branch(database)),
      autocommit: async (database, sql, values) => {
        const [result] = await (await branch(database)).execute(sql, values as never);
        return result;
      },
    });
    await all(async (connection) => {
      await connection.query(`XA END ${xid}`);
      await connection.query(`XA PREPARE ${xid}`);
    });
    await all((connection) => connection.query(`XA ${commit ? 'COMMIT' : 'ROLLBACK'} ${xid}`));
  } catch (error) {
    // A deadlock has rolled the branch back, and END fails: both are tried, whatever the state is.
    await all(async (connection) => {
      await connection.query(`XA END ${xid}`).catch(() => undefined);
      await connection.query(`XA ROLLBACK ${xid}`).catch(() => undefined);
    });
    throw error;
  } finally {
    for (const opened of branches.values()) (await opened).release();
  }
}
