import { isOperatorWord } from '../functions.js';
import type { Source } from '../source.js';
import type { FormWriter } from './form.js';

/** The words that make up a statement and its conditions; every other one is a name. */
const FRAME = new Set(
  `INSERT INTO VALUES SET UPDATE DELETE FROM WHERE ORDER BY LIMIT OFFSET GROUP HAVING SELECT DISTINCT AS FOR AND OR NOT
   IN IS NULL LIKE BETWEEN TRUE FALSE DIV MOD ASC DESC ALL ANY SOME DEFAULT LOCK JOIN INNER CROSS STRAIGHT_JOIN ON`.split(
    /\s+/,
  ),
);

const CLOCKS = new Set(
  `CURRENT_TIMESTAMP CURRENT_DATE CURRENT_TIME LOCALTIME LOCALTIMESTAMP UTC_DATE UTC_TIME UTC_TIMESTAMP CURRENT_USER
   CURRENT_ROLE MAXVALUE`.split(/\s+/),
);

const UNITS = new Set(
  `MICROSECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR SECOND_MICROSECOND MINUTE_MICROSECOND MINUTE_SECOND
   HOUR_MICROSECOND HOUR_SECOND HOUR_MINUTE DAY_MICROSECOND DAY_SECOND DAY_MINUTE DAY_HOUR YEAR_MONTH`.split(
    /\s+/,
  ),
);

/** Operators and words between two operands, in terms of ones that the parser knows. */
const OPERATORS: Readonly<Record<string, string>> = {
  '->': '+',
  '->>': '+',
  '||': 'OR',
  '&&': 'AND',
  '^': '+',
  '|': '+',
  '&': '+',
  '<<': '+',
  '>>': '+',
  XOR: 'OR',
  REGEXP: 'LIKE',
  RLIKE: 'LIKE',
  UNKNOWN: 'NULL',
};

const PREFIXES = new Set(['BINARY', 'ANY', 'ALL', 'SOME', '!', '~']);

/** Writes the simple form of what stands at `index` and gives the place behind it, or `index` to leave it as it is. */
export function simplify(source: Source, index: number, writer: FormWriter): number {
  const { kind, word } = source.at(index);
  const next = source.at(index + 1);
  if (PREFIXES.has(word)) return index + 1;
  if (word === 'COLLATE' || word === 'ESCAPE') return index + 2;
  if (word === 'SOUNDS' && next.word === 'LIKE') return index + 1;
  if (word === 'AGAINST' || word === 'OVER') return source.skip(index + 1);
  if (word === 'INTERVAL') return interval(source, index, writer);
  // LEFT(a, 1) is a call.
  if ((word === 'LEFT' || word === 'RIGHT') && ['JOIN', 'OUTER'].includes(next.word)) {
    writer.write(`${word} JOIN`);
    return index + (next.word === 'OUTER' ? 3 : 2);
  }
  if (word === '(') {
    const isQuery = ['SELECT', 'WITH', 'TABLE', 'VALUES'].includes(next.word);
    writer.write(isQuery ? '( SELECT 1 )' : '( 1 )');
    return source.skip(index);
  }
  const value = valueEnd(source, index);
  if (value > index) {
    writer.write('1');
    return value;
  }
  const replacement = replacementOf(source, index);
  if (replacement !== null) {
    writer.write(replacement);
    return index + (word === 'MEMBER' ? 2 : 1);
  }
  if (kind === 'word' && !FRAME.has(word)) {
    writer.name(source.at(index));
    return index + 1;
  }
  return index;
}

function replacementOf(source: Source, index: number): string | null {
  const { word } = source.at(index);
  if (word === 'MEMBER' && source.at(index + 1).word === 'OF') return 'IN';
  return Object.hasOwn(OPERATORS, word) ? OPERATORS[word]! : null;
}

/** INTERVAL 1 DAY, INTERVAL (a + b) HOUR_MINUTE: one value. */
function interval(source: Source, index: number, writer: FormWriter): number {
  const unit = source.find(index + 1, (word) => UNITS.has(word));
  if (source.at(unit).word === '') return index + 1;
  writer.write('1');
  return unit + 1;
}

/** The place behind a call, a CASE, a clock or a typed literal that becomes one value. */
function valueEnd(source: Source, index: number): number {
  const { kind, word } = source.at(index);
  const next = source.at(index + 1);
  if (word === 'CASE') return caseEnd(source, index);
  if (word === '{') return source.find(index, (candidate) => candidate === '}') + 1;
  if (CLOCKS.has(word)) return next.word === '(' ? source.skip(index + 1) : index + 1;
  if (kind !== 'word' && kind !== 'name') return index;
  if (['DATE', 'TIME', 'TIMESTAMP'].includes(word) && next.kind === 'string') return index + 2;
  if (word === 'EXISTS' && next.word === '(') return source.skip(index + 1);
  if (next.word === '(' && word === 'ON') return index;
  if (next.word === '(' && !isOperatorWord(word)) return source.skip(index + 1);
  if (next.word === '.' && source.at(index + 3).word === '(') return source.skip(index + 3);
  return index;
}

function caseEnd(source: Source, index: number): number {
  let depth = 0;
  const end = source.find(index, (word) => {
    if (word === 'CASE') depth++;
    if (word === 'END') depth--;
    return depth === 0;
  });
  return Math.min(end + 1, source.tokens.length);
}
