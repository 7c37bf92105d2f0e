import type { LockingReadStatement, Statement } from './analysis.js';
import type { Cursor } from './cursor.js';
import { isDeterministic } from './functions.js';
import { readOrder } from './order.js';
import { notUnderstood, unsupported } from './refusal.js';
import type { Source } from './source.js';
import { JOIN_WORDS, readTableReference } from './table-reference.js';
import { isVolatile } from './volatile.js';

const CLAUSES = [
  'INTO',
  'FROM',
  'WHERE',
  'GROUP',
  'HAVING',
  'WINDOW',
  'QUALIFY',
  'UNION',
  'INTERSECT',
  'EXCEPT',
  'MINUS',
  'ORDER',
  'LIMIT',
  'OFFSET',
  'FETCH',
  'PROCEDURE',
  'FOR',
  'LOCK',
] as const;
type ClauseWord = (typeof CLAUSES)[number];
const CLAUSE_WORDS: ReadonlySet<string> = new Set(CLAUSES);
const SET_OPERATIONS = ['UNION', 'INTERSECT', 'EXCEPT', 'MINUS'];

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

function locksAt(source: Source, index: number): boolean {
  const next = source.at(index + 1).word;
  switch (source.at(index).word) {
    case 'FOR':
      return next === 'UPDATE' || next === 'SHARE';
    case 'LOCK':
      return next === 'IN';
    default:
      return false;
  }
}

function readLockingSelect(cursor: Cursor): Statement {
  const { source } = cursor;
  cursor.expect('SELECT');
  const listBegin = cursor.index;
  const ranges = readClauses(cursor);
  const list = [listBegin, ranges.listEnd] as const;
  const { from, lock } = ranges;
  if (SET_OPERATIONS.some((word) => ranges.seen.has(word))) unsupported('UNION ... FOR UPDATE');
  if (lock === null) unsupported('FOR UPDATE in a subquery');
  for (let index = 0; index < lock[0]; index++) {
    if (locksAt(source, index)) unsupported('FOR UPDATE in a subquery');
  }
  if (ranges.seen.has('PROCEDURE')) unsupported('SELECT ... PROCEDURE ... FOR UPDATE');
  if (ranges.seen.has('FETCH') || ranges.seen.has('OFFSET')) unsupported('SELECT ... FETCH ... FOR UPDATE');
  if (
    ranges.limit !== null &&
    source.find(ranges.limit[0], (word) => word === 'EXAMINED') < ranges.limit[1]
  ) {
    unsupported('SELECT ... LIMIT ROWS EXAMINED ... FOR UPDATE');
  }
  if (from === null || (source.at(from[0]).word === 'DUAL' && from[1] === from[0] + 1))
    return { kind: 'read' };
  const order = ordering(source, list, ranges);
  return {
    kind: 'lockingRead',
    ...readSingleTable(cursor, from),
    where: ranges.where && source.clause(...ranges.where),
    orderBy: order.orderBy,
    limit: order.limit,
    volatile: order.volatile || (ranges.where !== null && isVolatile(source, ...ranges.where)),
    mode: source.at(lock[0] + 1).word === 'UPDATE' ? 'EXCLUSIVE' : 'SHARED',
    lock: source.clause(...lock),
  };
}

type RowOrder = Pick<LockingReadStatement, 'orderBy' | 'limit' | 'volatile'>;
type Range = readonly [from: number, to: number];

interface SelectRanges {
  readonly listEnd: number;
  readonly from: Range | null;
  readonly where: Range | null;
  readonly orderBy: Range | null;
  readonly limit: Range | null;
  readonly lock: Range | null;
  readonly seen: ReadonlySet<string>;
}

