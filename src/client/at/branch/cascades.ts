import { KEYS_PER_QUERY } from '../image/key-condition.js';
import type { ImageRow } from '../image/plan.js';
import { checkTable, tableUnsupported } from '../table/check.js';
import type { Cascade, ParentReference, TableDefinition } from '../table/definition.js';
import type { CaptureContext } from './capture-context.js';
import { childrenOf } from './child-rows.js';
import { MovedChildren } from './moved-children.js';
import { tableOf } from './named-table.js';
import type { TableImage } from './read-image.js';

/**
 * Whether an UPDATE of some columns may change one of others: what is computed, or changes by itself, may always, and a
 * trigger may change whatever it likes.
 */
export function mayChange(
  { columns, triggers }: TableDefinition,
  assigned: readonly string[],
  others: readonly string[],
): boolean {
  if (triggers.length > 0) return true;
  const names = new Set(assigned.map((name) => name.toLowerCase()));
  return columns.some(
    ({ name, generated, updatesItself }) =>
      others.includes(name) && (generated || updatesItself || names.has(name.toLowerCase())),
  );
}

/** Whether an UPDATE of some columns leaves a row its key, its unique values and its parents. */
export function keepsPlaces(table: TableDefinition, assigned: readonly string[]): boolean {
  return [table.key, ...table.uniques, ...table.parents].every(
    ({ columns }) => !mayChange(table, assigned, columns),
  );
}

/** Whether a foreign key may carry an UPDATE of some columns, or a DELETE (null), to other rows. */
export function mayCascade(table: TableDefinition, assigned: readonly string[] | null): boolean {
  return table.cascades.some(({ onDelete, onUpdate, columns }) =>
    assigned === null ? onDelete !== null : onUpdate !== null && mayChange(table, assigned, columns),
  );
}

/**
 * Follows foreign keys with CASCADE and SET NULL from rows that are about to be deleted or changed, to any depth:
 * what the server will delete or change by itself is read and locked before, as the statement's own rows are.
 */
export class CascadeCapture {
  readonly #context: CaptureContext;
  /** Rows that have been followed: a foreign key may lead back to where it came from. */
  readonly #seen = new Set<string>();
  readonly #moved: MovedChildren;
  readonly #reached = new Set<TableDefinition>();

  constructor(context: CaptureContext) {
    this.#context = context;
    this.#moved = new MovedChildren(context);
  }

  /**
   * Touches what a deletion of the rows would reach, children before their parents: the rollback goes the
   * other way, and needs the parent first.
   * @throws GlobalTxError TABLE_UNSUPPORTED when it reaches a table that cannot be rolled back
   */
  async beforeDelete({ table, rows }: TableImage): Promise<void> {
    const fresh = this.#fresh('', table, rows);
    for (const cascade of table.cascades) {
      if (cascade.onDelete === null) continue;
      await this.#follow(cascade, table, fresh, async (children, { columns }) => {
        if (cascade.onDelete === 'CASCADE') return this.beforeDelete(children);
        if (mayChange(children.table, columns, children.table.key.columns)) {
          throw movesKey(children.table, cascade, 'ON DELETE SET NULL');
        }
        return this.beforeUpdate(children, columns);
      });
    }
  }

  /**
   * The same for an update of the rows that assigns some columns.
   * @throws GlobalTxError TABLE_UNSUPPORTED when it reaches a table that cannot be rolled back
   */
  async beforeUpdate({ table, rows }: TableImage, assigned: readonly string[]): Promise<void> {
    for (const cascade of table.cascades) {
      if (cascade.onUpdate === null || !mayChange(table, assigned, cascade.columns)) continue;
      const fresh = this.#fresh(`${cascade.childSchema}\0${cascade.name}`, table, rows);
      await this.#follow(cascade, table, fresh, (children, reference) => {
        if (mayChange(children.table, reference.columns, children.table.key.columns)) {
          if (!this.#moved.add(reference, { table, rows: fresh }, children)) {
            throw movesKey(children.table, cascade, `ON UPDATE ${cascade.onUpdate}`);
          }
        }
        return this.beforeUpdate(children, reference.columns);
      });
    }
  }

  /**
   * Touches the rows whose keys the server has changed by itself, at their new places.
   * @param moved rows of the statement itself that have new keys
   * @throws GlobalTxError IMAGE_MISMATCH when not all of them are found
   */
  afterUpdate(moved: readonly TableImage[]): Promise<void> {
    return this.#moved.touch(moved);
  }

  /** Whether a foreign key has been followed to a table. */
  reaches({ schema, name }: TableDefinition): boolean {
    return Array.from(this.#reached).some((table) => table.schema === schema && table.name === name);
  }

  #fresh(path: string, table: TableDefinition, rows: readonly ImageRow[]): readonly ImageRow[] {
    return rows.filter(({ identity }) => {
      const name = [path, table.schema, table.name, identity].join('\0');
      return !this.#seen.has(name) && this.#seen.add(name);
    });
  }

  async #follow(
    cascade: Cascade,
    parent: TableDefinition,
    parents: readonly ImageRow[],
    further: (children: TableImage, reference: ParentReference) => Promise<void>,
  ): Promise<void> {
    if (parents.length === 0) return;
    const known = await tableOf(this.#context, { schema: cascade.childSchema, name: cascade.childTable });
    const reference = known?.parents.find(({ name }) => name === cascade.name);
    // Dropped in the meantime, and the foreign key with it.
    if (known === undefined || reference === undefined) return;
    this.#reached.add(known);
    for (let from = 0; from < parents.length; from += KEYS_PER_QUERY) {
      const some = { table: parent, rows: parents.slice(from, from + KEYS_PER_QUERY) };
      const children = await childrenOf(this.#context, some, known, reference);
      if (children.rows.length === 0) continue;
      checkTable(children.table, 'insert');
      await further(children, reference);
      for (const image of children.rows) {
        this.#context.touched.add(children.table, {
          identity: image.identity,
          before: image,
          keyed: image.row,
        });
      }
    }
  }
}

function movesKey(child: TableDefinition, cascade: Cascade, clause: string): Error {
  return tableUnsupported(
    child.schema,
    child.name,
    `foreign key \`${cascade.name}\` ${clause} that changes the key of its rows`,
    'Where they go cannot be told for certain. Change these rows by statements of your own.',
  );
}
