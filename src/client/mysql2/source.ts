import { GlobalTxError } from '../../protocol/errors.js';
import type { EnlistResource } from '../../protocol/frames.js';
import type { BranchDatabase, Soon } from '../at/branch/database.js';
import { AT_KIND } from '../at/branch/phase-one.js';
import { AtResource } from '../at/resource/at-resource.js';
import { ensureUndoLog, readIdentity } from '../at/resource/identity.js';
import { createSessionSource, type SessionSource } from '../at/resource/raw-session.js';
import { TableCache } from '../at/table/cache.js';
import type { TableDefinition } from '../at/table/definition.js';
import { StoredFunctions } from '../at/table/stored-functions.js';
import type { Relation, ViewDefinition } from '../at/table/view.js';
import type { Client } from '../client.js';
import { requireClient, whenClient } from '../process-client.js';

/**
 * Connections of our own to one database server. Phase two has its own: compensations that wait for a lock
 * must not keep statements from their table definitions.
 */
const PHASE_TWO_CONNECTIONS = 4;
const DEFINITION_CONNECTIONS = 2;

/** The options that lead to the server; the others belong to the application's statements. */
const WAY_OPTIONS = [
  ...['host', 'port', 'localAddress', 'socketPath', 'stream', 'connectTimeout', 'ssl', 'compress'],
  ...['user', 'password', 'password2', 'password3', 'passwordSha1', 'insecureAuth', 'enableCleartextPlugin'],
  ...['authPlugins', 'authSwitchHandler', 'disableEval'],
];

const NO_SESSIONS: SessionSource = {
  withSession: () =>
    Promise.reject(
      new GlobalTxError(
        'INVALID_OPTION',
        'stream: inside a global transaction globaltx needs further connections to the server, and this one was made ' +
          'over a stream that was given as an object. Give a function that makes one.',
      ),
    ),
};

/** A schema that this process's client knows as a resource. */
interface EnlistedSchema {
  readonly identity: EnlistResource;
  readonly undoLogTakesInsertId: boolean;
}

interface ClientResources {
  readonly client: Client;
  readonly bySchema: Map<string, Soon<EnlistedSchema>>;
}

type ConnectionConfig = Readonly<Record<string, unknown>>;

/**
 * The database server that a pool or a connection leads to: its table definitions, and its schemas as
 * resources of this process's client. Pools with the same way and account share one.
 */
export class Source implements BranchDatabase {
  readonly #definitions: SessionSource;
  readonly #phaseTwo: SessionSource;
  readonly #tables: TableCache;
  readonly #functions: StoredFunctions;
  readonly #label: string;
  /** The way is a stream that is there already, the application's own: no second connection can be made over it. */
  readonly #alone: boolean;
  #resources: ClientResources | undefined;

  constructor(config: ConnectionConfig) {
    const own = Object.fromEntries(WAY_OPTIONS.map((name) => [name, config[name]]));
    this.#alone = typeof config.stream === 'object' && config.stream !== null;
    this.#definitions = this.#alone
      ? NO_SESSIONS
      : createSessionSource(own, { limit: DEFINITION_CONNECTIONS });
    this.#phaseTwo = this.#alone ? NO_SESSIONS : createSessionSource(own, { limit: PHASE_TWO_CONNECTIONS });
    this.#tables = new TableCache((run) => this.#definitions.withSession(run));
    this.#functions = new StoredFunctions((run) => this.#definitions.withSession(run));
    this.#label = String(config.socketPath ?? `${String(config.host)}:${String(config.port)}`);
  }

  table(schema: string, name: string): Soon<TableDefinition | undefined> {
    return this.#tables.get(schema, name);
  }

  relation(schema: string, name: string): Soon<Relation | undefined> {
    return this.#tables.relation(schema, name);
  }

  isCurrent(view: ViewDefinition): Promise<boolean> {
    return this.#tables.isCurrent(view);
  }

  writingFunctions(schema: string): Promise<ReadonlyMap<string, string>> {
    return this.#functions.writing(schema);
  }

  forgetTable(schema: string, name: string): void {
    this.#tables.forget(schema, name);
  }

  resourceId(schema: string): Soon<string> {
    const resource = this.#resource(schema);
    if (resource instanceof Promise) return resource.then(({ identity }) => identity.resourceId);
    return resource.identity.resourceId;
  }

