import type { Clause } from './analysis.js';
import { readCommonTables } from './common-tables.js';
import { Cursor } from './cursor.js';
import type { Source } from './source.js';

const LOCK = ' LOCK IN SHARE MODE';
const ENDING = new Set(['ORDER', 'LIMIT']);
const SET_OPERATORS = new Set(['UNION', 'EXCEPT', 'INTERSECT', 'MINUS']);

/** Text to be written before and behind tokens. */
interface Additions {
  readonly before: Map<number, string>;
  readonly behind: Map<number, string>;
}

/**
 * As many rows as there are. Inside of another query MariaDB drops the ORDER BY of one that has no LIMIT, and
 * evaluates its columns as often as they are mentioned.
 */
const ALL_ROWS = ' LIMIT 18446744073709551615';

/**
 * The tokens from one index up to another, a shared lock written behind every SELECT among them: an INSERT reads
 * what it selects from as it is now and locks it, where a SELECT would read what it was when the local
 * transaction began. A recursive query has no place for locks, and is left as it is.
 */
export function withLocks(source: Source, from: number, to: number): Clause {
  if (!has(source, from, to, 'SELECT')) return source.clause(from, to);
  return locked(source, from, to, { before: new Map(), behind: new Map() });
}

/** A whole query with such locks. */
export function lockedQuery(source: Source, from: number, to: number): Clause {
  return locked(source, from, to, { before: new Map(), behind: limit(source, from, to) });
}

/** The same without locks. */
export function unlockedQuery(source: Source, from: number, to: number): Clause {
  return written(source, from, to, { before: new Map(), behind: limit(source, from, to) });
}

function locked(source: Source, from: number, to: number, additions: Additions): Clause {
  if (!has(source, from, to, 'RECURSIVE')) {
    lockQuery(source, from, to, additions);
    for (let index = from; index < to; index++) {
      if (source.at(index).word === '(' && isQuery(source.at(index + 1).word))
        lockQuery(source, index + 1, source.skip(index) - 1, additions);
    }
  }
  return written(source, from, to, additions);
}

function limit(source: Source, from: number, to: number): Map<number, string> {
  const limited = next(source, from, to, new Set(['LIMIT', 'FETCH'])) < to;
  return new Map(limited ? [] : [[to - 1, ALL_ROWS]]);
}

function has(source: Source, from: number, to: number, word: string): boolean {
  for (let index = from; index < to; index++) if (source.at(index).word === word) return true;
  return false;
}

/** The first index, outside of parentheses, whose word is one of `words`; `to` if there is none. */
function next(source: Source, from: number, to: number, words: ReadonlySet<string>): number {
  let index = from;
  while (index < to && !words.has(source.at(index).word)) index = source.skip(index);
  return Math.min(index, to);
}

function isQuery(word: string): boolean {
  return word === 'SELECT' || word === 'WITH';
}

/** Locks the SELECTs of a query that are in no parentheses of their own; does nothing where there is no query. */
function lockQuery(source: Source, from: number, to: number, { before, behind }: Additions): void {
  let begin = from;
  if (source.at(from).word === 'WITH') {
    const cursor = new Cursor(source, from);
    readCommonTables(cursor);
    begin = cursor.index;
  }
  const joined = next(source, begin, to, SET_OPERATORS) < to;
  for (let part = begin; part < to; ) {
    const operator = next(source, part, to, SET_OPERATORS);
    // ORDER BY and LIMIT behind the last SELECT of a UNION are those of the whole.
    const end = operator === to && joined ? next(source, part, to, ENDING) : operator;
    const { word } = source.at(part);
    if (word === 'SELECT' || (word === 'TABLE' && !joined)) {
      if (joined) before.set(part, '(');
      behind.set(end - 1, `${behind.get(end - 1) ?? ''}${LOCK}${joined ? ')' : ''}`);
    }
    part = operator + 1;
    if (['ALL', 'DISTINCT'].includes(source.at(part).word)) part++;
  }
}

function written(source: Source, from: number, to: number, { before, behind }: Additions): Clause {
  const placeholders: number[] = [];
  const offsets: number[] = [];
  let text = '';
  for (let index = from; index < to; index++) {
    const token = source.at(index);
    const gap = index === from ? '' : source.text.slice(source.at(index - 1).end, token.start);
    text += gap + (before.get(index) ?? '');
    if (token.ordinal !== -1) {
      placeholders.push(token.ordinal);
      offsets.push(text.length);
    }
    text += source.text.slice(token.start, token.end) + (behind.get(index) ?? '');
  }
  return { text, placeholders, offsets };
}
