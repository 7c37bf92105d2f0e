import { keyCondition } from '../image/key-condition.js';
import type { Assignment, TableName, UpdateStatement } from '../sql/analysis.js';
import type { CaptureContext } from './capture-context.js';
import { overRowsQuery, referenceOf, type WritePlaceholder } from './queries.js';
import type { TableImage } from './read-image.js';

/** An UPDATE that may give rows of a table other keys, as far as these depend on it. */
export interface KeyChange {
  /** As the statement refers to it. */
  readonly table: TableName;
  readonly assigned: readonly string[];
  /** Those of this table, in the order of the text. */
  readonly assignments: readonly Assignment[];
  /** A row that cannot be written is left as it is. */
  readonly ignore: boolean;
  /** Whether NULL for a column that is NOT NULL is an error; else another value is stored in its place. */
  readonly refusesNull: boolean;
  /** An outer join may give NULLs in place of a row. */
  readonly optional: boolean;
  /** Why an assignment may give another value than one that is read beforehand; undefined where it may not. */
  obstacle(assignment: Assignment): string | undefined;
  /** Reads expressions over some rows as the statement will evaluate them, over a row as often as it may. */
  query(expressions: readonly string[], image: TableImage, write: WritePlaceholder): string;
}

/** An UPDATE of one table. */
export function keyChangeOf({ session }: CaptureContext, statement: UpdateStatement): KeyChange {
  const { table, assigned, assignments, ignore } = statement;
  const { dialect, strict } = session.facts;
  return {
    ...{ table, assigned, assignments, ignore },
    refusesNull: strict && !ignore,
    optional: false,
    obstacle: (assignment) => {
      // An assignment sees those before it.
      const text = assignment.value.text.toLowerCase();
      const before = assignments
        .slice(0, assignments.indexOf(assignment))
        .find(({ column }) => text.includes(column.toLowerCase()));
      return before && `by \`${before.column}\`, which the same statement has changed before`;
    },
    query: (expressions, image, write) => {
      const keys = image.rows.map(({ row }) => row);
      const condition = keyCondition(image.table, keys, dialect.server, referenceOf(table));
      return overRowsQuery(statement, expressions, condition, write);
    },
  };
}
