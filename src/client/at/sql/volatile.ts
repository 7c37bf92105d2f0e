import { isDeterministic, isOperatorWord } from './functions.js';
import type { Source } from './source.js';

/** Values that change between two statements, and need no parentheses. */
const CHANGING_WORDS = new Set(
  `CURRENT_TIMESTAMP CURRENT_DATE CURRENT_TIME LOCALTIME LOCALTIMESTAMP UTC_DATE UTC_TIME UTC_TIMESTAMP SYSDATE
   ROWNUM`.split(/\s+/),
);

/** What may stand before a parenthesis in a subquery and depends on nothing but the rows: keywords, aggregates. */
const OF_ROWS = new Set(
  `USING FROM JOIN ON WHERE HAVING SELECT UNION EXCEPT INTERSECT OVER LIMIT COUNT SUM MIN MAX AVG BIT_AND BIT_OR BIT_XOR
   STD STDDEV VARIANCE`.split(/\s+/),
);

const QUERY_WORDS = new Set(['SELECT', 'TABLE', 'VALUES']);

/** MariaDB's s.nextval, in sql_mode ORACLE. */
const SEQUENCE_MEMBERS = new Set(['NEXTVAL', 'CURRVAL']);

/**
 * Whether the tokens from one index up to another may give another value for the same row when they are
 * evaluated again: subqueries, variables, and every function that is not known to depend on its arguments alone.
 * @param locked what its queries read is locked, and cannot change
 */
export function isVolatile(source: Source, from: number, to: number, locked = false): boolean {
  for (let index = from; index < to; index++) {
    const { kind, word } = source.at(index);
    if (kind === 'variable' || (!locked && kind === 'word' && QUERY_WORDS.has(word))) return true;
    if (kind === 'word' && OF_ROWS.has(word) && source.at(index + 1).word === '(') return true;
  }
  return isChanging(source, from, to);
}

/**
 * Whether they may give another value even when nobody has written anything in between: RAND(), NOW() and their like,
 * also inside of subqueries. User variables stay as they are until a statement assigns them.
 */
export function isChanging(source: Source, from: number, to: number): boolean {
  for (let index = from; index < to; index++) {
    const token = source.at(index);
    const { kind, word } = token;
    if (kind === 'systemVariable' || word === ':=') return true;
    if (kind !== 'word' && kind !== 'name') continue;
    const next = source.at(index + 1);
    if (CHANGING_WORDS.has(word)) return true;
    if (SEQUENCE_MEMBERS.has(source.text.slice(token.start, token.end).toUpperCase())) return true;
    // NEXT VALUE FOR s, PREVIOUS VALUE FOR s
    if (word === 'VALUE' && next.word === 'FOR') return true;
    // CAST(a AS DECIMAL(10, 2)) has a type, no call.
    if (next.word !== '(' || isOperatorWord(word) || source.at(index - 1).word === 'AS') continue;
    if (kind === 'word' && OF_ROWS.has(word)) continue;
    // With a space between, the server may take a name for a stored function's, and () makes UNIX_TIMESTAMP a clock.
    if (kind === 'name' || next.start !== token.end || !isDeterministic(word)) return true;
    if (word === 'UNIX_TIMESTAMP' && source.at(index + 2).word === ')') return true;
  }
  return false;
}
