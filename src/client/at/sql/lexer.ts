import type { SqlDialect } from '../executor.js';
import { endsDashes, isBinaryDigit, isDigit, isHexDigit, isSpace, isWordPart } from './characters.js';
import type { Token, TokenKind } from './token.js';

/** Why the lexer went no further: from here on nothing in the text can be trusted. */
export interface LexicalProblem {
  readonly at: number;
  readonly construct: string;
}

export interface Lexed {
  readonly tokens: readonly Token[];
  readonly problem: LexicalProblem | null;
}

const OPERATORS = ['->>', '<=>', ':=', '<=', '>=', '<>', '!=', '<<', '>>', '||', '&&', '->'];
const LONGER = new Map<number, readonly string[]>();
for (const operator of OPERATORS) {
  const first = operator.charCodeAt(0);
  LONGER.set(first, [...(LONGER.get(first) ?? []), operator]);
}
const SINGLE = new Set(Array.from('(),.;+-*/%=<>!~&|^:{}[]', (character) => character.charCodeAt(0)));

const code = (character: string): number => character.charCodeAt(0);
const QUOTE = code("'");
const DOUBLE = code('"');
const BACKTICK = code('`');
const BACKSLASH = code('\\');
const HASH = code('#');
const DASH = code('-');
const SLASH = code('/');
const STAR = code('*');
const DOT = code('.');
const AT = code('@');
const QUESTION = code('?');
const DOLLAR = code('$');
const SEMICOLON = code(';');
const UNDERSCORE = code('_');
const PLUS = code('+');
const ZERO = code('0');
const EXPONENTS = [code('e'), code('E')];
const BINARY_PREFIXES = [code('b'), code('B')];
const HEX_PREFIXES = [code('x'), code('X')];
const NATIONAL_PREFIXES = [code('n'), code('N')];

/**
 * Cuts a text into tokens by the rules of MySQL's and MariaDB's own lexers (sql_lex.cc): comments fall out,
 * everything else is kept with its place. Never throws: what it cannot read ends the tokens with a problem.
 */
export function lex(text: string, dialect: SqlDialect): Lexed {
  return new Lexer(text, dialect).run();
}

class Lexer {
  readonly #text: string;
  readonly #dialect: SqlDialect;
  readonly #tokens: Token[] = [];
  #problem: LexicalProblem | null = null;
  #ordinal = 0;

  constructor(text: string, dialect: SqlDialect) {
    this.#text = text;
    this.#dialect = dialect;
  }

  run(): Lexed {
    const text = this.#text;
    let at = 0;
    while (at < text.length && this.#problem === null) {
      const character = text.charCodeAt(at);
      at = isSpace(character) ? at + 1 : this.#token(at, character);
    }
    return { tokens: this.#tokens, problem: this.#problem };
  }

  /** Reads the token or comment at `at` and gives the place behind it. */
  #token(at: number, character: number): number {
    const next = this.#text.charCodeAt(at + 1);
    if (isWordPart(character)) return this.#wordOrNumber(at, character, next);
    switch (character) {
      case QUOTE:
        return this.#string(at, at);
      case DOUBLE:
        return this.#dialect.ansiQuotes ? this.#quotedName(at) : this.#string(at, at);
      case BACKTICK:
        return this.#quotedName(at);
      case HASH:
        return this.#lineComment(at);
      case DASH:
        if (next === DASH && endsDashes(this.#text.charCodeAt(at + 2))) return this.#lineComment(at);
        break;
      case SLASH:
        if (next === STAR) return this.#blockComment(at);
        break;
      case DOT:
        // A dot before a digit begins a number, but not within t.1a, where it follows the identifier directly.
        if (isDigit(next) && !this.#afterIdentifier(at)) return this.#fraction(at, at + 1);
        break;
      case AT:
        return this.#variable(at, next);
      case QUESTION:
        if (isWordPart(next)) return this.#stop(at, `'?' before a word`);
        return this.#push('placeholder', at, at + 1, '', this.#ordinal++);
      case SEMICOLON:
        this.#ordinal = 0;
        break;
    }
    return this.#operator(at, character);
  }

  #push(kind: TokenKind, start: number, end: number, word = '', ordinal = -1): number {
    this.#tokens.push({ kind, word, start, end, ordinal });
    return end;
  }

  #stop(at: number, construct: string): number {
    this.#problem = { at, construct };
    return this.#text.length;
  }

  #operator(at: number, character: number): number {
    const longer = LONGER.get(character)?.find((operator) => this.#text.startsWith(operator, at));
    if (longer !== undefined) return this.#push('operator', at, at + longer.length, longer);
    if (SINGLE.has(character)) return this.#push('operator', at, at + 1, this.#text[at]);
    return this.#stop(at, `character ${JSON.stringify(this.#text[at])}`);
  }

  #lineComment(at: number): number {
    const end = this.#text.indexOf('\n', at);
    return this.#withoutNul(at, end === -1 ? this.#text.length : end + 1);
  }

