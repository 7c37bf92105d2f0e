import type { Control } from './analysis.js';
import type { Cursor } from './cursor.js';
import { unsupported } from './refusal.js';
import { locksAnywhere } from './select.js';
import type { Source } from './source.js';
import { identifier } from './token.js';

const SERVER_SCOPES = ['GLOBAL', 'PERSIST', 'PERSIST_ONLY'];
const SESSION_SCOPES = ['SESSION', 'LOCAL'];

/** What of SET is refused: it commits implicitly, changes the server for everyone, or runs another statement. */
const REFUSED_FORMS: readonly (readonly string[])[] = [
  ['PASSWORD'],
  ['DEFAULT', 'ROLE'],
  ['STATEMENT'],
  ['RESOURCE', 'GROUP'],
];

/** Reads a SET from its verb. */
export function readSet(cursor: Cursor): Control {
  cursor.expect('SET');
  for (const form of REFUSED_FORMS) {
    if (form.every((word, distance) => cursor.ahead(distance) === word)) unsupported(`SET ${form.join(' ')}`);
  }
  if (cursor.word === 'TRANSACTION' && cursor.ahead(1) !== '=') return { verb: 'setTransaction' };
  refuseServerScope(cursor);
  if (locksAnywhere(cursor.source)) unsupported('FOR UPDATE in a subquery');
  if (cursor.done) cursor.fail();
  const autocommit = readAutocommit(cursor);
  if (autocommit !== null) return autocommit;
  // It may commit the local transaction, and only the server would know.
  if (assignsAutocommit(cursor.source)) unsupported('SET autocommit in a list, or to an expression');
  return { verb: 'set' };
}

/** Any assignment of the list may be to a global variable. */
function refuseServerScope(cursor: Cursor): void {
  const { source } = cursor;
  let index = cursor.index;
  while (index < source.tokens.length) {
    const token = source.at(index);
    const scope =
      token.kind === 'systemVariable'
        ? systemName(source.text.slice(token.start + 2, token.end))
        : token.word;
    // A word is a scope before the variable's name: SET global = 1 would be a variable of that name.
    const applies =
      token.kind === 'systemVariable'
        ? source.at(index + 1).word === '.'
        : source.at(index + 1).kind !== 'operator';
    if (applies && SERVER_SCOPES.includes(scope)) unsupported(`SET ${scope}`);
    index = source.find(index, (word) => word === ',') + 1;
  }
}

/** SET autocommit in all its spellings, where the new value stands in the text; null for everything else. */
function readAutocommit(cursor: Cursor): Control | null {
  if (variableName(cursor) !== 'AUTOCOMMIT') return null;
  if (!cursor.accept('=') && !cursor.accept(':=')) return null;
  const on = switchValue(cursor);
  cursor.index++;
  return on === null || !cursor.done ? null : { verb: 'setAutocommit', on };
}

function assignsAutocommit(source: Source): boolean {
  return source.tokens.some((token, index) => {
    if (!['=', ':='].includes(source.at(index + 1).word)) return false;
    const written = source.text.slice(token.start, token.end);
    const name =
      token.kind === 'systemVariable'
        ? systemName(written.slice(2))
        : token.kind === 'word' || token.kind === 'name'
          ? identifier(source.text, token).toUpperCase()
          : null;
    return name === 'AUTOCOMMIT';
  });
}

/** The name of the session variable on the left of the first assignment, in upper case. */
function variableName(cursor: Cursor): string | null {
  const { text } = cursor.source;
  if (cursor.token.kind === 'systemVariable') {
    const first = systemName(text.slice(cursor.token.start + 2, cursor.token.end));
    cursor.index++;
    if (!cursor.accept('.')) return first;
    return SESSION_SCOPES.includes(first) ? cursor.identifier().toUpperCase() : null;
  }
  if (SESSION_SCOPES.includes(cursor.word) && cursor.source.at(cursor.index + 1).kind !== 'operator')
    cursor.index++;
  const { kind } = cursor.token;
  return kind === 'word' || kind === 'name' ? cursor.identifier().toUpperCase() : null;
}

function systemName(written: string): string {
  return (/^[`"]/.test(written) ? written.slice(1, -1) : written).toUpperCase();
}

function switchValue(cursor: Cursor): boolean | null {
  const { token, source } = cursor;
  const written = identifier(source.text, token).toUpperCase();
  const value = token.kind === 'string' ? written.slice(1, -1) : written;
  if (value === 'ON' || (token.kind !== 'string' && ['1', 'TRUE'].includes(value))) return true;
  if (value === 'OFF' || (token.kind !== 'string' && ['0', 'FALSE'].includes(value))) return false;
  return null;
}
