import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConnectSettings } from './connect-options.js';
import { ClientConnection } from './connection/client-connection.js';
import type { Logger } from './logger.js';
import { PhaseTwoDispatcher } from './resource/phase-two.js';
import { EnlistedResources } from './resource/registry.js';
import type { ResourceRegistry } from './resource/resource.js';
import { TransactionManager } from './transaction/manager.js';

/** The parts of one process's client, as drivers and carriers see them. */
export interface Client {
  readonly clientId: string;
  readonly manager: TransactionManager;
  readonly resources: ResourceRegistry;
  readonly logger: Logger;
  /**
   * Ends it: takes no new transaction, waits for those under way up to `limitMs`, sends what is waiting, ends
   * the stream.
   */
  close(limitMs: number): Promise<void>;
}

/** How long the last frames may take to leave when the client is closed. */
const FLUSH_MS = 2_000;

const PACKAGE: { readonly version: string } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
);

/** Transaction manager, resources and connection put together. Connects by itself, in the background. */
export class ConnectedClient implements Client {
  readonly clientId = randomUUID();
  readonly logger: Logger;
  readonly manager: TransactionManager;
  readonly resources: EnlistedResources;
  readonly #connection: ClientConnection;
  #closing: Promise<void> | undefined;

  constructor(settings: ConnectSettings) {
    this.logger = settings.logger;
    const hello = {
      clientId: this.clientId,
      application: settings.application,
      library: `globaltx/${PACKAGE.version}`,
    };
    this.#connection = new ClientConnection(settings.addresses, hello, this.logger);
    this.resources = new EnlistedResources(this.#connection, this.logger);
    this.manager = new TransactionManager(this.#connection, this.logger, settings);
    const phaseTwo = new PhaseTwoDispatcher(
      (resourceId) => this.resources.find(resourceId),
      (result) => this.#connection.answerPhaseTwo(result),
      this.logger,
    );
    this.#connection.start({
      connected: () => this.resources.connected(),
      disconnected: () => this.resources.disconnected(),
      phaseTwo: (pushes) => phaseTwo.accept(pushes),
    });
  }

  /** @throws GlobalTxError COORDINATOR_UNAVAILABLE, PROTOCOL_MISMATCH, CLIENT_CLOSED */
  ready(timeoutMs: number): Promise<void> {
    return this.#connection.ready(timeoutMs);
  }

  close(limitMs: number): Promise<void> {
    this.#closing ??= this.#close(limitMs);
    return this.#closing;
  }

  async #close(limitMs: number): Promise<void> {
    const left = await this.manager.close(limitMs);
    if (left > 0) {
      this.logger.warn({ left, limitMs }, 'the client is closed while global transactions are under way');
    }
    await this.#connection.close(FLUSH_MS);
    this.resources.close();
  }
}
