import type { SqlDialect } from '../executor.js';
import { lex } from './lexer.js';
import type { Token } from './token.js';

const BETWEEN = /\bbetween\b/i;

/**
 * A query that finds the rows that an UPDATE or DELETE with the same condition does. In a SELECT, and not in these,
 * MariaDB takes BETWEEN for an equality where the connection's collation calls both ends equal, as 'A' and 'ä', though
 * the column's collation does not: then the second end stands in a call, which it does not look into.
 */
export function withEndsApart(query: string, dialect: SqlDialect): string {
  if (dialect.server !== 'mariadb' || !BETWEEN.test(query)) return query;
  const { tokens } = lex(query, dialect);
  let text = '';
  let from = 0;
  for (const [index, { word }] of tokens.entries()) {
    const [low, and, high] = tokens.slice(index + 1, index + 4);
    if (word !== 'BETWEEN' || low?.kind !== 'string' || and?.word !== 'AND' || high?.kind !== 'string')
      continue;
    if (!mayBeEqual(written(query, low), written(query, high))) continue;
    text += `${query.slice(from, high.start)}CONCAT(${written(query, high)})`;
    from = high.end;
  }
  return text + query.slice(from);
}

function written(query: string, { start, end }: Token): string {
  return query.slice(start, end);
}

function mayBeEqual(low: string, high: string): boolean {
  return low !== high && folded(low) === folded(high);
}

/** Without all that some collation leaves out of account; utf8mb4_general_ci knows one weight beyond the first plane. */
function folded(literal: string): string {
  return literal
    .slice(1, -1)
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll('ß', 's')
    .replace(/[\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .trimEnd();
}
