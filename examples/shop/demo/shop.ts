import type { RunningCoordinator } from '../../../test/support/coordinator.js';
import type { Service } from '../../stage/service.js';
import { Stage } from '../../stage/stage.js';
import { CRASH_SKU, createAccounts, createOrders, createStock } from './schema.js';
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

function script(name: string): URL {
  return new URL(`../${name}.js`, import.meta.url);
}

/**
 * Starts everything, with goods and money for `orders` orders; if that fails, what had been started is stopped again.
 */
export async function openShop(count: number, say: (text: string) => void): Promise<Shop> {
  say('starting two database servers and the coordinator');
  const stage = await Stage.open();
  try {
    const orders = await stage.database(0, 'orders', []);
    const stock = await stage.database(0, 'stock', []);
    const accounts = await stage.database(1, 'accounts', []);
    await createOrders(orders.connection);
    await createStock(stock.connection, count);
    await createAccounts(accounts.connection, count);
    say('starting three services');
    const [stockService, accountService] = await Promise.all([
      stage.service(script('stock-service'), stock, { CRASH_SKU }),
      stage.service(script('account-service'), accounts),
    ]);
    const orderService = await stage.service(script('order-service'), orders, {
      STOCK_URL: stockService.url,
      ACCOUNT_URL: accountService.url,
    });
    return {
      ...{ serverName: stage.serverName, coordinator: stage.coordinator, metricsPort: stage.metricsPort },
      ...{ orderService, stockService, accountService },
      databases: {
        orders: orders.connection,
        stock: stock.connection,
        accounts: accounts.connection,
      },
      stop: () => stage.stop(),
    };
  } catch (error) {
    await stage.stop();
    throw error;
  }
}
