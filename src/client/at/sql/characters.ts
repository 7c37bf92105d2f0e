/** What one character may begin or continue, by the rules of MySQL's lexer. Beyond ASCII every character is part of a word. */
const SPACE = 1;
const DIGIT = 2;
const HEX = 4;
const WORD = 8;
const BINARY = 16;

const CLASSES = new Uint8Array(128);

function mark(characters: string, flags: number): void {
  for (let i = 0; i < characters.length; i++) CLASSES[characters.charCodeAt(i)]! |= flags;
}

// Not what JavaScript calls white space: a no-break space is part of a word.
mark(' \t\n\v\f\r', SPACE);
mark('01', BINARY);
mark('0123456789', DIGIT | HEX | WORD);
mark('abcdefABCDEF', HEX);
mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$', WORD);

function has(code: number, flag: number): boolean {
  return code < 128 && (CLASSES[code]! & flag) !== 0;
}

export const isSpace = (code: number): boolean => has(code, SPACE);
export const isDigit = (code: number): boolean => has(code, DIGIT);
export const isHexDigit = (code: number): boolean => has(code, HEX);
export const isBinaryDigit = (code: number): boolean => has(code, BINARY);
/** Past the end of a text charCodeAt gives NaN, which is part of nothing. */
export const isWordPart = (code: number): boolean => code >= 128 || has(code, WORD);
/** `--` opens a comment only before white space, a control character or the end of the text. */
export const endsDashes = (code: number): boolean => Number.isNaN(code) || code <= 32 || code === 127;
