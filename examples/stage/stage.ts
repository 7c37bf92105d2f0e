import { type Connection, createConnection } from 'mysql2/promise';
import { type RunningCoordinator, startCoordinator } from '../../test/support/coordinator.js';
import { freePort } from '../../test/support/free-port.js';
import { type PrivateServer, startServer } from '../../test/support/servers.js';
import { Service } from './service.js';

/** One database of an example. */
export interface StageDatabase {
  /** What its service is given. */
  readonly url: string;
  /** A plain mysql2 connection: what is looked at here does not pass through globaltx. */
  readonly connection: Connection;
}

/** What every example is played on: two database servers and a coordinator, all started for it alone. */
export class Stage {
  readonly #stops: (() => Promise<void>)[] = [];
  readonly #servers: PrivateServer[] = [];
  #coordinator: RunningCoordinator | undefined;
  #metricsPort = 0;

  /** Starts everything; if that fails, what had been started is stopped again. */
  static async open(): Promise<Stage> {
    const stage = new Stage();
    try {
      await stage.#start();
      return stage;
    } catch (error) {
      await stage.stop();
      throw error;
    }
  }

  async #start(): Promise<void> {
    this.#servers.push(...(await Promise.all([this.keep(startServer()), this.keep(startServer())])));
    this.#metricsPort = await freePort();
    const args = ['--metrics-port', String(this.#metricsPort)];
    this.#coordinator = await this.keep(startCoordinator({ args }));
  }

  /** 'mariadb 10.11.19'. */
  get serverName(): string {
    const [server] = this.#servers;
    return `${server!.kind} ${server!.version}`;
  }

  get coordinator(): RunningCoordinator {
    return this.#coordinator!;
  }

  get metricsPort(): number {
    return this.#metricsPort;
  }

  /** Makes a database on the first or the second server. */
  async database(server: 0 | 1, name: string, statements: readonly string[]): Promise<StageDatabase> {
    const { host, port } = this.#servers[server]!;
    await this.#servers[server]!.execute(`CREATE DATABASE ${name}`);
    const url = `mysql://root@${host}:${port}/${name}`;
    const connection = await createConnection(url);
    this.#stops.push(async () => connection.destroy());
    for (const statement of statements) await connection.query(statement);
    return { url, connection };
  }

  /**
   * Starts a service on a database, as a process of its own that knows the coordinator.
   * @param script its compiled file
   */
  service(
    script: URL,
    database: StageDatabase,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Service> {
    const common = { GLOBALTX_COORDINATOR: this.coordinator.address, DATABASE_URL: database.url };
    return this.keep(Service.start(script, { ...common, ...environment }));
  }

  /** Sees to it that what was started is stopped with everything else, the last first. */
  async keep<Started extends { stop(): Promise<void> }>(starting: Promise<Started>): Promise<Started> {
    const started = await starting;
    this.#stops.push(() => started.stop());
    return started;
  }

  async stop(): Promise<void> {
    for (const each of this.#stops.splice(0).reverse()) await each();
  }
}
