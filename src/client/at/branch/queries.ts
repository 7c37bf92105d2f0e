import type {
  Clause,
  DeleteStatement,
  LockingReadStatement,
  TableName,
  UpdateStatement,
} from '../sql/analysis.js';
import { quoteIdentifier } from '../sql/identifier.js';

/** Writes the value of the placeholder with the given index as an SQL literal. */
export type WritePlaceholder = (index: number) => string;

/** The clause's text with its placeholders' values written in. */
export function inlineClause(clause: Clause, write: WritePlaceholder): string {
  let text = '';
  let from = 0;
  clause.offsets.forEach((offset, at) => {
    text += clause.text.slice(from, offset) + write(clause.placeholders[at]!);
    from = offset + 1;
  });
  return text + clause.text.slice(from);
}

/** How the rows of a table are referred to in the application's own FROM. */
export function referenceOf(table: TableName): string {
  if (table.alias !== null) return quoteIdentifier(table.alias);
  const name = quoteIdentifier(table.name);
  return table.schema === null ? name : `${quoteIdentifier(table.schema)}.${name}`;
}

/** Clauses are put on lines of their own: the application's may end in a comment that runs to the line's end. */
function lines(...parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null).join('\n');
}

/** Reads and locks the rows that the application's statement is about to touch, by its own clauses. */
export function lockingReadQuery(
  statement: UpdateStatement | DeleteStatement | LockingReadStatement,
  selectList: string,
  write: WritePlaceholder,
): string {
  const clause = (words: string, value: Clause | null) =>
    value === null ? null : `${words} ${inlineClause(value, write)}`;
  return lines(
    `SELECT ${selectList}`,
    clause('FROM', statement.from),
    clause('WHERE', statement.where),
    clause('ORDER BY', statement.orderBy),
    clause('LIMIT', statement.limit),
    statement.kind === 'lockingRead' ? inlineClause(statement.lock, write) : 'FOR UPDATE',
  );
}

/** The application's UPDATE or DELETE with its condition replaced by the keys of the rows that were read. */
export function boundStatement(
  statement: UpdateStatement | DeleteStatement,
  keyCondition: string | null,
  write: WritePlaceholder,
): string {
  return lines(
    inlineClause(statement.head, write),
    `WHERE ${keyCondition ?? 'FALSE'}`,
    inlineClause(statement.tail, write),
  );
}
