import type { Call } from './analysis.js';
import { isDeterministic, isOperatorWord } from './functions.js';
import type { Source } from './source.js';
import { identifier } from './token.js';

/**
 * The names in a statement that may be those of stored functions: whatever stands before a parenthesis and is
 * no function that both servers have built in. Tables and keywords are among them; whether there is such a
 * function, only the server knows.
 */
export function callsOf(source: Source): readonly Call[] {
  const calls: Call[] = [];
  source.tokens.forEach((token, index) => {
    if (token.kind !== 'word' && token.kind !== 'name') return;
    if (source.at(index + 1).word !== '(') return;
    const name = identifier(source.text, token);
    if (source.at(index - 1).word === '.') {
      calls.push({ schema: identifier(source.text, source.at(index - 2)), name });
    } else if (!isOperatorWord(token.word) && !isDeterministic(token.word)) {
      calls.push({ schema: null, name });
    }
  });
  return calls;
}
