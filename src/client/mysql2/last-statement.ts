import type { SqlDialect } from '../at/executor.js';
import { lex } from '../at/sql/lexer.js';
import type { Token } from '../at/sql/token.js';

/** What the session keeps of the statement before. */
export type Count = 'rowCount' | 'foundRows' | 'warnings' | 'errors';

/** What a text asks of the statement before it, which may be one of globaltx's own. */
export interface LastQuestion {
  /** For people: 'ROW_COUNT()'. */
  readonly construct: string;
  /** What can be answered in place of the server; undefined: only the server knows the form of the answer. */
  readonly form: QuestionForm | undefined;
}

export type QuestionForm =
  /** One row; the columns that are undefined are the server's to answer. By SHOW COUNT(*), or by SELECT. */
  | {
      readonly kind: 'counts';
      readonly columns: readonly (Count | undefined)[];
      readonly shows: boolean;
    }
  | { readonly kind: 'list'; readonly errorsOnly: boolean };

/** Most texts have none of these words anywhere. */
const MAY_ASK = /ROW_COUNT|FOUND_ROWS|WARNING|ERROR|DIAGNOSTICS/i;

const COUNT_VARIABLE = /^@@(?:session\.|local\.)?(warning_count|error_count)\b/i;

const FUNCTIONS: Readonly<Record<string, Count>> = { ROW_COUNT: 'rowCount', FOUND_ROWS: 'foundRows' };

const LISTS = new Set(['WARNINGS', 'ERRORS']);

export function askedOfLastStatement(text: string, dialect: SqlDialect): LastQuestion | undefined {
  if (!MAY_ASK.test(text)) return undefined;
  const { tokens } = lex(text, dialect);
  const construct = constructOf(text, tokens);
  return construct === undefined ? undefined : { construct, form: formOf(text, tokens) };
}

function constructOf(text: string, tokens: readonly Token[]): string | undefined {
  const [first] = tokens;
  for (const [index, { kind, word, start }] of tokens.entries()) {
    if (word in FUNCTIONS && tokens[index + 1]?.word === '(') return `${word}()`;
    if (first?.word === 'SHOW' && LISTS.has(word)) return `SHOW ${word}`;
    if (first?.word === 'GET' && word === 'DIAGNOSTICS') return 'GET DIAGNOSTICS';
    if (kind === 'systemVariable') {
      const [variable] = COUNT_VARIABLE.exec(text.slice(start)) ?? [];
      if (variable !== undefined) return variable;
    }
  }
  return undefined;
}

function formOf(text: string, given: readonly Token[]): QuestionForm | undefined {
  const tokens = given.at(-1)?.word === ';' ? given.slice(0, -1) : given;
  const words = tokens.map(({ word }) => word);
  if (words[0] === 'SHOW') {
    const list = words.at(-1)!;
    if (!LISTS.has(list)) return undefined;
    if (words.length === 2) return { kind: 'list', errorsOnly: list === 'ERRORS' };
    if (words.slice(1, -1).join(' ') !== 'COUNT ( * )') return undefined;
    return { kind: 'counts', columns: [list === 'ERRORS' ? 'errors' : 'warnings'], shows: true };
  }
  if (words[0] !== 'SELECT' || words.includes('FROM')) return undefined;
  const items = itemsOf(tokens.slice(1)).map((item) => countOf(text, item));
  return items.includes(null)
    ? undefined
    : { kind: 'counts', columns: items.filter((item) => item !== null), shows: false };
}

/** The select list, cut at its commas. */
function itemsOf(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const items: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.word === '(') depth += 1;
    if (token.word === ')') depth -= 1;
    if (token.word === ',' && depth === 0) items.push([]);
    else items.at(-1)!.push(token);
  }
  return items;
}

/** @returns null for an item that has a question somewhere inside, or is more than one column */
function countOf(text: string, item: readonly Token[]): Count | undefined | null {
  const [first, ...others] = item;
  if (first === undefined || first.word === '*') return null;
  const call = first.word in FUNCTIONS && others[0]?.word === '(' && others[1]?.word === ')';
  if (call && isAlias(others.slice(2))) return FUNCTIONS[first.word]!;
  if (first.kind === 'systemVariable') {
    const [whole, name] = COUNT_VARIABLE.exec(text.slice(first.start)) ?? [];
    const end = first.start + (whole?.length ?? 0);
    if (name !== undefined && isAlias(others.filter(({ start }) => start >= end)))
      return name.toLowerCase() === 'error_count' ? 'errors' : 'warnings';
  }
  return constructOf(text, item) === undefined ? undefined : null;
}

function isAlias(tokens: readonly Token[]): boolean {
  const [first, second] = tokens;
  if (first === undefined) return true;
  const name = first.word === 'AS' ? second : first;
  return tokens.length === (first.word === 'AS' ? 2 : 1) && name !== undefined && name.kind !== 'operator';
}
