import type { Clause } from './analysis.js';
import type { Cursor } from './cursor.js';
import { readOrder } from './order.js';
import { unsupported } from './refusal.js';
import type { TableReferences } from './table-references.js';
import { isChanging, isVolatile } from './volatile.js';

/** What follows the table or the assignments of an UPDATE or DELETE. */
export interface RowsClauses {
  readonly where: Clause | null;
  readonly orderBy: Clause | null;
  readonly limit: Clause | null;
  readonly volatile: boolean;
  /** Whether the condition may choose other rows although nobody has written anything. */
  readonly changing: boolean;
  readonly head: Clause;
  readonly tail: Clause;
  readonly returning: boolean;
}

const AFTER_CONDITION = new Set(['ORDER', 'LIMIT', 'RETURNING']);

const CLAUSES = ['WHERE', 'ORDER', 'LIMIT'];

/** Of several tables only MariaDB chooses rows by ORDER BY and LIMIT, and of which table is not told. */
export function refuseOrdered({ orderBy, limit, returning }: RowsClauses, construct: string): void {
  if (orderBy !== null) unsupported(`${construct} ... ORDER BY`);
  if (limit !== null) unsupported(`${construct} ... LIMIT`);
  if (returning) unsupported(`${construct} ... RETURNING`);
}

/** Of a subquery among the tables it is not told which of its rows a row was joined to. */
export function refuseChanging(
  clauses: RowsClauses,
  { changing, tables }: Pick<TableReferences, 'changing' | 'tables'>,
  construct: string,
): void {
  if (changing) unsupported(`${construct} with a changing value in a join or a subquery`);
  if (clauses.changing && tables.some(({ derived }) => derived))
    unsupported(`${construct} with a changing value beside a subquery`);
}

/** Reads [WHERE] [ORDER BY] [LIMIT] [RETURNING] up to the statement's end. */
export function readRowsClauses(cursor: Cursor, verb: string): RowsClauses {
  const { source } = cursor;
  const head = source.clauseFromBegin(cursor.index);
  const where = cursor.accept('WHERE') ? readUntil(cursor, AFTER_CONDITION) : null;
  const tailBegin = cursor.index;
  const orderBy = cursor.accept('ORDER', 'BY') ? readUntil(cursor, AFTER_CONDITION) : null;
  const limit = cursor.accept('LIMIT') ? readUntil(cursor, AFTER_CONDITION) : null;
  const returning = cursor.accept('RETURNING');
  if (returning) {
    if (verb !== 'DELETE') unsupported(`${verb} ... RETURNING`);
    // In MySQL it is a name like any other, that of a table for one.
    if (cursor.done || CLAUSES.includes(cursor.word)) cursor.fail();
    cursor.index = source.tokens.length;
  }
  cursor.expectEnd();
  return {
    where: where && source.clause(...where),
    orderBy: orderBy && readOrder(source, ...orderBy).clause,
    limit: limit && source.clause(...limit),
    volatile:
      limit !== null || [where, orderBy].some((range) => range !== null && isVolatile(source, ...range)),
    changing: where !== null && isChanging(source, ...where),
    head,
    tail: source.clause(tailBegin, cursor.index),
    returning,
  };
}

/** Steps to the next of `words` outside of parentheses, over at least one token. */
export function readUntil(cursor: Cursor, words: ReadonlySet<string>): [from: number, to: number] {
  const from = cursor.index;
  cursor.index = cursor.source.find(from, (word) => words.has(word));
  if (cursor.index === from) cursor.fail();
  return [from, cursor.index];
}
