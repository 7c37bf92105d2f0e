import { KEYS_PER_QUERY, keyCondition } from '../image/key-condition.js';
import type { ImageRow } from '../image/plan.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { checkTable } from '../table/check.js';
import type { Cascade, ParentReference, TableDefinition } from '../table/definition.js';
import type { CaptureContext } from './capture-context.js';
import { readImage, type TableImage } from './read-image.js';

function fullName({ schema, name }: TableDefinition): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/**
 * Follows ON DELETE CASCADE and ON DELETE SET NULL from rows that are about to be deleted, to any depth: what
 * the server will delete or change by itself is read and locked before, as the statement's own rows are.
 */
export class CascadeCapture {
  readonly #context: CaptureContext;
  /** Rows that have been followed: a foreign key may lead back to where it came from. */
  readonly #seen = new Set<string>();

  constructor(context: CaptureContext) {
    this.#context = context;
  }

  /**
   * Touches what a deletion of the rows would reach, children before their parents: the rollback goes the
   * other way, and needs the parent first.
   * @throws GlobalTxError TABLE_UNSUPPORTED when it reaches a table that cannot be rolled back
   */
  async beforeDelete({ table, rows }: TableImage): Promise<void> {
    const fresh = rows.filter((image) => this.#meet(table, image));
    if (fresh.length === 0) return;
    for (const cascade of table.cascades) {
      if (cascade.onDelete !== null) await this.#follow(cascade, table, fresh);
    }
  }

  #meet(table: TableDefinition, image: ImageRow): boolean {
    const name = `${table.schema}\0${table.name}\0${image.identity}`;
    if (this.#seen.has(name)) return false;
    this.#seen.add(name);
    return true;
  }

  async #follow(cascade: Cascade, parent: TableDefinition, parents: readonly ImageRow[]): Promise<void> {
    const known = await this.#context.database.table(cascade.childSchema, cascade.childTable);
    const reference = known?.parents.find(({ name }) => name === cascade.name);
    // Dropped in the meantime, and the foreign key with it.
    if (known === undefined || reference === undefined) return;
    for (let from = 0; from < parents.length; from += KEYS_PER_QUERY) {
      const children = await this.#children(
        known,
        reference,
        parent,
        parents.slice(from, from + KEYS_PER_QUERY),
      );
      if (children.rows.length === 0) continue;
      checkTable(children.table, 'insert');
      if (cascade.onDelete === 'CASCADE') await this.beforeDelete(children);
      else checkTable(children.table, 'update', reference.columns);
      for (const image of children.rows) {
        this.#context.touched.add(children.table, {
          identity: image.identity,
          before: image,
          keyed: image.row,
        });
      }
    }
  }

  #children(
    child: TableDefinition,
    reference: ParentReference,
    parent: TableDefinition,
    parents: readonly ImageRow[],
  ): Promise<TableImage> {
    const server = this.#context.session.facts.dialect.server;
    const keys = parents.map((image) => image.row);
    const joined = reference.columns
      .map(
        (column, at) => `c.${quoteIdentifier(column)} = p.${quoteIdentifier(reference.parentColumns[at]!)}`,
      )
      .join(' AND ');
    return readImage(
      this.#context,
      child,
      (plan, table) =>
        `SELECT ${plan.selectList('c')} FROM ${fullName(parent)} p JOIN ${fullName(table)} c ON ${joined} ` +
        `WHERE ${keyCondition(parent, keys, server, 'p')} FOR UPDATE`,
    );
  }
}
