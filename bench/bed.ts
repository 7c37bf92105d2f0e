import { GlobalTx } from 'globaltx';
import globaltx from 'globaltx/mysql2/promise';
import plain, { type Pool } from 'mysql2/promise';
import { type RunningCoordinator, startCoordinator } from '../test/support/coordinator.js';
import { type PrivateServer, startServer } from '../test/support/servers.js';

export const ROWS = 10_000;

/** One database of the bed, reached by plain mysql2 and by globaltx. */
export interface BenchDatabase {
  readonly server: PrivateServer;
  readonly plain: Pool;
  readonly globaltx: Pool;
}

/** Everything that a measurement runs on: servers and coordinator are processes of their own. */
export interface Bed {
  readonly databases: readonly [BenchDatabase, BenchDatabase];
  readonly coordinator: RunningCoordinator;
  readonly gtx: GlobalTx;
  close(): Promise<void>;
}

async function makeDatabase(connections: number): Promise<BenchDatabase> {
  const server = await startServer();
  const name = await server.createDatabase('bench');
  const rows = Array.from({ length: ROWS }, (_, index) => `(${index}, 1000, REPEAT('x', 100))`);
  await server.execute(
    [
      'CREATE TABLE account (id INT PRIMARY KEY, balance INT NOT NULL, note VARCHAR(200) NOT NULL)',
      `INSERT INTO account VALUES ${rows.join(', ')}`,
    ],
    name,
  );
  const options = { ...server.options(name), connectionLimit: connections };
  return {
    server,
    plain: plain.createPool(options),
    globaltx: globaltx.createPool(options) as unknown as Pool,
  };
}

/** @param connections of each pool: no transaction waits for one */
export async function makeBed(connections: number): Promise<Bed> {
  const [first, second, coordinator] = await Promise.all([
    makeDatabase(connections),
    makeDatabase(connections),
    startCoordinator(),
  ]);
  const gtx = await GlobalTx.connect({ coordinator: coordinator.address, application: 'bench' });
  return {
    databases: [first, second],
    coordinator,
    gtx,
    close: async () => {
      for (const { plain: pool, globaltx: other } of [first, second]) {
        await pool.end();
        await other.end();
      }
      await gtx.close();
      await coordinator.stop();
      await Promise.all([first.server.stop(), second.server.stop()]);
    },
  };
}