/** Where the clauses stand, each without its own words. */
function readClauses(cursor: Cursor): SelectRanges {
  const { source } = cursor;
  const ranges = new Map<ClauseWord, Range>();
  cursor.index = source.find(
    cursor.index,
    (word, index) => CLAUSE_WORDS.has(word) && !isSequenceFor(source, index),
  );
  const listEnd = cursor.index;
  while (!cursor.done) {
    const word = cursor.word as ClauseWord;
    const begin = cursor.index;
    const locking = locksAt(source, begin);
    if (word === 'FOR' && !locking) unsupported('SELECT ... FOR SYSTEM_TIME ... FOR UPDATE');
    cursor.index += locking ? 2 : 1;
    if (word === 'ORDER' || word === 'GROUP') cursor.expect('BY');
    const contentBegin = locking ? begin : cursor.index;
    cursor.index = nextClause(cursor, word);
    const key = locking ? 'LOCK' : word;
    if (ranges.has(key)) notUnderstood(`a second ${locking ? 'locking clause' : word}`);
    ranges.set(key, [contentBegin, cursor.index]);
  }
  const range = (word: ClauseWord): Range | null => ranges.get(word) ?? null;
  return {
    listEnd,
    from: range('FROM'),
    where: range('WHERE'),
    orderBy: range('ORDER'),
    limit: range('LIMIT'),
    lock: range('LOCK'),
    seen: new Set<string>(ranges.keys()),
  };
}

/** The FOR of NEXT VALUE FOR s. */
function isSequenceFor(source: Source, index: number): boolean {
  return source.at(index).word === 'FOR' && source.at(index - 1).word === 'VALUE';
}

/** Index hints name clauses too (USE INDEX FOR ORDER BY), and LIMIT has a word OFFSET of its own. */
function nextClause(cursor: Cursor, clause: ClauseWord): number {
  const { source } = cursor;
  return source.find(cursor.index, (word, index) => {
    if (!CLAUSE_WORDS.has(word) || isSequenceFor(source, index)) return false;
    if (clause === 'LIMIT' && word === 'OFFSET') return false;
    if (clause !== 'FROM') return true;
    const before = source.at(index - 1).word;
    const inHint =
      before === 'INDEX' || before === 'KEY' || (before === 'FOR' && !locksAt(source, index - 1));
    return !inHint;
  });
}

function readSingleTable(cursor: Cursor, [begin, end]: Range): Pick<LockingReadStatement, 'table' | 'from'> {
  cursor.index = begin;
  if (cursor.word === '(' || cursor.word === 'LATERAL') unsupported('SELECT ... FROM (...) ... FOR UPDATE');
  if (cursor.word === 'JSON_TABLE') unsupported('SELECT ... FROM JSON_TABLE ... FOR UPDATE');
  const reference = readTableReference(cursor);
  if (cursor.word === ',' || JOIN_WORDS.has(cursor.word)) unsupported('SELECT ... JOIN ... FOR UPDATE');
  if (cursor.index !== end) cursor.fail();
  return reference;
}

/**
 * ORDER BY and LIMIT, where they speak of the table's rows. After grouping, an aggregate or DISTINCT they
 * choose among results instead, and ORDER BY may name a result column: then every row that the condition
 * accepts is read, which is what the server locks or more.
 */
function ordering(source: Source, list: Range, { seen, orderBy, limit }: SelectRanges): RowOrder {
  const order = orderBy && readOrder(source, ...orderBy);
  const ofResults =
    ['GROUP', 'HAVING', 'WINDOW', 'QUALIFY'].some((word) => seen.has(word)) ||
    order?.byPosition ||
    !isPlainList(source, list);
  if (ofResults) return { orderBy: null, limit: null, volatile: false };
  return {
    orderBy: order === null ? null : order.clause,
    limit: limit && source.clause(...limit),
    volatile: limit !== null || (orderBy !== null && isVolatile(source, ...orderBy)),
  };
}

/** Whether a select list has only columns and expressions that keep one result for each row, under no other name. */
function isPlainList(source: Source, [from, to]: Range): boolean {
  for (let index = from; index < to; index++) {
    const token = source.at(index);
    const next = source.at(index + 1);
    if (['DISTINCT', 'DISTINCTROW', 'AS', 'OVER', 'SELECT'].includes(token.word)) return false;
    if ((token.kind === 'word' || token.kind === 'name') && next.word === '(' && !isDeterministic(token.word))
      return false;
    // An alias without AS follows an operand directly.
    const named = next.kind === 'word' || next.kind === 'name' || next.kind === 'string';
    if (index + 1 < to && named && token.kind !== 'operator') return false;
    if (index + 1 < to && named && token.word === ')') return false;
  }
  return true;
}
