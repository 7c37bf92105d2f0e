import type { TableDefinition } from './definition.js';
import type { CatalogueTable } from './load-columns.js';

/** A view each of whose rows is a row of one table. Made by `at/table/load-view.ts`, kept by `at/table/cache.ts`. */
export interface ViewDefinition extends CatalogueTable {
  /** The table that its rows are of, through however many views. */
  readonly base: { readonly schema: string; readonly name: string };
  /** The base's columns that it shows, by its own names for them, as the server spells both. */
  readonly columns: ReadonlyMap<string, string>;
  /** Whether each of its columns is one of the base, and no two of them are the same one. */
  readonly plain: boolean;
  /** Whether it, or a view below it, leaves rows of the base out. */
  readonly conditional: boolean;
  /** All that the catalogue says of it and of the views below it: is another one when it is altered. */
  readonly fingerprint: string;
}

/** What a name in a statement stands for. */
export type Relation = TableDefinition | ViewDefinition;

export function isView(relation: Relation): relation is ViewDefinition {
  return 'base' in relation;
}

/** What is shown under a name, in whatever case. */
export function columnBehind(columns: ViewDefinition['columns'], name: string): string | undefined {
  for (const [shown, column] of columns) if (shown.toLowerCase() === name.toLowerCase()) return column;
  return undefined;
}