  #blockComment(at: number): number {
    const body = this.#text.slice(at + 2, at + 4);
    // The server reads on inside; even where the version does not apply, it has its own idea of the end.
    if (body.startsWith('!') || body === 'M!') return this.#stop(at, 'executable comment');
    const end = this.#text.indexOf('*/', at + 2);
    if (end === -1) return this.#stop(at, 'unclosed comment');
    // In an optimizer hint the server reads quotes, and could so find another end; SET_VAR may change sql_mode.
    if (body.startsWith('+') && !isPlainHint(this.#text.slice(at + 3, end))) {
      return this.#stop(at, 'optimizer hint');
    }
    return this.#withoutNul(at, end + 2);
  }

  /** A NUL ends a comment early in the server's lexer. */
  #withoutNul(at: number, end: number): number {
    return this.#text.slice(at, end).includes('\0') ? this.#stop(at, 'NUL in a comment') : end;
  }

  #string(start: number, quoteAt: number, kind: TokenKind = 'string'): number {
    const text = this.#text;
    const quote = text.charCodeAt(quoteAt);
    const escapes = !this.#dialect.noBackslashEscapes;
    for (let at = quoteAt + 1; at < text.length; at++) {
      const character = text.charCodeAt(at);
      if (character === BACKSLASH && escapes) at++;
      else if (character === quote) {
        if (text.charCodeAt(at + 1) !== quote) return this.#push(kind, start, at + 1);
        at++;
      }
    }
    return this.#stop(start, 'unclosed string');
  }

  /** A backslash means nothing in a quoted identifier. */
  #quotedName(start: number): number {
    const end = this.#endOfQuotedName(start);
    return end === -1 ? this.#stop(start, 'unclosed identifier') : this.#push('name', start, end);
  }

  #endOfQuotedName(start: number): number {
    const quote = this.#text[start]!;
    let at = this.#text.indexOf(quote, start + 1);
    while (at !== -1 && this.#text[at + 1] === quote) at = this.#text.indexOf(quote, at + 2);
    return at === -1 ? -1 : at + 1;
  }

  #afterIdentifier(at: number): boolean {
    const last = this.#tokens.at(-1);
    return (
      last !== undefined &&
      last.end === at &&
      (last.kind === 'name' || last.kind === 'word') &&
      !this.#isQuoted(last)
    );
  }

  #isQuoted(token: Token): boolean {
    const first = this.#text.charCodeAt(token.start);
    return first === BACKTICK || first === DOUBLE;
  }

  #afterDot(at: number): boolean {
    const last = this.#tokens.at(-1);
    return last !== undefined && last.end === at && last.word === '.';
  }

  #wordOrNumber(at: number, character: number, next: number): number {
    const qualified = this.#afterDot(at);
    if (isDigit(character) && !qualified) {
      const end = this.#number(at, character, next);
      if (end !== -1) return end;
      return this.#push('name', at, this.#wordEnd(at));
    }
    if (next === QUOTE && !qualified) {
      if (HEX_PREFIXES.includes(character)) return this.#bits(at, isHexDigit, 2);
      if (BINARY_PREFIXES.includes(character)) return this.#bits(at, isBinaryDigit, 1);
      if (NATIONAL_PREFIXES.includes(character)) return this.#string(at, at + 1);
    }
    return this.#word(at, character, qualified);
  }

  #word(at: number, character: number, qualified: boolean): number {
    const text = this.#text;
    const end = this.#wordEnd(at);
    // MySQL 9 reads $tag$ ... $tag$ as a string.
    if (character === DOLLAR && text.slice(at + 1, end).includes('$')) {
      return this.#stop(at, 'dollar-quoted text');
    }
    // Beside a dot a keyword is an identifier: t.order, order.t
    const dotted = text.charCodeAt(end) === DOT && isWordPart(text.charCodeAt(end + 1));
    if (qualified || dotted) return this.#push('name', at, end);
    return this.#push('word', at, end, text.slice(at, end).toUpperCase());
  }

  #wordEnd(at: number): number {
    let end = at + 1;
    while (isWordPart(this.#text.charCodeAt(end))) end++;
    return end;
  }

  /** x'..' and b'..': the digits and the closing quote, or nothing at all. */
  #bits(at: number, isPart: (character: number) => boolean, multiple: number): number {
    let end = at + 2;
    while (isPart(this.#text.charCodeAt(end))) end++;
    const closed = this.#text.charCodeAt(end) === QUOTE && (end - at - 2) % multiple === 0;
    return closed ? this.#push('bits', at, end + 1) : this.#stop(at, 'unclosed literal');
  }

  /** The place behind the number at `at`, or -1 where the digits begin an identifier. */
  #number(at: number, character: number, next: number): number {
    const text = this.#text;
    // Only the small letters: 0X1 and 0B1 are identifiers.
    if (character === ZERO && (next === HEX_PREFIXES[0] || next === BINARY_PREFIXES[0])) {
      const isPart = next === HEX_PREFIXES[0] ? isHexDigit : isBinaryDigit;
      const end = this.#digits(at + 2, isPart);
      return end > at + 2 && !isWordPart(text.charCodeAt(end)) ? this.#push('bits', at, end) : -1;
    }
    const end = this.#digits(at, isDigit);
    if (text.charCodeAt(end) === DOT) return this.#fraction(at, end + 1);
    if (!isWordPart(text.charCodeAt(end))) return this.#push('number', at, end);
    const exponent = this.#exponent(end);
    return exponent === -1 ? -1 : this.#push('number', at, exponent);
  }

  #fraction(start: number, at: number): number {
    const end = this.#digits(at, isDigit);
    if (!EXPONENTS.includes(this.#text.charCodeAt(end))) return this.#push('number', start, end);
    const exponent = this.#exponent(end);
    return exponent === -1
      ? this.#stop(start, 'number without exponent')
      : this.#push('number', start, exponent);
  }

  /** The place behind the exponent at `at`, or -1 where there is none. */
  #exponent(at: number): number {
    if (!EXPONENTS.includes(this.#text.charCodeAt(at))) return -1;
    const sign = this.#text.charCodeAt(at + 1);
    const from = sign === PLUS || sign === DASH ? at + 2 : at + 1;
    const end = this.#digits(from, isDigit);
    return end > from ? end : -1;
  }

  #digits(at: number, isPart: (character: number) => boolean): number {
    let end = at;
    while (isPart(this.#text.charCodeAt(end))) end++;
    return end;
  }

  #variable(at: number, next: number): number {
    const system = next === AT;
    const from = system ? at + 2 : at + 1;
    const kind = system ? 'systemVariable' : 'variable';
    const first = this.#text.charCodeAt(from);
    if (first === BACKTICK || (first === DOUBLE && this.#dialect.ansiQuotes)) {
      const end = this.#endOfQuotedName(from);
      return end === -1 ? this.#stop(from, 'unclosed identifier') : this.#push(kind, at, end);
    }
    if (!system && (first === QUOTE || first === DOUBLE)) return this.#string(at, from, kind);
    let end = from;
    while (isWordPart(this.#text.charCodeAt(end)) || (!system && this.#text.charCodeAt(end) === DOT)) end++;
    return end === from ? this.#stop(at, `character "@"`) : this.#push(kind, at, end);
  }
}

function isPlainHint(body: string): boolean {
  if (/sql_mode/i.test(body)) return false;
  return ["'", '"', '`'].every((quote) => (body.split(quote).length - 1) % 2 === 0);
}

/** A word such as _utf8mb4 before a string names the string's charset. */
export function isIntroducer(text: string, token: Token): boolean {
  return token.kind === 'word' && text.charCodeAt(token.start) === UNDERSCORE;
}
