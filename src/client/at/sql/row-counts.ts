import type { Source } from './source.js';

/** Which of a statement's placeholders, by their index, say how many rows: those behind LIMIT, OFFSET and FETCH. */
export function rowCountsOf(source: Source): readonly number[] {
  return source.tokens.flatMap(({ ordinal }, index) => {
    const [word, , before] = [1, 2, 3].map((back) => source.at(index - back).word);
    const counts = word === 'LIMIT' || word === 'OFFSET' || (word === ',' && before === 'LIMIT');
    const fetches = (word === 'FIRST' || word === 'NEXT') && source.at(index - 2).word === 'FETCH';
    return ordinal >= 0 && (counts || fetches) ? [ordinal] : [];
  });
}
