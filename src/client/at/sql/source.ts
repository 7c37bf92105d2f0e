import type { Clause } from './analysis.js';
import type { LexicalProblem } from './lexer.js';
import { END, type Token } from './token.js';

/** One statement of a text: its tokens, and the text that they point into. */
export class Source {
  readonly text: string;
  readonly tokens: readonly Token[];
  /** Where the statement begins, its leading comments included. */
  readonly begin: number;
  readonly #partners: Int32Array;
  /** Whether every parenthesis has its partner. */
  readonly balanced: boolean;

  constructor(text: string, tokens: readonly Token[], begin: number) {
    this.text = text;
    this.tokens = tokens;
    this.begin = begin;
    this.#partners = new Int32Array(tokens.length);
    const open: number[] = [];
    let balanced = true;
    tokens.forEach((token, index) => {
      if (token.word === '(') open.push(index);
      else if (token.word === ')') {
        const partner = open.pop();
        if (partner === undefined) balanced = false;
        else this.#partners[partner] = index;
      }
    });
    this.balanced = balanced && open.length === 0;
  }

  at(index: number): Token {
    return this.tokens[index] ?? END;
  }

  /** The index behind the token at `index`, or behind the whole group where that is an open parenthesis. */
  skip(index: number): number {
    return this.at(index).word === '(' ? this.#partners[index]! + 1 : index + 1;
  }

  /** The first index from `from` on, outside of parentheses, whose word `is` accepts; the end if there is none. */
  find(from: number, is: (word: string, index: number) => boolean): number {
    let index = from;
    while (index < this.tokens.length) {
      const word = this.tokens[index]!.word;
      if (word !== '' && is(word, index)) return index;
      index = this.skip(index);
    }
    return this.tokens.length;
  }

  /** The stretch of text from one token up to (not with) another. */
  clause(from: number, to: number): Clause {
    if (from >= to) return EMPTY;
    return this.#clause(this.tokens[from]!.start, from, to);
  }

  /** As `clause`, from the statement's first character: its leading comments are part of it. */
  clauseFromBegin(to: number): Clause {
    return to === 0 ? EMPTY : this.#clause(this.begin, 0, to);
  }

  #clause(start: number, from: number, to: number): Clause {
    const placeholders: number[] = [];
    const offsets: number[] = [];
    for (let index = from; index < to; index++) {
      const token = this.tokens[index]!;
      if (token.ordinal === -1) continue;
      placeholders.push(token.ordinal);
      offsets.push(token.start - start);
    }
    return { text: this.text.slice(start, this.tokens[to - 1]!.end), placeholders, offsets };
  }
}

const EMPTY: Clause = { text: '', placeholders: [], offsets: [] };

/** A statement, or where the lexer gave up. */
export type Segment = { readonly source: Source; readonly problem: LexicalProblem | null };

/** Cuts the tokens of a text at its semicolons; statements without a token fall out. */
export function split(
  text: string,
  tokens: readonly Token[],
  problem: LexicalProblem | null,
): readonly Segment[] {
  const segments: Segment[] = [];
  let first = 0;
  let begin = 0;
  const cut = (end: number, segmentProblem: LexicalProblem | null): void => {
    if (end === first && segmentProblem === null) return;
    const whole = first === 0 && end === tokens.length;
    const source = new Source(text, whole ? tokens : tokens.slice(first, end), firstVisible(text, begin));
    segments.push({ source, problem: segmentProblem });
  };
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index]!;
    if (token.word !== ';') continue;
    cut(index, null);
    first = index + 1;
    begin = token.end;
  }
  cut(tokens.length, problem);
  return segments;
}

function firstVisible(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\n\v\f\r'.includes(text[at]!)) at++;
  return at;
}
