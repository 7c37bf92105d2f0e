export type TokenKind =
  /** An unquoted word that may be a keyword. */
  | 'word'
  /** What can only be an identifier: quoted, beside a dot, or beginning with a digit. */
  | 'name'
  | 'string'
  /** A decimal number, without its sign. */
  | 'number'
  /** x'..', 0x.., b'..', 0b.. */
  | 'bits'
  | 'placeholder'
  /** @x */
  | 'variable'
  /** @@x, up to the first dot. */
  | 'systemVariable'
  | 'operator';

export interface Token {
  readonly kind: TokenKind;
  /** A word in upper case, an operator as written; empty for everything else. */
  readonly word: string;
  readonly start: number;
  /** Behind the last character. */
  readonly end: number;
  /** Among the placeholders of its statement, from 0; -1 for every other token. */
  readonly ordinal: number;
}

/** The end of every statement: saves readers from asking whether there is another token. */
export const END: Token = { kind: 'operator', word: '', start: 0, end: 0, ordinal: -1 };

/** The identifier that a token spells, without its quotes. */
export function identifier(text: string, token: Token): string {
  const first = text[token.start];
  if (token.kind !== 'name' || (first !== '`' && first !== '"')) return text.slice(token.start, token.end);
  const inner = text.slice(token.start + 1, token.end - 1);
  return inner.includes(first) ? inner.replaceAll(first + first, first) : inner;
}
