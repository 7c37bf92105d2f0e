import { LRUCache } from 'lru-cache';
import type { WithExecutor } from './cache.js';
import { readCatalogue, textLiteral } from './information-schema.js';

/** Stored functions of one schema that may write, by name in lower case, with what they declare. */
export type WritingFunctions = ReadonlyMap<string, string>;

const MAX_SCHEMAS = 100;
const MAX_AGE_MS = 10_000;

/** What a function declares when it writes nothing; the server does not hold it to that, its author does. */
const HARMLESS = ['NO SQL', 'READS SQL DATA'];

/** Knows the stored functions of each schema, for ten seconds. */
export class StoredFunctions {
  readonly #withExecutor: WithExecutor;
  readonly #known = new LRUCache<string, Promise<WritingFunctions>>({ max: MAX_SCHEMAS, ttl: MAX_AGE_MS });

  constructor(withExecutor: WithExecutor) {
    this.#withExecutor = withExecutor;
  }

  writing(schema: string): Promise<WritingFunctions> {
    let known = this.#known.get(schema);
    if (known === undefined) {
      known = this.#load(schema);
      this.#known.set(schema, known);
      // A failure is the caller's to see; the next one asks again.
      known.catch(() => this.#known.delete(schema));
    }
    return known;
  }

  async #load(schema: string): Promise<WritingFunctions> {
    const rows = await this.#withExecutor((executor) =>
      readCatalogue(
        executor,
        { name: 'ROUTINE_NAME', access: 'SQL_DATA_ACCESS' },
        `FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ${textLiteral(schema)} ` +
          "AND ROUTINE_TYPE = 'FUNCTION'",
      ),
    );
    return new Map(
      rows
        .filter(({ access }) => !HARMLESS.includes(access ?? ''))
        .map(({ name, access }) => [(name ?? '').toLowerCase(), access ?? '']),
    );
  }
}
