import type { Clause, InsertQuery } from './analysis.js';
import type { Cursor } from './cursor.js';
import { lockedQuery, unlockedQuery } from './locked-query.js';
import { unsupported } from './refusal.js';
import type { Source } from './source.js';
import { isChanging, isVolatile } from './volatile.js';

const QUERY_WORDS = ['SELECT', 'WITH', 'TABLE'];

/** Whether a query stands at the cursor, in parentheses or not. */
export function isQueryAhead(cursor: Cursor): boolean {
  let distance = 0;
  while (cursor.ahead(distance) === '(') distance++;
  return QUERY_WORDS.includes(cursor.ahead(distance));
}

/** Reads the query of an INSERT up to what follows it. */
export function readInsertQuery(cursor: Cursor): InsertQuery {
  const { source } = cursor;
  let from = cursor.index;
  let to = source.find(
    from,
    (word, index) => word === 'RETURNING' || (word === 'ON' && source.at(index + 1).word === 'DUPLICATE'),
  );
  if (to === from) cursor.fail();
  cursor.index = to;
  // Only what stands in no parentheses tells of ORDER BY and LIMIT.
  while (source.at(from).word === '(' && source.skip(from) === to) {
    from++;
    to--;
  }
  refuseInsertId(source, from, to);
  const limited = source.find(from, (word) => word === 'LIMIT' || word === 'FETCH') < to;
  return {
    text: asSelect(source, from, unlockedQuery(source, from, to)),
    locking: asSelect(source, from, lockedQuery(source, from, to)),
    volatile: limited || isVolatile(source, from, to, true),
    changing: isChanging(source, from, to),
  };
}

/** MySQL's TABLE t, which takes no lock, as the SELECT that it stands for. */
function asSelect(source: Source, from: number, clause: Clause): Clause {
  if (source.at(from).word !== 'TABLE') return clause;
  const text = `SELECT * FROM ${clause.text.slice('TABLE'.length)}`;
  const offsets = clause.offsets.map((offset) => offset + text.length - clause.text.length);
  return { ...clause, text, offsets };
}

/** LAST_INSERT_ID(a) tells the application of a value, once: not when it is read beforehand. */
function refuseInsertId(source: Source, from: number, to: number): void {
  for (let index = from; index < to; index++) {
    if (source.at(index).word !== 'LAST_INSERT_ID' || source.at(index + 1).word !== '(') continue;
    if (source.at(index + 2).word !== ')') unsupported('LAST_INSERT_ID() of a value that is inserted');
  }
}
