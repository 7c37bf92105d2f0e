import { KEYS_PER_QUERY, keyCondition, keyIndexHint } from '../image/key-condition.js';
import type { ImageRow } from '../image/plan.js';
import type { ParentReference, TableDefinition } from '../table/definition.js';
import { type CaptureContext, mismatch } from './capture-context.js';
import { childrenOf } from './child-rows.js';
import { referenceOf } from './queries.js';
import { readImage, type TableImage } from './read-image.js';

/** A foreign key whose columns are part of its own table's key. */
interface MovingKey {
  readonly reference: ParentReference;
  readonly parent: TableDefinition;
  readonly child: TableDefinition;
}

type Rows = Map<string, ImageRow>;

function nameOf({ schema, name }: TableDefinition): string {
  return `${schema}\0${name}`;
}

/** Whether no two parents can have the same values: their children are then nobody else's. */
function isUnique({ key, uniques }: TableDefinition, columns: readonly string[]): boolean {
  return [key, ...uniques].some(
    (index) =>
      index.columns.every((column) => columns.includes(column)) &&
      index.prefixes.every((part) => part === null),
  );
}

/**
 * Rows that ON UPDATE CASCADE gives new keys: found after the statement by way of their parents, each level by way
 * of the one above.
 */
export class MovedChildren {
  readonly #context: CaptureContext;
  /** Parents before their children. */
  readonly #keys: MovingKey[] = [];
  /** By table, what was there before and may be elsewhere now. */
  readonly #before = new Map<string, Rows>();

  constructor(context: CaptureContext) {
    this.#context = context;
  }

  /** @returns false when the rows could not be found again for certain */
  add(reference: ParentReference, parents: TableImage, children: TableImage): boolean {
    if (!isUnique(parents.table, reference.parentColumns)) return false;
    if (!this.#keys.some((key) => key.reference.name === reference.name && key.child === children.table)) {
      this.#keys.push({ reference, parent: parents.table, child: children.table });
    }
    for (const image of [parents, children]) {
      const rows = this.#rows(image.table);
      for (const row of image.rows) rows.set(row.identity, row);
    }
    return true;
  }

  async touch(moved: readonly TableImage[]): Promise<void> {
    if (this.#keys.length === 0 || !(await this.#checksForeignKeys())) return;
    const now = new Map(Array.from(this.#before, ([name, rows]) => [name, new Map(rows)] as const));
    const add = ({ table, rows }: TableImage) => {
      const known = now.get(nameOf(table)) ?? new Map<string, ImageRow>();
      for (const row of rows) known.set(row.identity, row);
      now.set(nameOf(table), known);
    };
    moved.forEach(add);
    const fresh = new Map<string, { readonly table: TableDefinition; readonly rows: Rows }>();
    for (const { reference, parent, child } of this.#keys) {
      const parents = Array.from(now.get(nameOf(parent))?.values() ?? []);
      for (let from = 0; from < parents.length; from += KEYS_PER_QUERY) {
        const some = { table: parent, rows: parents.slice(from, from + KEYS_PER_QUERY) };
        const children = await childrenOf(this.#context, some, child, reference);
        const before = this.#rows(child);
        const strange = children.rows.filter(({ identity }) => !before.has(identity));
        const entry = fresh.get(nameOf(child)) ?? { table: child, rows: new Map<string, ImageRow>() };
        for (const row of strange) entry.rows.set(row.identity, row);
        fresh.set(nameOf(child), entry);
        add(children);
      }
    }
    for (const { table, rows } of fresh.values()) await this.#take(table, rows);
  }

  /** As many rows have come as have gone, or somebody else's are among them. */
  async #take(table: TableDefinition, fresh: Rows): Promise<void> {
    const before = Array.from(this.#rows(table).values());
    const present = await this.#present(table, before);
    const gone = before.filter(({ identity }) => !present.has(identity)).length;
    if (gone !== fresh.size) throw mismatch('ON UPDATE CASCADE', table, gone, fresh.size);
    for (const { identity, row } of fresh.values()) {
      this.#context.touched.add(table, { identity, before: null, keyed: row });
    }
  }

  async #present(known: TableDefinition, before: readonly ImageRow[]): Promise<ReadonlySet<string>> {
    const present = new Set<string>();
    const { server } = this.#context.session.facts.dialect;
    for (let from = 0; from < before.length; from += KEYS_PER_QUERY) {
      const keys = before.slice(from, from + KEYS_PER_QUERY).map(({ row }) => row);
      const { rows } = await readImage(this.#context, known, (plan, table) => {
        const reference = referenceOf({ schema: table.schema, name: table.name, alias: null });
        const condition = keyCondition(table, keys, server, reference);
        return `SELECT ${plan.selectList(reference)} FROM ${reference} ${keyIndexHint(table)} WHERE ${condition} FOR UPDATE`;
      });
      for (const { identity } of rows) present.add(identity);
    }
    return present;
  }

  /** Without foreign_key_checks nothing cascades, and there may be children without parents. */
  async #checksForeignKeys(): Promise<boolean> {
    const { rows } = await this.#context.session.executor.query('SELECT @@foreign_key_checks');
    return String(rows[0]?.[0]) === '1';
  }

  #rows(table: TableDefinition): Rows {
    const name = nameOf(table);
    const rows = this.#before.get(name) ?? new Map<string, ImageRow>();
    this.#before.set(name, rows);
    return rows;
  }
}
