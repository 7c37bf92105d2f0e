import { randomUUID } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { GlobalTxError } from '../protocol/errors.js';
import { adminService } from './admin/admin-service.js';
import { AuditLog } from './admin/audit-log.js';
import { OrderDesk } from './admin/order-desk.js';
import { Clock } from './clock.js';
import type { Settings } from './configuration.js';
import {
  type CoordinatorState,
  type CoreConfig,
  type CoreEvent,
  type Counts,
  counts,
  createState,
  DEFAULT_CONFIG,
  nextWake,
  recover,
  step,
} from './core/index.js';
import { type Core, Engine, type EngineObserver } from './engine.js';
import { EventLog } from './event-log.js';
import type { ServerFailpoints } from './failpoints.js';
import { Endpoint } from './grpc/endpoint.js';
import { Metrics } from './metrics.js';
import { MetricsServer } from './metrics-server.js';
import { LogStore } from './store/log-store.js';

/** All of a coordinator in one process: store, core, engine, endpoint, metrics. */
export class Coordinator {
  readonly #settings: Settings;
  readonly #log: Logger;
  readonly #store: LogStore;
  readonly #state: CoordinatorState;
  readonly #engine: Engine;
  readonly #endpoint: Endpoint;
  readonly #metrics: Metrics | undefined;
  readonly #audit: AuditLog;
  #metricsServer: MetricsServer | undefined;

