import type { Control } from './analysis.js';
import type { Cursor } from './cursor.js';
import { unsupported } from './refusal.js';

/** Reads BEGIN, START, COMMIT, ROLLBACK, SAVEPOINT, RELEASE and USE from their verb. */
export function readControl(cursor: Cursor): Control {
  const control = readVerb(cursor);
  cursor.expectEnd();
  return control;
}

function readVerb(cursor: Cursor): Control {
  if (cursor.accept('BEGIN')) return readBegin(cursor);
  if (cursor.accept('START')) return readStart(cursor);
  if (cursor.accept('COMMIT')) return readCompletion(cursor, 'commit');
  if (cursor.accept('ROLLBACK')) return readRollback(cursor);
  if (cursor.accept('SAVEPOINT')) return { verb: 'savepoint', name: savepointName(cursor) };
  if (cursor.accept('USE')) return { verb: 'use', schema: cursor.identifier() };
  cursor.expect('RELEASE');
  cursor.expect('SAVEPOINT');
  return { verb: 'releaseSavepoint', name: savepointName(cursor) };
}

/**
 * Both servers compare savepoints by utf8mb3_general_ci, to which é is e and trailing spaces are nothing: of names
 * in ASCII we know which are one.
 */
function savepointName(cursor: Cursor): string {
  const name = cursor.identifier();
  if (!/^[ -~]*[!-~]$/.test(name)) unsupported(`the name of the savepoint ${JSON.stringify(name)}`);
  return name;
}

function readBegin(cursor: Cursor): Control {
  if (cursor.word === 'NOT') unsupported('BEGIN NOT ATOMIC');
  cursor.accept('WORK');
  return { verb: 'begin', readOnly: false };
}

function readStart(cursor: Cursor): Control {
  if (cursor.word !== 'TRANSACTION') unsupported(`START ${cursor.word}`.trimEnd());
  cursor.index++;
  let readOnly = false;
  if (cursor.done) return { verb: 'begin', readOnly };
  do {
    if (cursor.accept('READ', 'ONLY')) readOnly = true;
    else if (!cursor.accept('READ', 'WRITE') && !cursor.accept('WITH', 'CONSISTENT', 'SNAPSHOT'))
      cursor.fail();
  } while (cursor.accept(','));
  return { verb: 'begin', readOnly };
}

function readRollback(cursor: Cursor): Control {
  const behindWork = cursor.word === 'WORK' ? 1 : 0;
  if (cursor.ahead(behindWork) !== 'TO') return readCompletion(cursor, 'rollback');
  cursor.index += behindWork + 1;
  // A savepoint may itself be called `savepoint`.
  if (cursor.word === 'SAVEPOINT' && cursor.index + 1 < cursor.source.tokens.length) cursor.index++;
  return { verb: 'rollbackTo', name: savepointName(cursor) };
}

/** [WORK] [AND [NO] CHAIN] [[NO] RELEASE] */
function readCompletion(cursor: Cursor, verb: 'commit' | 'rollback'): Control {
  cursor.accept('WORK');
  let chain = false;
  if (cursor.accept('AND')) {
    chain = !cursor.accept('NO');
    cursor.expect('CHAIN');
  }
  let release = false;
  if (!cursor.done) {
    release = !cursor.accept('NO');
    cursor.expect('RELEASE');
  }
  return { verb, chain, release };
}
