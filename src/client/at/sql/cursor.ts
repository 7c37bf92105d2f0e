import { notUnderstood } from './refusal.js';
import type { Source } from './source.js';
import { identifier, type Token } from './token.js';

/** Walks over the tokens of one statement from left to right. */
export class Cursor {
  readonly source: Source;
  index: number;

  constructor(source: Source, index = 0) {
    this.source = source;
    this.index = index;
  }

  get token(): Token {
    return this.source.at(this.index);
  }

  /** The word or operator at the cursor, in upper case; empty for anything else and at the end. */
  get word(): string {
    return this.token.word;
  }

  get done(): boolean {
    return this.index >= this.source.tokens.length;
  }

  /** The word or operator `distance` tokens ahead. */
  ahead(distance: number): string {
    return this.source.at(this.index + distance).word;
  }

  /** Steps over the words if they stand here one after the other. */
  accept(...words: readonly string[]): boolean {
    if (!words.every((word, distance) => this.ahead(distance) === word)) return false;
    this.index += words.length;
    return true;
  }

  expect(word: string): void {
    if (!this.accept(word)) this.fail();
  }

  /** Steps over an identifier and gives it without its quotes. */
  identifier(): string {
    const token = this.token;
    if (this.done || (token.kind !== 'name' && token.kind !== 'word')) this.fail();
    this.index++;
    return identifier(this.source.text, token);
  }

  /** Steps over one token, or over a whole group in parentheses. */
  skip(): void {
    this.index = this.source.skip(this.index);
  }

  expectEnd(): void {
    if (!this.done) this.fail();
  }

  fail(): never {
    if (this.done) notUnderstood('an early end');
    const { start, end } = this.token;
    notUnderstood(`near ${this.source.text.slice(start, Math.min(end, start + 40))}`);
  }
}
