import type { Statement } from './analysis.js';
import { NO_COMMON_TABLES, readCommonTables } from './common-tables.js';
import { readControl } from './control.js';
import { Cursor } from './cursor.js';
import { readDelete } from './delete.js';
import { readExplain } from './explain.js';
import { readInsert, readReplace } from './insert.js';
import { notUnderstood, Refusal, unsupported } from './refusal.js';
import { refuseByName } from './refused.js';
import { locksAnywhere, readQuery } from './select.js';
import { readSet } from './set.js';
import type { Segment, Source } from './source.js';
import { readUpdate } from './update.js';

/** Statements that are read from the text alone and then have to be agreed on by the parser. */
export type Agreement = (source: Source, statement: Statement) => void;

/** Reads one statement; what the readers refuse becomes a 'refused' statement. */
export function readStatement(segment: Segment, agree: Agreement): Statement {
  try {
    if (segment.problem !== null) notUnderstood(segment.problem.construct);
    if (!segment.source.balanced) notUnderstood('unbalanced parentheses');
    const statement = dispatch(new Cursor(segment.source));
    agree(segment.source, statement);
    return statement;
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'refused', code: error.code, construct: error.construct };
    throw error;
  }
}

function dispatch(cursor: Cursor): Statement {
  switch (cursor.word) {
    case 'INSERT':
      return readWriting(cursor, readInsert);
    case 'REPLACE':
      return readWriting(cursor, readReplace);
    case 'UPDATE':
      return readWriting(cursor, (at) => readUpdate(at, NO_COMMON_TABLES));
    case 'DELETE':
      return readWriting(cursor, (at) => readDelete(at, NO_COMMON_TABLES));
    case 'SELECT':
    case 'TABLE':
    case 'VALUES':
    case '(':
      return readQuery(cursor);
    case 'WITH':
      return readWith(cursor);
    case 'SHOW':
    case 'HELP':
      return { kind: 'read' };
    case 'EXPLAIN':
    case 'DESCRIBE':
    case 'DESC':
      return readExplain(cursor);
    case 'BEGIN':
    case 'START':
    case 'COMMIT':
    case 'ROLLBACK':
    case 'SAVEPOINT':
    case 'RELEASE':
    case 'USE':
      return { kind: 'control', control: readControl(cursor) };
    case 'SET':
      return { kind: 'control', control: readSet(cursor) };
    default:
      return refuseByName(cursor);
  }
}

function readWriting(cursor: Cursor, read: (cursor: Cursor) => Statement): Statement {
  const { source } = cursor;
  source.tokens.forEach((token, index) => {
    // The value would be set for the statements to come, and again by every query that repeats the condition.
    if (token.kind === 'variable' && source.at(index + 1).word === ':=')
      unsupported('assignment to a user variable');
  });
  cursor.index++;
  const statement = read(cursor);
  if (locksAnywhere(source)) unsupported('FOR UPDATE in a subquery');
  return statement;
}

/** WITH a AS (...) in front of SELECT is a query, in front of UPDATE and DELETE (MySQL) part of their condition. */
function readWith(cursor: Cursor): Statement {
  const { source } = cursor;
  const main = source.find(cursor.index + 1, (word) =>
    ['SELECT', 'UPDATE', 'DELETE', 'INSERT', 'REPLACE'].includes(word),
  );
  const { word } = source.at(main);
  if (word === 'UPDATE' || word === 'DELETE') {
    const common = readCommonTables(cursor);
    if (cursor.index !== main) cursor.fail();
    return readWriting(cursor, (at) => (word === 'UPDATE' ? readUpdate(at, common) : readDelete(at, common)));
  }
  if (word !== '' && word !== 'SELECT') unsupported(`WITH ... ${word}`);
  return readQuery(cursor);
}
