import { KEYS_PER_QUERY, keyIndexHint } from '../image/key-condition.js';
import type { ImageRow } from '../image/plan.js';
import type { TableDefinition } from '../table/definition.js';
import type { CaptureContext } from './capture-context.js';
import type { KeyChange } from './key-change.js';
import { newKeyConditions } from './new-key-conditions.js';
import { referenceOf, type WritePlaceholder } from './queries.js';
import { readImage, type TableImage } from './read-image.js';

/**
 * Where the rows of an UPDATE that changes their keys go: read before it runs, found again after it.
 */
export class NewKeys {
  readonly #context: CaptureContext;
  readonly #table: TableDefinition;
  /** For each row one or, where its new key may be one of several, some. */
  readonly #conditions: readonly string[];
  /** Rows that were at the new places before, by identity: those that move away, and others. */
  readonly #present: ReadonlyMap<string, ImageRow>;

  private constructor(
    context: CaptureContext,
    table: TableDefinition,
    conditions: readonly string[],
    present: ReadonlyMap<string, ImageRow>,
  ) {
    this.#context = context;
    this.#table = table;
    this.#conditions = conditions;
    this.#present = present;
  }

  /**
   * Reads the new keys of the rows, and locks what is there.
   * @throws GlobalTxError STATEMENT_UNSUPPORTED when they cannot be known before the statement runs
   */
  static async read(
    context: CaptureContext,
    change: KeyChange,
    { table, rows }: TableImage,
    write: WritePlaceholder,
  ): Promise<NewKeys> {
    const conditions = await newKeyConditions(context, change, { table, rows }, write);
    const unread = new NewKeys(context, table, conditions, new Map());
    const present = await unread.#rows();
    return new NewKeys(context, table, conditions, present);
  }

  /**
   * The moved rows, with what was in their places before; undefined when they are not all where they were to
   * go. Distinct rows have distinct keys, so that as many new rows as were read are all of them.
   */
  async find(
    moved: readonly ImageRow[],
  ): Promise<readonly { readonly image: ImageRow; readonly before: ImageRow | null }[] | undefined> {
    const movers = new Set(moved.map((image) => image.identity));
    const found = Array.from((await this.#rows()).values()).filter(
      ({ identity }) => movers.has(identity) || !this.#present.has(identity),
    );
    if (found.length !== moved.length) return undefined;
    return found.map((image) => ({ image, before: this.#present.get(image.identity) ?? null }));
  }

  async #rows(): Promise<ReadonlyMap<string, ImageRow>> {
    const found = new Map<string, ImageRow>();
    for (let from = 0; from < this.#conditions.length; from += KEYS_PER_QUERY) {
      const condition = this.#conditions.slice(from, from + KEYS_PER_QUERY).join(' OR ');
      const { rows } = await readImage(this.#context, this.#table, (plan, table) => {
        const reference = referenceOf({ schema: table.schema, name: table.name, alias: null });
        const from = `${reference} ${keyIndexHint(table)}`;
        return `SELECT ${plan.selectList(reference)} FROM ${from} WHERE ${condition} FOR UPDATE`;
      });
      for (const image of rows) found.set(image.identity, image);
    }
    return found;
  }
}