  undoLogTakesInsertId(schema: string): Soon<boolean> {
    const resource = this.#resource(schema);
    if (resource instanceof Promise) return resource.then((enlisted) => enlisted.undoLogTakesInsertId);
    return resource.undoLogTakesInsertId;
  }

  /**
   * Takes up the phase two of this process's earlier life: enlists a schema that has been a resource before,
   * now and for every client to come. One that has not is left alone until its first branch.
   * @returns a function that ends this, for when the pool is ended
   */
  enlistExisting(schema: string): () => void {
    if (this.#alone) return () => {};
    return whenClient((client) => {
      this.#definitions
        .withSession((executor) => readIdentity(executor, schema))
        .then(async (identity) => (identity === undefined ? undefined : await this.resourceId(schema)))
        .catch((error: unknown) => {
          const level = error instanceof GlobalTxError && error.code === 'CLIENT_CLOSED' ? 'debug' : 'warn';
          client.logger[level](
            { err: error, schema },
            'could not look for the unfinished work of an earlier life',
          );
        });
    });
  }

  #resource(schema: string): Soon<EnlistedSchema> {
    const client = requireClient();
    const bySchema = this.#resourcesOf(client);
    const known = bySchema.get(schema);
    if (known !== undefined) return known;
    const resource = this.#enlist(client, schema);
    bySchema.set(schema, resource);
    // A failure is the caller's to see; the next statement tries again.
    resource.then(
      (enlisted) => bySchema.set(schema, enlisted),
      () => bySchema.delete(schema),
    );
    return resource;
  }

  #resourcesOf(client: Client): Map<string, Soon<EnlistedSchema>> {
    if (this.#resources?.client === client) return this.#resources.bySchema;
    const bySchema = new Map<string, Soon<EnlistedSchema>>();
    this.#resources = { client, bySchema };
    return bySchema;
  }

  async #enlist(client: Client, schema: string): Promise<EnlistedSchema> {
    const prepared = await this.#definitions.withSession((executor) => ensureUndoLog(executor, schema));
    const { resourceId, serverId, server, undoLogAutoIncrement } = prepared;
    // Two schemas of one server may be copies too: each is a place of its own to the coordinator.
    const place = `${serverId}/${schema.toLowerCase()}`;
    const identity = { kind: AT_KIND, resourceId, serverId: place, label: `${schema}@${this.#label}` };
    refuseTwoPlaces(client.resources.find(resourceId)?.identity, identity);
    const { logger } = client;
    await client.resources.enlist(
      new AtResource({ identity, schema, server, sessions: this.#phaseTwo, logger }),
    );
    return { identity, undoLogTakesInsertId: undoLogAutoIncrement };
  }
}

const sources = new Map<string, Source>();

/** To the coordinator a process may replace its own claim: that it holds both, only the process itself knows. */
function refuseTwoPlaces(known: EnlistResource | undefined, fresh: EnlistResource): void {
  if (known === undefined || known.serverId === fresh.serverId) return;
  throw new GlobalTxError(
    'RESOURCE_CLAIMED_TWICE',
    `This process reaches the resource ${fresh.resourceId} at two places, ${known.label} and ${fresh.label}: one is a ` +
      'copy that carries the identity of its original. Give the copy a new id in its table globaltx_resource; if the ' +
      'database has moved, restart this process.',
    { details: { resource: fresh.resourceId, label: fresh.label, otherLabel: known.label } },
  );
}

const objectNumbers = new WeakMap<object, number>();
let objects = 0;

/** A function, or a stream, leads where another one does only when it is the same. */
function comparable(name: string, option: unknown): unknown {
  if (typeof option !== 'function' && !(name === 'stream' && typeof option === 'object' && option !== null)) {
    return option;
  }
  let number = objectNumbers.get(option);
  if (number === undefined) {
    number = ++objects;
    objectNumbers.set(option, number);
  }
  return { object: number };
}

/** The source for a connection's or a pool's configuration. */
export function sourceOf(config: ConnectionConfig): Source {
  const key = JSON.stringify(Object.fromEntries(WAY_OPTIONS.map((name) => [name, config[name]])), comparable);
  let source = sources.get(key);
  if (source === undefined) {
    source = new Source(config);
    sources.set(key, source);
  }
  return source;
}
