import { GlobalTxError } from '../../protocol/errors.js';
import type { BranchDatabase } from '../at/branch/database.js';
import { AtResource } from '../at/resource/at-resource.js';
import { ensureUndoLog, readIdentity } from '../at/resource/identity.js';
import { createSessionSource, type PrivateSessions } from '../at/resource/raw-session.js';
import { TableCache } from '../at/table/cache.js';
import type { TableDefinition } from '../at/table/definition.js';
import type { Client } from '../client.js';
import { processClient, whenClient } from '../process-client.js';

/** Connections of our own to one database server, for table definitions and phase two. */
const PRIVATE_CONNECTIONS = 4;

/** The options that lead to the server; the others belong to the application's statements. */
const WAY_OPTIONS = [
  ...['host', 'port', 'localAddress', 'socketPath', 'stream', 'connectTimeout', 'ssl', 'compress'],
  ...['user', 'password', 'password2', 'password3', 'passwordSha1', 'insecureAuth', 'enableCleartextPlugin'],
  ...['authPlugins', 'authSwitchHandler', 'disableEval'],
];

type ConnectionConfig = Readonly<Record<string, unknown>>;

/**
 * The database server that a pool or a connection leads to: its table definitions, and its schemas as
 * resources of this process's client. Pools with the same way and account share one.
 */
export class Source implements BranchDatabase {
  readonly #sessions: PrivateSessions;
  readonly #tables: TableCache;
  readonly #label: string;
  #resources: { readonly client: Client; readonly bySchema: Map<string, Promise<string>> } | undefined;

  constructor(config: ConnectionConfig) {
    const own = Object.fromEntries(WAY_OPTIONS.map((name) => [name, config[name]]));
    this.#sessions = createSessionSource(own, { limit: PRIVATE_CONNECTIONS });
    this.#tables = new TableCache((run) => this.#sessions.withSession(run));
    this.#label = String(config.socketPath ?? `${String(config.host)}:${String(config.port)}`);
  }

  table(schema: string, name: string): Promise<TableDefinition | undefined> {
    return this.#tables.get(schema, name);
  }

  forgetTable(schema: string, name: string): void {
    this.#tables.forget(schema, name);
  }

  resourceId(schema: string): Promise<string> {
    const client = processClient();
    if (client === undefined) {
      throw new GlobalTxError(
        'NOT_CONNECTED',
        'This process is not connected to a coordinator. Call GlobalTx.connect(), or set GLOBALTX_COORDINATOR.',
      );
    }
    const bySchema = this.#resourcesOf(client);
    let resource = bySchema.get(schema);
    if (resource === undefined) {
      resource = this.#enlist(client, schema);
      bySchema.set(schema, resource);
      // A failure is the caller's to see; the next statement tries again.
      resource.catch(() => bySchema.delete(schema));
    }
    return resource;
  }

  /**
   * Takes up the phase two of this process's earlier life: enlists a schema that has been a resource before,
   * now and for every client to come. One that has not is left alone until its first branch.
   * @returns a function that ends this, for when the pool is ended
   */
  enlistExisting(schema: string): () => void {
    return whenClient((client) => {
      this.#sessions
        .withSession((executor) => readIdentity(executor, schema))
        .then((identity) => (identity === undefined ? undefined : this.resourceId(schema)))
        .catch((error: unknown) => {
          const level = error instanceof GlobalTxError && error.code === 'CLIENT_CLOSED' ? 'debug' : 'warn';
          client.logger[level](
            { err: error, schema },
            'could not look for the unfinished work of an earlier life',
          );
        });
    });
  }

  #resourcesOf(client: Client): Map<string, Promise<string>> {
    if (this.#resources?.client !== client) this.#resources = { client, bySchema: new Map() };
    return this.#resources.bySchema;
  }

  async #enlist(client: Client, schema: string): Promise<string> {
    const identity = await this.#sessions.withSession((executor) => ensureUndoLog(executor, schema));
    const resource = new AtResource({
      identity: { kind: 'AT', ...identity, label: `${schema}@${this.#label}` },
      schema,
      server: identity.server,
      sessions: this.#sessions,
      logger: client.logger,
    });
    await client.resources.enlist(resource);
    return identity.resourceId;
  }
}

const sources = new Map<string, Source>();

/** The source for a connection's or a pool's configuration. */
export function sourceOf(config: ConnectionConfig): Source {
  const key = JSON.stringify([config.host, config.port, config.socketPath, config.user]);
  let source = sources.get(key);
  if (source === undefined) {
    source = new Source(config);
    sources.set(key, source);
  }
  return source;
}
