import { isSpace } from './characters.js';

const code = (character: string): number => character.charCodeAt(0);
const SLASH = code('/');
const STAR = code('*');
const HASH = code('#');
const DASH = code('-');
const OPEN = code('(');
const SEMICOLON = code(';');
const BANG = code('!');
const M = code('M');
const TO_LOWER = 0x20;

/** The first three letters of BEGIN, CALL, COMMIT, CREATE, EXECUTE, LOCK, RELEASE, ROLLBACK, SAVEPOINT, SET, START, UNLOCK, USE; two of XA. */
const HEADS = new Set(
  ['beg', 'cal', 'com', 'cre', 'exe', 'loc', 'rel', 'rol', 'sav', 'set', 'sta', 'unl', 'use'].map(pack),
);
const XA = pack('xa ') & 0xffff00;

function pack(letters: string): number {
  return (code(letters[0]!) << 16) | (code(letters[1]!) << 8) | code(letters[2]!);
}

/**
 * Whether a text may change the state of the local transaction or of the session: BEGIN, START, COMMIT,
 * ROLLBACK, SAVEPOINT, RELEASE, SET, USE, XA, LOCK and UNLOCK, CREATE, and what runs others: CALL, EXECUTE. Meant for every statement outside of global
 * transactions, so it looks at the head alone (about 0.1 µs): false is certain, true means 'ask `analyze`'.
 * A text with executable comments in front, or with several statements, is always answered by true.
 */
export function mayControl(text: string): boolean {
  let at = 0;
  for (;;) {
    const character = text.charCodeAt(at);
    if (isSpace(character) || character === OPEN || character === SEMICOLON) at++;
    else if (character === HASH || (character === DASH && text.charCodeAt(at + 1) === DASH)) {
      const end = text.indexOf('\n', at);
      if (end === -1) return false;
      at = end + 1;
    } else if (character === SLASH && text.charCodeAt(at + 1) === STAR) {
      const mark = text.charCodeAt(at + 2);
      if (mark === BANG || mark === M) return true;
      const end = text.indexOf('*/', at + 2);
      if (end === -1) return false;
      at = end + 2;
    } else break;
  }
  if (isHead(text, at)) return true;
  const semicolon = text.indexOf(';', at);
  return semicolon !== -1 && semicolon < text.trimEnd().length - 1;
}

function isHead(text: string, at: number): boolean {
  const two = ((text.charCodeAt(at) | TO_LOWER) << 16) | ((text.charCodeAt(at + 1) | TO_LOWER) << 8);
  return two === XA || HEADS.has(two | (text.charCodeAt(at + 2) | TO_LOWER));
}
