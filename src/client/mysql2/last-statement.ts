import type { SqlDialect } from '../at/executor.js';
import { lex } from '../at/sql/lexer.js';

/** Most texts have none of these words anywhere. */
const MAY_ASK = /ROW_COUNT|FOUND_ROWS|WARNING|ERROR|DIAGNOSTICS/i;

const COUNT_VARIABLE = /^@@(?:session\.|local\.)?(?:warning_count|error_count)\b/i;

/** What a text asks the server of the statement before it, which may be one of globaltx's own. */
export function askedOfLastStatement(text: string, dialect: SqlDialect): string | undefined {
  if (!MAY_ASK.test(text)) return undefined;
  const { tokens } = lex(text, dialect);
  const [first] = tokens;
  for (const [index, { kind, word, start }] of tokens.entries()) {
    if ((word === 'ROW_COUNT' || word === 'FOUND_ROWS') && tokens[index + 1]?.word === '(')
      return `${word}()`;
    if (first?.word === 'SHOW' && (word === 'WARNINGS' || word === 'ERRORS')) return `SHOW ${word}`;
    if (first?.word === 'GET' && word === 'DIAGNOSTICS') return 'GET DIAGNOSTICS';
    if (kind === 'systemVariable') {
      const [variable] = COUNT_VARIABLE.exec(text.slice(start)) ?? [];
      if (variable !== undefined) return variable;
    }
  }
  return undefined;
}
