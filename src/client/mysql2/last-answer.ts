import type { RawValue, SqlDialect } from '../at/executor.js';
import type { Count, QuestionForm } from './last-statement.js';

interface Warnings {
  readonly count: number;
  readonly errors: number;
  /** Level, code and message of each; undefined where they were not asked for in time. */
  readonly list: readonly (readonly RawValue[])[] | undefined;
}

/** What a session of plain mysql2 would say of the application's last statement, as far as that is known. */
export interface LastStatement {
  readonly rowCount: number;
  readonly foundRows?: number | undefined;
  readonly warnings?: Warnings | undefined;
}

/** A question's answer: the values of its one row, or its rows. */
export type LastAnswer =
  | { readonly kind: 'counts'; readonly values: readonly (number | undefined)[] }
  | { readonly kind: 'list'; readonly rows: readonly (readonly RawValue[])[] };

function count(last: LastStatement, what: Count): number | undefined {
  switch (what) {
    case 'rowCount':
      return last.rowCount;
    case 'foundRows':
      return last.foundRows;
    case 'warnings':
      return last.warnings?.count;
    case 'errors':
      return last.warnings?.errors;
  }
}

/** @returns undefined where not all of it is known */
export function answerTo(form: QuestionForm, last: LastStatement): LastAnswer | undefined {
  if (form.kind === 'counts') {
    const values = form.columns.map((what) => what && count(last, what));
    const known = form.columns.every((what, at) => what === undefined || values[at] !== undefined);
    return known ? { kind: 'counts', values } : undefined;
  }
  const { warnings } = last;
  const list = warnings?.count === 0 ? [] : warnings?.list;
  if (list === undefined) return undefined;
  return {
    kind: 'list',
    rows: form.errorsOnly ? list.filter(([level]) => level?.toString() === 'Error') : list,
  };
}

/** What the session says of its last statement once it has been asked, where the server itself does not know. */
export function afterAnswer(
  form: QuestionForm,
  last: LastStatement,
  server: SqlDialect['server'],
): LastStatement | undefined {
  const { warnings } = last;
  if (form.kind === 'list') return { rowCount: -1, warnings };
  if (form.shows) return { rowCount: -1, foundRows: 1, warnings };
  // Once a SELECT has asked MySQL has nothing left to say; MariaDB keeps the list.
  return server === 'mariadb' ? { rowCount: -1, foundRows: 1, warnings } : undefined;
}
