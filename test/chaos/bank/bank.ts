import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunningCoordinator, startCoordinator } from '../../support/coordinator.js';
import { freePort } from '../../support/free-port.js';
import { temporaryFolder } from '../../support/keeper.js';
import { type PrivateServer, startServer } from '../../support/servers.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { BALANCE, makeBankDatabase } from './schema.js';
import { BankService } from './service.js';

export interface BankOptions {
  readonly seed: number;
  /** Transfers under way at one time, of each of the three services. @default 16 */
  readonly clients?: number;
  /** Accounts of each database. @default 200 */
  readonly accounts?: number;
  /** How many services have a reader of all balances. @default 0 */
  readonly readers?: number;
  /** Milliseconds that a transfer may last. @default 10000 */
  readonly timeoutMs?: number;
  /** Whether services reach coordinator and databases without the proxies, whose work the machine is then spared. @default false */
  readonly direct?: boolean;
  /** Further command line arguments of the coordinator. */
  readonly coordinatorArgs?: readonly string[];
  /** Added to the environment of every service, in every life. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Leads to the coordinator in place of the TCP proxy, from its address. */
  readonly wayToCoordinator?: (address: string) => Promise<{ address: string; stop(): Promise<void> }>;
}

export interface BankDatabase {
  readonly server: PrivateServer;
  readonly name: string;
}

/** What the harness can do with the whole: two servers, three databases, the coordinator, three services, the ways between. */
export interface Bank {
  readonly servers: readonly [PrivateServer, PrivateServer];
  readonly databases: readonly BankDatabase[];
  readonly coordinator: RunningCoordinator;
  readonly metricsPort: number;
  readonly services: readonly BankService[];
  /** The services' ways to the two servers, and to the coordinator. */
  readonly links: { readonly databases: readonly TcpProxy[]; readonly coordinator: TcpProxy };
  readonly journals: string;
  readonly total: number;
  /** Transfers that ended so far. */
  readonly done: number;
  /** Readings of all balances that were complete so far. */
  readonly reads: number;
  run(): void;
  /** Lets no new transfer begin, and waits for those under way. */
  pause(): Promise<void>;
  stop(): Promise<void>;
}

/** Longer than any transfer: an outcome that is asked for, and a rollback that is waited for. */
const PAUSE_MS = 90_000;

export async function openBank(options: BankOptions): Promise<Bank> {
  const { seed, clients = 16, accounts = 200, readers = 0, timeoutMs = 10_000, direct = false } = options;
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  async function keep<Started extends { stop(): Promise<void> }>(
    starting: Promise<Started>,
  ): Promise<Started> {
    const started = await starting;
    stops.push(() => started.stop());
    return started;
  }
  try {
    // What the server has told of is in the system's hands: that is enough for kill -9, and spares this machine's disk.
    const server = () => keep(startServer({ flushLogAtCommit: 2 }));
    const servers = await Promise.all([server(), server()]);
    const places = [servers[0], servers[0], servers[1]];
    const databases = await Promise.all(
      places.map(async (each) => ({ server: each, name: await makeBankDatabase(each, accounts) })),
    );
    const metricsPort = await freePort();
    const coordinator = await keep(
      startCoordinator({
        args: [
          ...['--metrics-port', String(metricsPort), '--log-level', 'warn'],
          ...(options.coordinatorArgs ?? []),
        ],
      }),
    );
    const coordinatorLink = await keep(TcpProxy.start(coordinator.port));
    const way = await options.wayToCoordinator?.(coordinator.address);
    if (way !== undefined) stops.push(() => way.stop());
    const databaseLinks = await Promise.all(servers.map((each) => keep(TcpProxy.start(each.port))));
    const journals = join(temporaryFolder('bank'), 'journals');
    await mkdir(journals);
    const total = places.length * accounts * BALANCE;
    const servicePorts = await Promise.all(places.map(() => freePort()));
    const urls = databases.map(({ server, name }) => {
      const way = direct ? server : databaseLinks[servers.indexOf(server)]!;
      return `mysql://root@127.0.0.1:${way.port}/${name}`;
    });
    const addressOfCoordinator = way?.address ?? (direct ? coordinator.address : coordinatorLink.address);
    const services = servicePorts.map(
      (port, home) =>
        new BankService({
          ...{ name: `service-${home + 1}`, home, port, servicePorts, databases: urls, accounts, clients },
          ...{
            reads: home < readers,
            inOrder: readers > 0,
            total,
            timeoutMs,
            seed: seed * 1_000 + home * 1_000_003,
          },
          ...{
            journals,
            coordinator: addressOfCoordinator,
            environment: options.environment ?? {},
          },
        }),
    );
    await Promise.all(
      services.map(async (service) => {
        stops.push(() => service.stop());
        await service.start();
      }),
    );
    return {
      servers,
      databases,
      coordinator,
      metricsPort,
      services,
      links: { databases: databaseLinks, coordinator: coordinatorLink },
      journals,
      total,
      get done() {
        return services.reduce((sum, service) => sum + service.done, 0);
      },
      get reads() {
        return services.reduce((sum, service) => sum + service.reads, 0);
      },
      run: () => {
        for (const service of services) service.run();
      },
      pause: async () => {
        await Promise.all(services.map((service) => service.pause(PAUSE_MS)));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
