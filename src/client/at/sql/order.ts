import type { Clause } from './analysis.js';
import type { Source } from './source.js';

export interface Order {
  /** Fit for a query of whole rows: what is constant for the application's statement is constant here. */
  readonly clause: Clause;
  /** Whether an item is a number: in a SELECT the position of a result column. */
  readonly byPosition: boolean;
}

const NULL: Clause = { text: 'NULL', placeholders: [], offsets: [] };
const CONSTANT_WORDS = new Set(['(', ')', '+', '-', 'ASC', 'DESC']);

/**
 * Reads the items of ORDER BY. A lone placeholder sorts nothing; but written into a SELECT its value could be
 * taken for a column's position, so NULL, which sorts nothing either, takes its place.
 */
export function readOrder(source: Source, from: number, to: number): Order {
  const items: Clause[] = [];
  let byPosition = false;
  let begin = from;
  while (begin < to) {
    const end = Math.min(
      source.find(begin, (word) => word === ','),
      to,
    );
    const kind = itemKind(source, begin, end);
    items.push(kind === 'placeholder' ? NULL : source.clause(begin, end));
    byPosition ||= kind === 'number';
    begin = end + 1;
  }
  const isVerbatim = !items.includes(NULL);
  return { clause: isVerbatim ? source.clause(from, to) : joined(items), byPosition };
}

function itemKind(source: Source, from: number, to: number): 'placeholder' | 'number' | 'expression' {
  let kind: 'placeholder' | 'number' = 'number';
  for (let index = from; index < to; index++) {
    const token = source.at(index);
    if (token.kind === 'placeholder') kind = 'placeholder';
    else if (token.kind !== 'number' && !CONSTANT_WORDS.has(token.word)) return 'expression';
  }
  return kind;
}

function joined(items: readonly Clause[]): Clause {
  const placeholders: number[] = [];
  const offsets: number[] = [];
  let text = '';
  for (const item of items) {
    if (text !== '') text += ', ';
    offsets.push(...item.offsets.map((offset) => offset + text.length));
    placeholders.push(...item.placeholders);
    text += item.text;
  }
  return { text, placeholders, offsets };
}
