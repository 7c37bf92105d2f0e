import { readFile } from 'node:fs/promises';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { type RunningCoordinator, startCoordinator } from '../../test/support/coordinator.js';
import { type PrivateServer, startServer } from '../../test/support/servers.js';
import type { Answer, LoadOptions, Request } from '../load/protocol.js';
import type { Flush } from '../plan.js';
import type { Mode, Workload } from '../workloads/index.js';
import { Child } from './child.js';
import type { LinkOptions, LinkReply, LinkRequest } from './links.js';

/** A load, and the way that it takes to the servers. */
export interface Load {
  readonly process: Child<Request, Answer>;
  /** Present when the way leads over links. */
  readonly links: Child<LinkRequest, LinkReply> | undefined;
  /** What it has played until it was compiled: `kind mode`. */
  readonly warm: Set<string>;
  /** What has been counted over its links, by workload. */
  readonly packets: Map<string, ReadonlyMap<Mode, number>>;
}

/** What the servers have counted and used so far. */
export interface ServerCounters {
  readonly statements: number;
  readonly bytes: number;
  readonly databaseCpuUs: number;
  readonly coordinatorCpuUs: number;
}

/** Every load keeps its connections, and the one of each network has 128 in flight. */
const SERVER = { arguments: ['--max-connections=1000'] };

/** Ticks of /proc/PID/stat are hundredths of a second on Linux (proc(5), USER_HZ). */
const TICK_US = 10_000;

/** User and system time of a process, in microseconds; not a number when it is gone. */
async function cpuUs(pid: number | undefined): Promise<number> {
  if (pid === undefined) return Number.NaN;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

/** Two database servers and a coordinator, each a process of its own, and the loads that are put on them. */
export class Bed {
  readonly servers: readonly [PrivateServer, PrivateServer];
  /** One to each server, for its counters: to connect anew for each round would take as long as the round. */
  readonly #watchers: readonly Connection[];
  readonly #coordinator: RunningCoordinator;
  readonly #loads = new Map<string, Load>();
  readonly #schemas = new Map<string, readonly string[]>();

  private constructor(
    servers: readonly [PrivateServer, PrivateServer],
    watchers: readonly Connection[],
    coordinator: RunningCoordinator,
  ) {
    this.servers = servers;
    this.#watchers = watchers;
    this.#coordinator = coordinator;
  }

  static async make(): Promise<Bed> {
    const [first, second, coordinator] = await Promise.all([
      startServer(SERVER),
      startServer(SERVER),
      startCoordinator(),
    ]);
    const watchers = await Promise.all([first, second].map((server) => createConnection(server.options())));
    return new Bed([first, second], watchers, coordinator);
  }

  /** The load over a network of so many milliseconds. @param counted its packets are counted, which costs time */
  async load(networkMs: number, counted = false): Promise<Load> {
    const name = `${networkMs}/${counted}`;
    let load = this.#loads.get(name);
    if (load === undefined) {
      load = await this.#open(networkMs, counted);
      this.#loads.set(name, load);
    }
    return load;
  }

  /** The schemas that hold a workload's tables, one on each server. */
  async schemas({ name, tables }: Workload): Promise<readonly string[]> {
    let schemas = this.#schemas.get(name);
    if (schemas === undefined) {
      schemas = await Promise.all(
        tables.map(async (statements, at) => {
          const server = this.servers[at]!;
          const schema = await server.createDatabase('bench');
          await server.execute(statements, schema);
          return schema;
        }),
      );
      this.#schemas.set(name, schemas);
    }
    return schemas;
  }

  async flush(when: Flush): Promise<void> {
    const value = when === 'commit' ? 1 : 2;
    for (const server of this.servers) {
      await server.execute(`SET GLOBAL innodb_flush_log_at_trx_commit = ${value}`);
    }
  }

  async counters(): Promise<ServerCounters> {
    let statements = 0;
    let bytes = 0;
    let databaseCpuUs = 0;
    for (const [at, server] of this.servers.entries()) {
      const [rows] = await this.#watchers[at]!.query<RowDataPacket[]>(
        "SHOW GLOBAL STATUS WHERE Variable_name IN ('Questions', 'Bytes_received', 'Bytes_sent')",
      );
      const value = (name: string) => Number(rows.find((row) => row.Variable_name === name)?.Value);
      statements += value('Questions');
      bytes += value('Bytes_received') + value('Bytes_sent');
      databaseCpuUs += await cpuUs(server.pid);
    }
    return { statements, bytes, databaseCpuUs, coordinatorCpuUs: await cpuUs(this.#coordinator.pid) };
  }

  async close(): Promise<void> {
    for (const { process: load, links } of this.#loads.values()) {
      await load.ask({ ask: 'finish' });
      links?.stop();
    }
    await this.#stopServers();
  }

  /** After an error: the loads may be in any state. */
  async abort(): Promise<void> {
    for (const { process: load, links } of this.#loads.values()) {
      load.stop();
      links?.stop();
    }
    await this.#stopServers();
  }

  async #stopServers(): Promise<void> {
    await this.#coordinator.stop();
    await Promise.all(this.#watchers.map((watcher) => watcher.end()));
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  async #open(networkMs: number, counted: boolean): Promise<Load> {
    const direct = [...this.servers.map((server) => server.port), this.#coordinator.port];
    let links: Child<LinkRequest, LinkReply> | undefined;
    let ports: readonly number[] = direct;
    if (networkMs > 0 || counted) {
      const options: LinkOptions = { ports: direct, delayMs: networkMs };
      links = new Child<LinkRequest, LinkReply>('bed/links.js', [JSON.stringify(options)]);
      ({ ports } = await links.ask('ports'));
    }
    const options: LoadOptions = {
      databases: ports.slice(0, 2).map((port) => ({ port })),
      coordinator: `127.0.0.1:${ports[2]}`,
    };
    return {
      process: new Child<Request, Answer>('load/main.js', [JSON.stringify(options)]),
      links,
      warm: new Set(),
      packets: new Map(),
    };
  }
}
