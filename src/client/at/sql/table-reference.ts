import type { Clause, TableName } from './analysis.js';
import type { Cursor } from './cursor.js';
import { notUnderstood } from './refusal.js';

const words = (list: string): readonly string[] => list.trim().split(/\s+/);

/** Reserved words that may follow a table, or stand where a table is missing. */
const RESERVED = new Set(
  words(`
  SET WHERE ORDER LIMIT PARTITION USE FORCE IGNORE JOIN INNER LEFT RIGHT CROSS STRAIGHT_JOIN NATURAL ON USING FOR GROUP
  HAVING UNION INTO LOCK PROCEDURE AS VALUES SELECT FROM TABLE WITH UPDATE DELETE INSERT REPLACE DEFAULT`),
);

/** Words that go on with the statement where an alias without AS might stand. */
const NOT_AN_ALIAS = new Set([
  ...RESERVED,
  ...words('WINDOW INTERSECT EXCEPT RETURNING FETCH TABLESAMPLE LATERAL QUALIFY'),
]);

export const JOIN_WORDS: ReadonlySet<string> = new Set([
  'JOIN',
  'INNER',
  'LEFT',
  'RIGHT',
  'CROSS',
  'STRAIGHT_JOIN',
  'NATURAL',
]);

export interface TableReference {
  readonly table: TableName;
  /** The reference as it may stand after FROM in a SELECT. */
  readonly from: Clause;
}

/** Reads `schema.table`, as a statement's target names it. */
export function readTableName(cursor: Cursor): { readonly schema: string | null; readonly name: string } {
  if (cursor.token.kind === 'word' && RESERVED.has(cursor.word)) cursor.fail();
  const first = cursor.identifier();
  if (!cursor.accept('.')) return { schema: null, name: first };
  return { schema: first, name: cursor.identifier() };
}

/**
 * Reads one table with its partitions, alias and index hints. In a DELETE the alias stands before PARTITION,
 * everywhere else behind it; `from` has them in the order of a SELECT.
 */
export function readTableReference(cursor: Cursor): TableReference {
  const { source } = cursor;
  const begin = cursor.index;
  const name = readTableName(cursor);
  const nameEnd = cursor.index;
  let partitioned = skipPartition(cursor);
  const aliasBegin = cursor.index;
  const alias = readAlias(cursor);
  const aliasEnd = cursor.index;
  let from: Clause | null = null;
  if (!partitioned) {
    partitioned = skipPartition(cursor);
    if (partitioned && alias !== null) {
      const parts = [
        source.clause(begin, nameEnd),
        source.clause(aliasEnd, cursor.index),
        source.clause(aliasBegin, aliasEnd),
      ];
      from = { text: parts.map((part) => part.text).join(' '), placeholders: [], offsets: [] };
    }
  }
  const hintBegin = cursor.index;
  skipIndexHints(cursor);
  if (from !== null && cursor.index > hintBegin) notUnderstood('an index hint behind PARTITION');
  return { table: { ...name, alias }, from: from ?? source.clause(begin, cursor.index) };
}

function readAlias(cursor: Cursor): string | null {
  if (cursor.accept('AS')) return cursor.identifier();
  const { kind, word } = cursor.token;
  if (kind === 'name' || (kind === 'word' && !NOT_AN_ALIAS.has(word))) return cursor.identifier();
  return null;
}

/** PARTITION (p0, p1) chooses rows, so it stays part of the reference. */
export function skipPartition(cursor: Cursor): boolean {
  if (cursor.word !== 'PARTITION' || cursor.ahead(1) !== '(') return false;
  cursor.index++;
  cursor.skip();
  return true;
}

/** USE INDEX FOR ORDER BY (a), IGNORE KEY (b), ... */
function skipIndexHints(cursor: Cursor): void {
  while (isIndexHint(cursor)) {
    cursor.index += 2;
    if (cursor.accept('FOR')) {
      if (!cursor.accept('JOIN') && !cursor.accept('ORDER', 'BY') && !cursor.accept('GROUP', 'BY'))
        cursor.fail();
    }
    if (cursor.word !== '(') cursor.fail();
    cursor.skip();
    cursor.accept(',');
  }
}

function isIndexHint(cursor: Cursor): boolean {
  const next = cursor.ahead(1);
  return ['USE', 'FORCE', 'IGNORE'].includes(cursor.word) && (next === 'INDEX' || next === 'KEY');
}
