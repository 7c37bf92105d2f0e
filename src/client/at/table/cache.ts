import { LRUCache } from 'lru-cache';
import type { SqlExecutor } from '../executor.js';
import type { TableDefinition } from './definition.js';
import { loadRelation, tableOnly } from './load.js';
import { loadView } from './load-view.js';
import type { Relation, ViewDefinition } from './view.js';

/** Runs `work` on some session of the database, and gives the session back afterwards. */
export type WithExecutor = <Result>(work: (executor: SqlExecutor) => Promise<Result>) => Promise<Result>;

export interface TableCacheOptions {
  /** How many definitions are kept. @default 1000 */
  readonly maxTables?: number;
  /**
   * How long a definition is believed, in milliseconds. Altered columns and keys are noticed at the next read of an
   * image; a new trigger or foreign key only after this time. @default 10000
   */
  readonly maxAgeMs?: number;
}

const MAX_TABLES = 1000;
const MAX_AGE_MS = 10_000;

/** Keeps the definitions of tables and views. One load serves all who ask for a table at the same time. */
export class TableCache {
  readonly #withExecutor: WithExecutor;
  readonly #known: LRUCache<string, Relation>;
  readonly #loading = new Map<string, Promise<Relation | undefined>>();

  constructor(withExecutor: WithExecutor, options: TableCacheOptions = {}) {
    this.#withExecutor = withExecutor;
    this.#known = new LRUCache({ max: options.maxTables ?? MAX_TABLES, ttl: options.maxAgeMs ?? MAX_AGE_MS });
  }

  /** @returns undefined when there is no such table @throws GlobalTxError TABLE_UNSUPPORTED, also for a view */
  get(schema: string, name: string): TableDefinition | undefined | Promise<TableDefinition | undefined> {
    const relation = this.relation(schema, name);
    return relation instanceof Promise ? relation.then(tableOnly) : tableOnly(relation);
  }

  /** Whether the server still says the same of a view. */
  async isCurrent({ fingerprint, ...view }: ViewDefinition): Promise<boolean> {
    const now = await this.#withExecutor((executor) => loadView(executor, view));
    return now?.fingerprint === fingerprint;
  }

  /** @returns undefined when there is no such table or view @throws GlobalTxError TABLE_UNSUPPORTED */
  relation(schema: string, name: string): Relation | Promise<Relation | undefined> {
    const id = cacheKey(schema, name);
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const loading = this.#loading.get(id);
    if (loading !== undefined) return loading;
    const load: Promise<Relation | undefined> = this.#withExecutor((executor) =>
      loadRelation(executor, schema, name),
    ).then(
      (definition) => {
        // A load that `forget` has overtaken may have read the old definition: it is not kept.
        if (this.#ended(id, load) && definition !== undefined) this.#known.set(id, definition);
        return definition;
      },
      (error: unknown) => {
        this.#ended(id, load);
        throw error;
      },
    );
    this.#loading.set(id, load);
    return load;
  }

  /** What is known of the table is out of date: the next `get` loads it again. */
  forget(schema: string, name: string): void {
    // In whatever case it was asked for: with lower_case_table_names a definition may have another than that.
    const id = cacheKey(schema, name).toLowerCase();
    for (const held of [this.#known, this.#loading]) {
      for (const key of Array.from(held.keys())) if (key.toLowerCase() === id) held.delete(key);
    }
  }

  /** @returns whether the load is still the one that counts */
  #ended(id: string, load: Promise<Relation | undefined>): boolean {
    return this.#loading.get(id) === load && this.#loading.delete(id);
  }
}

function cacheKey(schema: string, name: string): string {
  return JSON.stringify([schema, name]);
}
