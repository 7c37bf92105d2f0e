import type { SqlDialect } from '../executor.js';
import { isSpace } from './characters.js';
import { lex } from './lexer.js';
import type { Token } from './token.js';

/** One of several statements of a text, as the server takes them one after the other. */
export interface Part {
  readonly text: string;
  /** Where in the whole text the next part begins. */
  readonly next: number;
}

/**
 * Cuts a text, from an offset on, where a server with CLIENT_MULTI_STATEMENTS cuts it. Semicolons at the text's end
 * count for nothing; comments at its end are a part, with an answer of its own; at a semicolon without a statement the
 * server gives up, so what begins with one is the last part.
 */
export function partsOf(text: string, dialect: SqlDialect, from = 0): readonly Part[] {
  const end = lastVisible(text);
  const parts: Part[] = [];
  let begin = from;
  let empty = true;
  for (const { word, start, end: behind } of lex(text.slice(from), dialect).tokens) {
    if (word === ';' && (empty || from + start >= end)) break;
    empty = word === ';';
    if (!empty) continue;
    const next = firstVisible(text, from + behind);
    parts.push({ text: text.slice(begin, from + start), next });
    begin = next;
  }
  if (begin < end) parts.push({ text: text.slice(begin, end), next: text.length });
  return parts;
}

/** Whether there is more than one part. */
export function isSeveral(text: string, tokens: readonly Token[]): boolean {
  const end = lastVisible(text);
  return (
    tokens.some(({ word, start }, index) => word === ';' && index > 0 && start < end) &&
    tokens[0]!.word !== ';'
  );
}

function lastVisible(text: string): number {
  let end = text.length;
  while (end > 0 && (text[end - 1] === ';' || isSpace(text.charCodeAt(end - 1)))) end -= 1;
  return end;
}

function firstVisible(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text.charCodeAt(at))) at += 1;
  return at;
}
