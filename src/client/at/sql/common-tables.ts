import type { Clause } from './analysis.js';
import type { Cursor } from './cursor.js';
import { isChanging } from './volatile.js';

/** The WITH in front of a statement. */
export interface CommonTables {
  /** With the word WITH; null when there is none. */
  readonly clause: Clause | null;
  /** In upper case: both servers compare them without case. */
  readonly names: ReadonlySet<string>;
  /** Whether its rows may be others when it is read again: see `isChanging`. */
  readonly changing: boolean;
}

export const NO_COMMON_TABLES: CommonTables = { clause: null, names: new Set(), changing: false };

/** Reads WITH [RECURSIVE] a [(columns)] AS (...), ... up to the statement's verb. */
export function readCommonTables(cursor: Cursor): CommonTables {
  const { source } = cursor;
  const begin = cursor.index;
  const names = new Set<string>();
  let changing = false;
  cursor.expect('WITH');
  cursor.accept('RECURSIVE');
  do {
    names.add(cursor.identifier().toUpperCase());
    if (cursor.word === '(') cursor.skip();
    cursor.expect('AS');
    if (cursor.word !== '(') cursor.fail();
    const from = cursor.index;
    cursor.skip();
    changing ||= isChanging(source, from + 1, cursor.index);
  } while (cursor.accept(','));
  return {
    clause: source.clause(begin, cursor.index),
    names,
    changing,
  };
}
