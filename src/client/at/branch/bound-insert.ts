import type { Clause, InsertStatement, InsertValue } from '../sql/analysis.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { TableDefinition } from '../table/definition.js';
import { isTakenByType } from './evaluate.js';
import { inlineClause, type WritePlaceholder } from './queries.js';

type Bound = Pick<
  InsertStatement,
  'columns' | 'shownAs' | 'rows' | 'query' | 'onConflict' | 'target' | 'returning'
>;

/** Two values where one is wanted: an error, but only once somebody looks. */
const NO_VALUE = "(SELECT 'a' UNION ALL SELECT 'b')";

/**
 * What an INSERT or REPLACE is when nothing but inserting is left of it: a row that is met is an error. What the statement
 * would do with such a row stays in it, for the server to judge, unless it stands behind a query: then it may speak of that.
 */
export function insertOnly(statement: Bound, table: TableDefinition, write: WritePlaceholder): string {
  // Placeholders are written in the order of the text.
  const rows = source(statement, 0, write);
  const first = `${named(statement, anyColumn(statement, table))}=${NO_VALUE},`;
  const duplicate = statement.query === null ? duplicateClause(statement, write, first) : '';
  return written('INSERT', statement, rows, duplicate, write);
}

/** The column as the statement's target names it. */
function named({ shownAs }: Pick<Bound, 'shownAs'>, column: string): string {
  return quoteIdentifier(shownAs?.get(column.toLowerCase()) ?? column);
}

/** One that a text may be assigned to. */
function anyColumn({ shownAs }: Bound, { key, columns }: TableDefinition): string {
  const shown = columns.filter(({ name }) => shownAs?.has(name.toLowerCase()) ?? true);
  const fit = shown.filter((column) => !column.generated && !isTakenByType(column));
  const chosen =
    fit.find(({ autoIncrement }) => autoIncrement) ??
    fit.find(({ name }) => key.columns.includes(name)) ??
    fit[0];
  return (chosen ?? shown[0]!).name;
}

/**
 * The application's INSERT or REPLACE with the rows as they are known in place of its own.
 * @param width how many values a row has
 */
export function boundInsert(statement: InsertStatement, width: number, write: WritePlaceholder): string {
  const verb = statement.onConflict.action === 'replace' ? 'REPLACE' : 'INSERT';
  return written(verb, statement, source(statement, width, write), duplicateClause(statement, write), write);
}

/** The application's statement with the values of its placeholders written in. */
export function asWritten(statement: InsertStatement, query: Clause, write: WritePlaceholder): string {
  return written('INSERT', statement, inlineClause(query, write), duplicateClause(statement, write), write);
}

/** @param first an assignment in front of the others, with a comma behind it */
function duplicateClause({ onConflict }: Bound, write: WritePlaceholder, first = ''): string {
  if (onConflict.action !== 'update') return '';
  const { alias, set } = onConflict;
  return `${inlineClause(alias, write)}\nON DUPLICATE KEY UPDATE ${first} ${inlineClause(set, write)}`.trimStart();
}

function written(
  verb: string,
  statement: Bound,
  rows: string,
  duplicate: string,
  write: WritePlaceholder,
): string {
  const { target, columns, returning } = statement;
  const list = columns === null ? [] : [`(${columns.map((name) => named(statement, name)).join(', ')})`];
  const clauses = [duplicate, inlineClause(returning, write)].filter((text) => text !== '');
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
