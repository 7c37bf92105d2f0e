import type {
  Clause,
  DeleteStatement,
  JoinedDeleteStatement,
  JoinedReadStatement,
  JoinedUpdateStatement,
  LockingReadStatement,
  TableName,
  UpdateStatement,
} from '../sql/analysis.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { TableDefinition } from '../table/definition.js';

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

function clauseWriter(write: WritePlaceholder): (words: string, value: Clause | null) => string | null {
  return (words, value) => (value === null ? null : `${words} ${inlineClause(value, write)}`.trimStart());
}

/** A column that is never NULL in a row of the table. */
export function keyReference(table: TableDefinition, reference: string): string {
  return `${reference}.${quoteIdentifier(table.key.columns[0]!)}`;
}

/** Reads and locks the rows that the application's statement is about to touch, by its own clauses. */
export function lockingReadQuery(
  statement: UpdateStatement | DeleteStatement | LockingReadStatement,
  selectList: string,
  write: WritePlaceholder,
): string {
  const clause = clauseWriter(write);
  return lines(
    clause('', statement.with),
    `SELECT ${selectList}`,
    clause('FROM', statement.from),
    clause('WHERE', statement.where),
    clause('ORDER BY', statement.orderBy),
    clause('LIMIT', statement.limit),
    statement.kind === 'lockingRead' ? inlineClause(statement.lock, write) : 'FOR UPDATE',
  );
}

/** Locks no row, but keeps what the statement speaks of from being altered. */
export function holdingQuery(
  { from, lock }: LockingReadStatement,
  selectList: string,
  write: WritePlaceholder,
): string {
  return lines(
    `SELECT ${selectList}`,
    `FROM ${inlineClause(from, write)}`,
    'LIMIT 0',
    inlineClause(lock, write),
  );
}

/**
 * The application's statement with its condition replaced by the keys of the rows that were read.
 * @param beside what is kept of its condition
 */
export function boundStatement(
  statement: UpdateStatement | DeleteStatement | LockingReadStatement,
  keyCondition: string,
  write: WritePlaceholder,
  beside: Clause | null = null,
): string {
  return lines(
    inlineClause(statement.head, write),
    ...narrowed(beside, [keyCondition], write),
    inlineClause(statement.tail, write),
  );
}

type JoinedStatement = JoinedUpdateStatement | JoinedDeleteStatement;

/**
 * Reads and locks the rows of one table that the application's statement over a join is about to touch, and the
 * rows of the others that they are joined to.
 * @param keyColumn tells a row from the NULLs that an outer join gives in place of one
 */
export function joinedReadQuery(
  statement: JoinedStatement | JoinedReadStatement,
  selectList: string,
  keyColumn: string,
  write: WritePlaceholder,
): string {
  const clause = clauseWriter(write);
  return lines(
    clause('', statement.with),
    `SELECT ${selectList}`,
    clause('FROM', statement.from),
    ...narrowed(statement.where, [`${keyColumn} IS NOT NULL`], write),
    statement.kind === 'joinedRead' ? inlineClause(statement.lock, write) : 'FOR UPDATE',
  );
}

/** The same of all its tables at once. */
export function joinedTuplesQuery(
  statement: JoinedStatement,
  selectList: string,
  write: WritePlaceholder,
): string {
  const clause = clauseWriter(write);
  return lines(
    clause('', statement.with),
    `SELECT ${selectList}`,
    clause('FROM', statement.from),
    clause('WHERE', statement.where),
    'FOR UPDATE',
  );
}

/**
 * Reads expressions over what a join finds under some conditions.
 * @param beside what is kept of its own condition
 */
export function overJoinQuery(
  statement: JoinedUpdateStatement,
  expressions: readonly string[],
  conditions: readonly string[],
  beside: Clause | null,
  write: WritePlaceholder,
): string {
  const clause = clauseWriter(write);
  return lines(
    clause('', statement.with),
    `SELECT ${expressions.join(',')}`,
    clause('FROM', statement.from),
    ...narrowed(beside, conditions, write),
    'FOR UPDATE',
  );
}

/** The application's statement over a join, its condition replaced. */
export function replacedJoin(statement: JoinedStatement, condition: string, write: WritePlaceholder): string {
  return lines(inlineClause(statement.head, write), `WHERE ${condition}`);
}

/** The application's statement over a join, held to the rows that were read: by their keys, beside its own condition. */
export function boundJoin(
  statement: JoinedStatement,
  keyConditions: readonly string[],
  write: WritePlaceholder,
): string {
  return lines(inlineClause(statement.head, write), ...narrowed(statement.where, keyConditions, write));
}

function narrowed(
  where: Clause | null,
  conditions: readonly string[],
  write: WritePlaceholder,
): readonly string[] {
  const own = where === null ? [] : ['(', inlineClause(where, write), ') AND'];
  return ['WHERE', ...own, conditions.join(' AND ')];
}

/** Reads expressions over the rows with the given keys, as an UPDATE of them would. */
export function overRowsQuery(
  statement: UpdateStatement,
  expressions: readonly string[],
  keyCondition: string,
  write: WritePlaceholder,
): string {
  return lines(
    `SELECT ${expressions.join(',')}`,
    `FROM ${inlineClause(statement.from, write)}`,
    `WHERE ${keyCondition}`,
    'FOR UPDATE',
  );
}
