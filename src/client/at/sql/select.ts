import type { JoinedReadStatement, LockingReadStatement, Statement } from './analysis.js';
import { NO_COMMON_TABLES } from './common-tables.js';
import { Cursor } from './cursor.js';
import { isDeterministic, isOperatorWord } from './functions.js';
import { readOrder } from './order.js';
import { unsupported } from './refusal.js';
import { locksAt, type Range, readSelectClauses, type SelectClauses } from './select-clauses.js';
import type { Source } from './source.js';
import { readTableReferences, type TableReferences } from './table-references.js';
import { isChanging, isVolatile } from './volatile.js';

/** Reads a query: SELECT, WITH, TABLE, VALUES or one in parentheses, from its first word. */
export function readQuery(cursor: Cursor): Statement {
  const { source } = cursor;
  refuseFiles(source);
  if (!locksAnywhere(source)) return { kind: 'read' };
  if (cursor.word !== 'SELECT')
    unsupported(`${cursor.word === '(' ? 'query in parentheses' : cursor.word} ... FOR UPDATE`);
  return readLockingSelect(cursor);
}

function refuseFiles(source: Source): void {
  source.tokens.forEach(({ word }, index) => {
    if (word !== 'INTO') return;
    const target = source.at(index + 1).word;
    if (target === 'OUTFILE' || target === 'DUMPFILE') unsupported(`SELECT ... INTO ${target}`);
  });
}

/** Whether the query, or one inside of it, locks the rows that it reads. */
export function locksAnywhere(source: Source): boolean {
  return source.tokens.some((_, index) => locksAt(source, index));
}

function readLockingSelect(cursor: Cursor): Statement {
  const { source } = cursor;
  cursor.expect('SELECT');
  const clauses = readSelectClauses(cursor);
  const [from, where, lock] = [clauses.get('FROM'), clauses.get('WHERE'), clauses.get('LOCK')];
  const limit = clauses.get('LIMIT');
  refuseForms(source, clauses, lock);
  if (lock === null) unsupported('FOR UPDATE in a subquery');
  if (from === null || isDual(source, from)) return { kind: 'read' };
  const order = rowOrder(source, clauses);
  const references = readTables(cursor, from);
  const rows = {
    where: where && source.clause(...where),
    orderBy: order.orderBy,
    limit: order.limit,
    volatile: references.volatile || order.volatile || (where !== null && isVolatile(source, ...where)),
    changing: references.changing || order.changing || (where !== null && isChanging(source, ...where)),
    mode: source.at(lock[0] + 1).word === 'UPDATE' ? 'EXCLUSIVE' : 'SHARED',
    lock: source.clause(...lock),
    skipLocked: source.find(lock[0], (word) => word === 'SKIP') < lock[1],
    offset: limit !== null && limit[1] > limit[0] + 1,
    head: source.clauseFromBegin(from[1]),
    tail: source.clause(where === null ? from[1] : where[1], source.tokens.length),
  } as const;
  if (references.single === null) return readJoin(source, references, rows, lock);
  return { kind: 'lockingRead', ...references.single, with: null, ...rows };
}

function refuseForms(source: Source, clauses: SelectClauses, lock: Range | null): void {
  if (clauses.has('UNION', 'INTERSECT', 'EXCEPT')) unsupported('UNION ... FOR UPDATE');
  if (clauses.has('PROCEDURE')) unsupported('SELECT ... PROCEDURE ... FOR UPDATE');
  if (clauses.has('FETCH', 'OFFSET')) unsupported('SELECT ... FETCH ... FOR UPDATE');
  const limit = clauses.get('LIMIT');
  if (limit !== null && source.find(limit[0], (word) => word === 'EXAMINED') < limit[1]) {
    unsupported('SELECT ... LIMIT ROWS EXAMINED ... FOR UPDATE');
  }
  for (let index = 0; lock !== null && index < lock[0]; index++) {
    if (locksAt(source, index)) unsupported('FOR UPDATE in a subquery');
  }
}

function isDual(source: Source, [begin, end]: Range): boolean {
  return end === begin + 1 && source.at(begin).word === 'DUAL';
}

