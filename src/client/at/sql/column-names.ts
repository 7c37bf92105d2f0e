import type { ColumnName } from './analysis.js';
import type { Source } from './source.js';
import { identifier, type Token } from './token.js';

function isName({ kind }: Token): boolean {
  return kind === 'name' || kind === 'word';
}

/** What may be a column between two tokens: every name that is not called. Keywords cannot be told apart from it. */
export function columnNames(source: Source, from: number, to: number): readonly ColumnName[] {
  const names: ColumnName[] = [];
  for (let index = from; index < to; index++) {
    if (!isName(source.at(index))) continue;
    const path = [identifier(source.text, source.at(index))];
    while (source.at(index + 1).word === '.' && isName(source.at(index + 2))) {
      index += 2;
      path.push(identifier(source.text, source.at(index)));
    }
    if (source.at(index + 1).word === '(') continue;
    const [column = '', table = null, schema = null] = path.reverse();
    names.push({ schema, table, column });
  }
  return names;
}
