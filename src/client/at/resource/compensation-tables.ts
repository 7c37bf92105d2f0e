import { LRUCache } from 'lru-cache';
import type { SqlExecutor } from '../executor.js';
import type { TableDefinition } from '../table/definition.js';
import { loadTable } from '../table/load.js';
import type { TableSource } from '../undo/compensate.js';
import { qualifiedName } from '../undo/ddl.js';
import { ER_NO_SUCH_TABLE, errorNumber } from '../undo/server-error.js';

/** ER_TABLEACCESS_DENIED_ERROR is what an account hears that may not know whether there is such a table. */
const NOT_SEEN: ReadonlySet<number | undefined> = new Set([ER_NO_SUCH_TABLE, 1142]);
const MAX_TABLES = 1000;
const MAX_AGE_MS = 10_000;

/**
 * Table definitions for compensation. They are read by the compensation's own session: taking a second one
 * for them could leave every session waiting for another.
 */
export class CompensationTables implements TableSource {
  readonly #known = new LRUCache<string, TableDefinition>({ max: MAX_TABLES, ttl: MAX_AGE_MS });

  async table(
    executor: SqlExecutor,
    schema: string,
    name: string,
    fresh: boolean,
  ): Promise<TableDefinition | undefined> {
    const id = JSON.stringify([schema, name]);
    const known = fresh ? undefined : this.#known.get(id);
    if (known !== undefined) return known;
    if (fresh) await hold(executor, schema, name);
    const loaded = await loadTable(executor, schema, name);
    if (loaded === undefined) this.#known.delete(id);
    else this.#known.set(id, loaded);
    return loaded;
  }
}

/**
 * From here on the compensation's local transaction keeps the table from being altered: what is read of it then stays
 * true. That it is not there, or not for this account, is said by what is read.
 */
async function hold(executor: SqlExecutor, schema: string, name: string): Promise<void> {
  try {
    await executor.query(`SELECT 1 FROM ${qualifiedName(schema, name)} LIMIT 0 FOR UPDATE`);
  } catch (error) {
    if (!NOT_SEEN.has(errorNumber(error))) throw error;
  }
}
