import type { Clause, JoinedTable } from './analysis.js';
import type { CommonTables } from './common-tables.js';
import type { Cursor } from './cursor.js';
import { unsupported } from './refusal.js';
import { readTableReference, type TableReference } from './table-reference.js';
import { isChanging, isVolatile } from './volatile.js';

export interface TableReferences {
  readonly tables: readonly JoinedTable[];
  /** As written, to be put after FROM. */
  readonly from: Clause;
  /** Whether reading it again could give other rows: subqueries, and what is volatile in a join's condition. */
  readonly volatile: boolean;
  /** Whether it could although nobody has written anything: what changes by itself in a join's condition, or a subquery. */
  readonly changing: boolean;
  /** The one table, where there is but one; null for a join and for a subquery. */
  readonly single: TableReference | null;
}

const SUBQUERY_WORDS = ['SELECT', 'WITH', 'TABLE', 'VALUES'];
const ENDS_CONDITION = new Set([',', 'ON', 'USING', 'SET', 'WHERE', 'ORDER', 'LIMIT', 'RETURNING']);

/** Reads table references: tables and subqueries, joined by commas and JOINs of every kind. */
export function readTableReferences(
  cursor: Cursor,
  common: CommonTables,
  verb: string,
  end = cursor.source.tokens.length,
): TableReferences {
  const { source } = cursor;
  const { names } = common;
  const begin = cursor.index;
  const tables: JoinedTable[] = [];
  const references: TableReference[] = [];
  let volatile = names.size > 0;
  let { changing } = common;
  let outer: 'none' | 'left' | 'right' = 'none';
  do {
    if (cursor.word === '(' || cursor.word === 'LATERAL') {
      const from = cursor.index;
      tables.push(readSubquery(cursor, verb));
      volatile = true;
      changing ||= isChanging(source, from + 1, cursor.index);
    } else {
      if (cursor.ahead(1) === '(' && cursor.word === 'JSON_TABLE') unsupported(`${verb} with JSON_TABLE`);
      const reference = readTableReference(cursor);
      const { schema, name } = reference.table;
      const derived = schema === null && names.has(name.toUpperCase());
      references.push(reference);
      tables.push({ ...reference.table, derived, optional: outer !== 'none' });
    }
    while (cursor.index < end && (cursor.word === 'ON' || cursor.word === 'USING')) {
      const from = cursor.index + 1;
      if (readCondition(cursor, end)) volatile = true;
      changing ||= isChanging(source, from, cursor.index);
    }
    const kind = joinAt(cursor);
    if (kind !== null && kind !== 'none' && outer !== 'right') outer = kind;
  } while (cursor.index < end && (cursor.accept(',') || acceptJoin(cursor)));
  return {
    // A RIGHT JOIN makes what stands before it optional, too.
    tables: outer === 'right' ? tables.map((table) => ({ ...table, optional: true })) : tables,
    from: source.clause(begin, cursor.index),
    volatile,
    changing,
    single: tables.length === 1 ? (references[0] ?? null) : null,
  };
}

/** [LATERAL] (SELECT ...) [AS] d [(columns)] */
function readSubquery(cursor: Cursor, verb: string): JoinedTable {
  if (cursor.accept('LATERAL') && cursor.word !== '(') cursor.fail();
  if (!SUBQUERY_WORDS.includes(cursor.ahead(1))) unsupported(`${verb} with tables in parentheses`);
  cursor.skip();
  cursor.accept('AS');
  const name = cursor.identifier();
  if (cursor.word === '(') cursor.skip();
  return { schema: null, name, alias: name, derived: true, optional: true };
}

/** ON condition, or USING (columns). */
function readCondition(cursor: Cursor, end: number): boolean {
  const { source } = cursor;
  if (cursor.accept('USING')) {
    if (cursor.word !== '(') cursor.fail();
    cursor.skip();
    return false;
  }
  cursor.expect('ON');
  const from = cursor.index;
  while (cursor.index < end && !ENDS_CONDITION.has(cursor.word) && joinAt(cursor) === null) cursor.skip();
  if (cursor.index === from) cursor.fail();
  return isVolatile(source, from, cursor.index);
}

/** The kind of join whose words stand at the cursor; LEFT(a, 1) is a call. */
function joinAt(cursor: Cursor): 'none' | 'left' | 'right' | null {
  const probe = cursor.word === 'NATURAL' ? 1 : 0;
  const word = cursor.ahead(probe);
  const next = cursor.ahead(probe + 1);
  if (word === 'JOIN') return 'none';
  if (probe === 0 && word === 'STRAIGHT_JOIN') return 'none';
  if ((word === 'INNER' || word === 'CROSS') && next === 'JOIN') return 'none';
  if (word !== 'LEFT' && word !== 'RIGHT') return null;
  if (next !== 'JOIN' && next !== 'OUTER') return null;
  return word === 'LEFT' ? 'left' : 'right';
}

function acceptJoin(cursor: Cursor): boolean {
  if (joinAt(cursor) === null) return false;
  while (['NATURAL', 'INNER', 'CROSS', 'LEFT', 'RIGHT', 'OUTER'].includes(cursor.word)) cursor.index++;
  if (!cursor.accept('JOIN')) cursor.expect('STRAIGHT_JOIN');
  return true;
}