  private constructor(
    settings: Settings,
    store: LogStore,
    log: Logger,
    failpoints: ServerFailpoints | undefined,
    fail: (error: GlobalTxError) => void,
  ) {
    this.#settings = settings;
    this.#log = log;
    this.#store = store;
    this.#state = createState(coreConfig(settings));
    this.#metrics = settings['metrics-port'] === undefined ? undefined : this.#makeMetrics();
    const eventLog = new EventLog(log);
    this.#engine = new Engine({
      core: makeCore(this.#state),
      store,
      clock: new Clock(),
      deliver: (message) => this.#endpoint.deliver(message),
      fail: (error) => {
        this.#endpoint.abort();
        fail(error);
      },
      observer: this.#metrics === undefined ? eventLog : both(eventLog, this.#metrics),
      failpoints,
    });
    this.#audit = new AuditLog(settings['audit-log'] ?? join(settings.data, 'audit.log'));
    this.#endpoint = this.#makeEndpoint();
  }

  /**
   * Resolves once clients can connect. `fail` is called when the coordinator cannot go on: it has stopped
   * answering, and the process must end.
   * @throws GlobalTxError STORE_FAILED, STORE_CORRUPT, STORE_FORMAT, INVALID_OPTION
   */
  static async start(
    settings: Settings,
    log: Logger,
    failpoints: ServerFailpoints | undefined,
    fail: (error: GlobalTxError) => void,
  ): Promise<Coordinator> {
    const store = await LogStore.open({ directory: settings.data });
    const coordinator = new Coordinator(settings, store, log, failpoints, fail);
    await coordinator.#start();
    return coordinator;
  }

  /** Ends cleanly: clients are sent away, everything taken so far is durable. */
  async stop(): Promise<void> {
    this.#endpoint.stopServing();
    await this.#engine.close();
    await this.#endpoint.close(this.#settings['shutdown-grace-ms']);
    this.#metricsServer?.close();
    await this.#store.close();
  }

  async #start(): Promise<void> {
    await this.#audit.check();
    await this.#engine.start();
    if (this.#metrics !== undefined) await this.#serveMetrics(this.#metrics);
    const port = await this.#endpoint.listen(this.#settings.listen);
    this.#log.info(
      { port, address: withPort(this.#settings.listen, port), data: this.#settings.data },
      'listening',
    );
    const portFile = this.#settings['port-file'];
    if (portFile !== undefined) writeAtomically(portFile, String(port));
  }

  async #serveMetrics(metrics: Metrics): Promise<void> {
    const log = this.#log;
    this.#metricsServer = new MetricsServer(metrics.registry, (error) => {
      log.error({ err: error }, 'the metrics could not be read');
    });
    const port = await this.#metricsServer.listen(
      hostOf(this.#settings.listen),
      this.#settings['metrics-port'] ?? 0,
    );
    log.info({ port }, 'serving metrics');
  }

  #makeMetrics(): Metrics {
    const count = (help: string, name: keyof Counts) => ({ help, read: () => counts(this.#state)[name] });
    return new Metrics({
      transactions: count('Transactions that have not ended', 'transactions'),
      branches: count('Branches that have not ended', 'branches'),
      locks: count('Rows that are locked', 'locks'),
      waiting: count('Registrations that wait for a lock', 'waiting'),
      needing_attention: count('Branches that a person must decide about', 'needingAttention'),
      resources: count('Resources that clients have enlisted or branches belong to', 'resources'),
      remembered: count('Ended transactions that are remembered', 'remembered'),
      streams: { help: 'Clients that are connected', read: () => this.#endpoint.streams },
      backlog: {
        help: 'Changes, lock keys and messages that wait for the disk',
        read: () => this.#engine.backlog,
      },
    });
  }

  #makeEndpoint(): Endpoint {
    const settings = this.#settings;
    const engine = this.#engine;
    const log = this.#log;
    return new Endpoint(
      {
        get full() {
          return engine.full;
        },
        whenRelieved: (callback) => engine.whenRelieved(callback),
        received: (session, id, body) => engine.submit({ type: 'frame', session, id, body }),
        deliverInTurn: (message) => engine.deliverInTurn(message),
        connected: (session, peer) => log.debug({ session, peer }, 'client connected'),
        disconnected: (session) => {
          log.info({ session }, 'client disconnected');
          engine.submit({ type: 'disconnected', session });
        },
        refused: (session, code, message) =>
          log.warn({ session, code, reason: message }, 'client is sent away'),
      },
      {
        maxStreams: settings['max-streams'],
        sendBufferBytes: settings['send-buffer-bytes'],
        helloTimeoutMs: settings['hello-timeout-ms'],
        keepaliveTimeMs: settings['keepalive-time-ms'],
        keepaliveTimeoutMs: settings['keepalive-timeout-ms'],
      },
      this.#makeAdmin(),
    );
  }

  #makeAdmin(): UntypedServiceImplementation {
    const engine = this.#engine;
    const state = this.#state;
    const durable = () => engine.durable();
    const submit = (event: CoreEvent) => engine.submit(event);
    const orders = new OrderDesk({ state, submit, durable, audit: this.#audit });
    const failed = (error: unknown) => this.#log.error({ err: error }, "an operator's call failed");
    return adminService({ state, orders, durable, failed });
  }
}

function makeCore(state: CoordinatorState): Core {
  return {
    recover: (records, now) => recover(state, records, now),
    step: (event, now) => step(state, event, now),
    nextWake: () => nextWake(state),
  };
}

function coreConfig(settings: Settings): CoreConfig {
  return {
    ...DEFAULT_CONFIG,
    coordinatorId: randomUUID(),
    seed: Math.floor(Math.random() * 2 ** 31),
    defaultTimeoutMs: settings['default-timeout-ms'],
    maxTimeoutMs: settings['max-timeout-ms'],
    commitPatienceMs: settings['commit-patience-ms'],
    phaseTwoTimeoutMs: settings['phase-two-timeout-ms'],
    retry: {
      ...DEFAULT_CONFIG.retry,
      firstMs: settings['retry-first-ms'],
      ceilingMs: settings['retry-ceiling-ms'],
    },
    rememberEndedMs: settings['remember-ended-ms'],
    maxSessions: settings['max-streams'],
    maxTransactions: settings['max-transactions'],
    maxBranches: settings['max-branches'],
    maxRegistrations: settings['max-registrations'],
    maxLocks: settings['max-locks'],
    maxWaiting: settings['max-waiting'],
    maxResources: settings['max-resources'],
    maxPushes: settings['max-pushes'],
    maxEnded: settings['max-ended'],
  };
}

function both(first: EngineObserver, second: EngineObserver): EngineObserver {
  return {
    stepped: (event, effects, now) => {
      first.stepped(event, effects, now);
      second.stepped(event, effects, now);
    },
    flushed: (changes, durationMs) => {
      first.flushed(changes, durationMs);
      second.flushed(changes, durationMs);
    },
  };
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}

function withPort(address: string, port: number): string {
  return `${address.slice(0, address.lastIndexOf(':'))}:${port}`;
}

/** Whoever reads the file sees nothing or all of it. */
function writeAtomically(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