function readTables(cursor: Cursor, [begin, end]: Range): TableReferences {
  cursor.index = begin;
  const references = readTableReferences(cursor, NO_COMMON_TABLES, 'SELECT ... FOR UPDATE', end);
  if (cursor.index !== end) cursor.fail();
  return references;
}

/** SELECT ... FROM a JOIN b ... FOR UPDATE */
function readJoin(
  source: Source,
  { tables, from }: TableReferences,
  rows: Pick<LockingReadStatement, 'where' | 'limit' | 'volatile' | 'mode' | 'lock' | 'skipLocked'>,
  lock: Range,
): JoinedReadStatement {
  if (rows.limit !== null) unsupported('SELECT ... JOIN ... LIMIT ... FOR UPDATE');
  if (rows.skipLocked) unsupported('SELECT ... JOIN ... FOR UPDATE SKIP LOCKED');
  // A second reading could join other rows.
  if (rows.volatile) unsupported('SELECT ... JOIN ... FOR UPDATE with a subquery or a changing value');
  const { where, mode } = rows;
  const of = lockedTables(new Cursor(source, lock[0] + 2));
  return { kind: 'joinedRead', with: null, tables, from, where, volatile: false, mode, lock: rows.lock, of };
}

/** FOR UPDATE OF a, b */
function lockedTables(cursor: Cursor): readonly string[] | null {
  if (!cursor.accept('OF')) return null;
  const names: string[] = [];
  do names.push(cursor.identifier());
  while (cursor.accept(','));
  return names;
}

type RowOrder = Pick<LockingReadStatement, 'orderBy' | 'limit' | 'volatile' | 'changing'>;

/**
 * ORDER BY and LIMIT, where they speak of the table's rows. After grouping, an aggregate or DISTINCT they
 * choose among results instead, and ORDER BY may name a result column: then every row that the condition
 * accepts is read, which is what the server locks or more.
 */
function rowOrder(source: Source, clauses: SelectClauses): RowOrder {
  const [orderBy, limit] = [clauses.get('ORDER'), clauses.get('LIMIT')];
  const order = orderBy && readOrder(source, ...orderBy);
  const ofResults =
    clauses.has('GROUP', 'HAVING', 'WINDOW', 'QUALIFY') ||
    order?.byPosition ||
    !keepsRows(source, clauses.list) ||
    (orderBy !== null && hasBareName(source, orderBy) && hasAlias(source, clauses.list));
  if (ofResults) return { orderBy: null, limit: null, volatile: false, changing: false };
  return {
    orderBy: order === null ? null : order.clause,
    limit: limit && source.clause(...limit),
    volatile: limit !== null || (orderBy !== null && isVolatile(source, ...orderBy)),
    changing: limit !== null && orderBy !== null && isChanging(source, ...orderBy),
  };
}

/** Whether every row gives one result: no DISTINCT, aggregate, window, nor a function that might be one of them. */
function keepsRows(source: Source, [from, to]: Range): boolean {
  for (let index = from; index < to; index++) {
    const { kind, word } = source.at(index);
    if (['DISTINCT', 'DISTINCTROW', 'OVER'].includes(word)) return false;
    const isCall = (kind === 'word' || kind === 'name') && source.at(index + 1).word === '(';
    if (isCall && !isDeterministic(word) && !isOperatorWord(word)) return false;
  }
  return true;
}

/** Whether a result may have another name than its column: with AS, or an operand directly behind another. */
function hasAlias(source: Source, [from, to]: Range): boolean {
  let index = from;
  while (index < to) {
    if (source.at(index).word === 'AS') return true;
    index = source.skip(index);
    const { kind, word } = source.at(index - 1);
    const next = source.at(index).kind;
    const isOperand = next === 'word' || next === 'name' || next === 'string';
    if (index < to && isOperand && (kind !== 'operator' || word === ')')) return true;
  }
  return false;
}

/** Whether a name in ORDER BY stands without its table, as only results and columns do. */
function hasBareName(source: Source, [from, to]: Range): boolean {
  for (let index = from; index < to; index++) {
    const { kind, word } = source.at(index);
    if ((kind !== 'word' && kind !== 'name') || word === 'ASC' || word === 'DESC') continue;
    const isQualified = source.at(index - 1).word === '.' || source.at(index + 1).word === '.';
    if (!isQualified && source.at(index + 1).word !== '(') return true;
  }
  return false;
}
