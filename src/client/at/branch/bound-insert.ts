import type { Clause, InsertStatement, InsertValue } from '../sql/analysis.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { inlineClause, type WritePlaceholder } from './queries.js';

type Bound = Pick<InsertStatement, 'columns' | 'rows' | 'query' | 'target' | 'returning'>;

/** What an INSERT is when nothing but inserting is left of it. */
export function insertOnly(statement: Bound, write: WritePlaceholder): string {
  return written('INSERT', statement, source(statement, 0, write), [statement.returning], write);
}

/**
 * The application's INSERT or REPLACE with the rows as they are known in place of its own.
 * @param width how many values a row has
 */
export function boundInsert(statement: InsertStatement, width: number, write: WritePlaceholder): string {
  const { onConflict, duplicate, returning } = statement;
  const verb = onConflict.action === 'replace' ? 'REPLACE' : 'INSERT';
  return written(verb, statement, source(statement, width, write), [duplicate, returning], write);
}

/** The application's statement with the values of its placeholders written in. */
export function asWritten(statement: InsertStatement, query: Clause, write: WritePlaceholder): string {
  const { duplicate, returning } = statement;
  return written('INSERT', statement, inlineClause(query, write), [duplicate, returning], write);
}

function written(
  verb: string,
  { target, columns }: Bound,
  rows: string,
  ending: readonly Clause[],
  write: WritePlaceholder,
): string {
  const list = columns === null ? [] : [`(${columns.map(quoteIdentifier).join(', ')})`];
  const clauses = ending.map((clause) => inlineClause(clause, write)).filter((text) => text !== '');
  return [`${verb} ${inlineClause(target, write)}`, ...list, rows, ...clauses].join('\n');
}

/** Of a query's one row, or of none, the server says another thing than of VALUES. */
function source({ rows, query }: Bound, width: number, write: WritePlaceholder): string {
  const [only] = rows;
  if (query === null || rows.length > 1) return `VALUES ${tuples(rows, write)}`;
  if (only === undefined) return `SELECT ${Array(width).fill('NULL').join(',')} FROM DUAL WHERE FALSE`;
  return `SELECT ${only.map((value) => valueText(value, write)).join(',')} FROM DUAL WHERE TRUE`;
}

function tuples(rows: InsertStatement['rows'], write: WritePlaceholder): string {
  return rows.map((row) => `(${row.map((value) => valueText(value, write)).join(',')})`).join(',');
}

function valueText(value: InsertValue, write: WritePlaceholder): string {
  switch (value.kind) {
    case 'null':
      return 'NULL';
    case 'default':
      return 'DEFAULT';
    case 'stored':
      return valueText(value.value, write);
    case 'placeholder':
      return write(value.index);
    case 'literal':
    case 'expression':
      // On lines of their own: what the application wrote may end in a comment.
      return `${inlineClause(value.expression, write)}\n`;
  }
}
