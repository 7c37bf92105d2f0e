import { type Connection, createConnection } from 'mysql2/promise';
import { type RunningCoordinator, startCoordinator } from '../../../test/support/coordinator.js';
import { freePort } from '../../../test/support/free-port.js';
import { type DatabaseServer, type PrivateServer, startServer } from '../../../test/support/servers.js';
import { CRASH_SKU, createAccounts, createOrders, createStock } from './schema.js';
import { Service } from './service.js';
import type { Databases } from './verification.js';

/** Everything that runs: two database servers with three databases, the coordinator, three services. */
export interface Shop {
  /** 'mariadb 10.11.19'. */
  readonly serverName: string;
  readonly coordinator: RunningCoordinator;
  readonly metricsPort: number;
  readonly orderService: Service;
  readonly stockService: Service;
  readonly accountService: Service;
  /** Plain connections, for the checks. */
  readonly databases: Databases;
  stop(): Promise<void>;
}

async function makeDatabase(
  server: DatabaseServer,
  name: string,
  create: (connection: Connection) => Promise<void>,
): Promise<Connection> {
  await server.execute(`CREATE DATABASE ${name}`);
  const connection = await createConnection(server.options(name));
  await create(connection);
  return connection;
}

function url(server: DatabaseServer, database: string): string {
  return `mysql://root@${server.host}:${server.port}/${database}`;
}

/**
 * Starts everything, with goods and money for `orders` orders; if that fails, what had been started is stopped again.
 */
export async function openShop(orders: number, say: (text: string) => void): Promise<Shop> {
  const stops: (() => Promise<void>)[] = [];
  /** The last that was started is the first to stop. */
  async function stop(): Promise<void> {
    for (const each of stops.splice(0).reverse()) await each();
  }
  async function keep<Started extends { stop(): Promise<void> }>(
    starting: Promise<Started>,
  ): Promise<Started> {
    const started = await starting;
    stops.push(() => started.stop());
    return started;
  }
  try {
    say('starting two database servers');
    const servers: PrivateServer[] = await Promise.all([keep(startServer()), keep(startServer())]);
    const [first, second] = servers as [PrivateServer, PrivateServer];
    const databases: Databases = {
      orders: await makeDatabase(first, 'orders', createOrders),
      stock: await makeDatabase(first, 'stock', (connection) => createStock(connection, orders)),
      accounts: await makeDatabase(second, 'accounts', (connection) => createAccounts(connection, orders)),
    };
    stops.push(async () => {
      for (const connection of [databases.orders, databases.stock, databases.accounts]) connection.destroy();
    });
    say('starting the coordinator and three services');
    const metricsPort = await freePort();
    const coordinator = await keep(startCoordinator({ args: ['--metrics-port', String(metricsPort)] }));
    const common = { GLOBALTX_COORDINATOR: coordinator.address };
    const [stockService, accountService] = await Promise.all([
      keep(Service.start('stock-service', { ...common, DATABASE_URL: url(first, 'stock'), CRASH_SKU })),
      keep(Service.start('account-service', { ...common, DATABASE_URL: url(second, 'accounts') })),
    ]);
    const orderService = await keep(
      Service.start('order-service', {
        ...common,
        DATABASE_URL: url(first, 'orders'),
        STOCK_URL: stockService.url,
        ACCOUNT_URL: accountService.url,
      }),
    );
    const serverName = `${first.kind} ${first.version}`;
    const services = { orderService, stockService, accountService };
    return { serverName, coordinator, metricsPort, ...services, databases, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
