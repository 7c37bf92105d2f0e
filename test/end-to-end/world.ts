import { GlobalTx } from 'globaltx';
import mysql, { type Pool } from 'globaltx/mysql2/promise';
import { type RunningCoordinator, startCoordinator } from '../support/coordinator.js';
import type { DatabaseServer } from '../support/database-server.js';
import { servers } from '../support/servers.js';

/** One database of a test, with a pool that takes part in global transactions. */
export interface TestDatabase {
  readonly server: DatabaseServer;
  readonly name: string;
  readonly pool: Pool;
  /** Runs statements outside of every transaction, on plain mysql2. */
  execute(statements: string | readonly string[]): Promise<void>;
  /** Everything but the undo log, byte for byte. */
  dump(): Promise<string>;
  /** Rows of the undo log that hold images. */
  undoLogRows(): Promise<number>;
}

/** A coordinator, a client of it in this process, and a database on each of two servers. */
export interface World {
  readonly coordinator: RunningCoordinator;
  readonly gtx: GlobalTx;
  readonly first: TestDatabase;
  readonly second: TestDatabase;
  close(): Promise<void>;
}

/** The tables that globaltx makes. */
export const OWN_TABLES = ['undo_log', 'globaltx_resource'];

async function makeDatabase(server: DatabaseServer, statements: readonly string[]): Promise<TestDatabase> {
  const name = await server.createDatabase();
  await server.execute(statements, name);
  const pool = mysql.createPool({ ...server.options(name), connectionLimit: 10 });
  return {
    server,
    name,
    pool,
    execute: (more) => server.execute(more, name),
    dump: () => server.dump(name, { except: OWN_TABLES }),
    undoLogRows: async () => {
      const [rows] = await pool.query(
        'SELECT (SELECT COUNT(*) FROM information_schema.TABLES ' +
          "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'undo_log') AS made",
      );
      if ((rows as { made: number }[])[0]?.made !== 1) return 0;
      const [counts] = await pool.query('SELECT COUNT(*) AS count FROM undo_log WHERE log_status = 0');
      return (counts as { count: number }[])[0]!.count;
    },
  };
}

export interface WorldOptions {
  /** Statements that make the tables of both databases. */
  readonly tables: readonly string[];
  readonly coordinatorArgs?: readonly string[];
}

export async function makeWorld({ tables, coordinatorArgs = [] }: WorldOptions): Promise<World> {
  const [one, two] = await servers();
  const coordinator = await startCoordinator({ args: coordinatorArgs });
  const gtx = await GlobalTx.connect({ coordinator: coordinator.address, application: 'test' });
  const [first, second] = await Promise.all([makeDatabase(one, tables), makeDatabase(two, tables)]);
  return {
    coordinator,
    gtx,
    first,
    second,
    close: async () => {
      await Promise.all([first.pool.end(), second.pool.end()]);
      await gtx.close();
      await coordinator.stop();
    },
  };
}

/** Waits until a condition holds. @throws when it does not within `limitMs` */
export async function eventually(
  what: string,
  condition: () => Promise<boolean> | boolean,
  limitMs = 15_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until phase two has removed every undo log row of both databases. */
export function settled(world: World): Promise<void> {
  return eventually('every undo log row is gone', async () => {
    const counts = await Promise.all([world.first.undoLogRows(), world.second.undoLogRows()]);
    return counts.every((count) => count === 0);
  });
}
