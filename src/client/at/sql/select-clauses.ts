import type { Cursor } from './cursor.js';
import { notUnderstood, unsupported } from './refusal.js';
import type { Source } from './source.js';

const CLAUSE_WORDS = [
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
  'ORDER',
  'LIMIT',
  'OFFSET',
  'FETCH',
  'PROCEDURE',
  'FOR',
  'LOCK',
] as const;
export type ClauseWord = (typeof CLAUSE_WORDS)[number];

/** Indexes of tokens, from one up to (not with) another. */
export type Range = readonly [from: number, to: number];

/** Where the clauses of a SELECT stand, each without its own words; the locking clause, under LOCK, with them. */
export interface SelectClauses {
  readonly list: Range;
  get(word: ClauseWord): Range | null;
  has(...words: readonly ClauseWord[]): boolean;
}

/** Whether a locking clause begins here: FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE. */
export function locksAt(source: Source, index: number): boolean {
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

/** Reads a SELECT behind its verb. */
export function readSelectClauses(cursor: Cursor): SelectClauses {
  const { source } = cursor;
  const ranges = new Map<ClauseWord, Range>();
  const listBegin = cursor.index;
  cursor.index = source.find(listBegin, (_, index) => clauseAt(source, index) !== null);
  const list: Range = [listBegin, cursor.index];
  while (!cursor.done) {
    const begin = cursor.index;
    const word = clauseAt(source, begin)!;
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
  return {
    list,
    get: (word) => ranges.get(word) ?? null,
    has: (...words) => words.some((word) => ranges.has(word)),
  };
}

/** The clause that begins at `index`, or null. Words that a server lets be names begin one only in their clause's form. */
function clauseAt(source: Source, index: number): ClauseWord | null {
  const word = CLAUSE_WORDS.find((candidate) => candidate === source.at(index).word);
  switch (word) {
    case undefined:
      return null;
    case 'WINDOW':
      return source.at(index + 2).word === 'AS' ? word : null;
    case 'OFFSET':
      return ['ROW', 'ROWS'].includes(source.at(index + 2).word) ? word : null;
    case 'FOR':
      return isSequenceFor(source, index) ? null : word;
    case 'INTO':
    case 'FROM':
    case 'WHERE':
    case 'GROUP':
    case 'HAVING':
    case 'QUALIFY':
    case 'UNION':
    case 'INTERSECT':
    case 'EXCEPT':
    case 'ORDER':
    case 'LIMIT':
    case 'FETCH':
    case 'PROCEDURE':
    case 'LOCK':
      return word;
  }
}

/** The FOR of NEXT VALUE FOR s. */
function isSequenceFor(source: Source, index: number): boolean {
  return source.at(index - 1).word === 'VALUE' && ['NEXT', 'PREVIOUS'].includes(source.at(index - 2).word);
}

/** Index hints name clauses too: USE INDEX FOR ORDER BY. */
function nextClause(cursor: Cursor, clause: ClauseWord): number {
  const { source } = cursor;
  return source.find(cursor.index, (_, index) => {
    if (clauseAt(source, index) === null) return false;
    if (clause !== 'FROM') return true;
    const before = source.at(index - 1).word;
    const inHint =
      before === 'INDEX' || before === 'KEY' || (before === 'FOR' && !locksAt(source, index - 1));
    return !inHint;
  });
}
