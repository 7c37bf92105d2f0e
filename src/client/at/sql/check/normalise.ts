import { isIntroducer } from '../lexer.js';
import type { Source } from '../source.js';
import type { Token } from '../token.js';
import { FormWriter, type ParserForm } from './form.js';
import { simplify } from './simplify.js';

/** Words that change neither the rows nor the columns of a statement, and that the parser does not know. */
const DROPPED = new Set([
  'LOW_PRIORITY',
  'HIGH_PRIORITY',
  'SQL_SMALL_RESULT',
  'SQL_BIG_RESULT',
  'SQL_CALC_FOUND_ROWS',
]);
/** The same at the head of a SELECT, elsewhere names or an operator. */
const DROPPED_AT_HEAD = new Set(['STRAIGHT_JOIN', 'SQL_NO_CACHE', 'SQL_CACHE', 'SQL_BUFFER_RESULT']);

const DELETE_MODIFIERS = ['LOW_PRIORITY', 'QUICK', 'IGNORE'];

const REPLACED: Readonly<Record<string, string>> = { ':=': '=', '<=>': '=' };

const INSERTING = new Set(['INSERT', 'REPLACE']);

/** In parts of a form. The parser takes some 10 µs for each: a longer form is simplified, ... */
const LONGEST_PLAIN = 5_000;
/** ... and one that is even then longer is not shown to it. */
const LONGEST_SIMPLIFIED = 20_000;

export interface NormaliseOptions {
  /**
   * For what the parser cannot read as it is: functions, groups and rare operators inside of expressions become
   * plain values, and every word that is no part of the statement's frame becomes a quoted name.
   */
  readonly simplified: boolean;
}

/**
 * Rewrites a statement into the words of the parser. Knows tokens only, nothing of what the readers made of
 * them: so that the parser's answer is a second opinion.
 * Null for what would take the parser too long.
 */
export function normalise(source: Source, options: NormaliseOptions): ParserForm | null {
  return new Normaliser(source, options.simplified).run();
}

class Normaliser {
  readonly #source: Source;
  readonly #simplified: boolean;
  readonly #writer: FormWriter;
  readonly #verb: string;
  /** Where the verb stands, behind WITH. */
  readonly #begin: number;
  /** The FROM and USING of a DELETE that names its targets behind FROM, or null. */
  readonly #using: { readonly from: number; readonly using: number } | null;
  /** Where an INSERT has got to: its table and columns, its rows, or SET. */
  #part: 'head' | 'rows' | 'assignments';

  constructor(source: Source, simplified: boolean) {
    this.#source = source;
    this.#simplified = simplified;
    this.#writer = new FormWriter(source);
    this.#begin = mainVerb(source);
    this.#verb = source.at(this.#begin).word;
    this.#using = deleteUsing(source, this.#begin);
    this.#part = INSERTING.has(this.#verb) ? 'head' : 'assignments';
  }

  run(): ParserForm | null {
    const longest = this.#simplified ? LONGEST_SIMPLIFIED : LONGEST_PLAIN;
    let index = this.#begin;
    while (index < this.#source.tokens.length) {
      index = this.#step(index);
      if (this.#writer.length > longest) return null;
    }
    return this.#writer.form();
  }

  /** Writes what stands at `index` and gives the place behind it. */
  #step(index: number): number {
    const source = this.#source;
    const top = this.#writer.depth === 0;
    if (index === this.#using?.from) return index + 1;
    if (index === this.#using?.using) {
      this.#writer.write('FROM');
      return index + 1;
    }
    const behind = skipped(source, index, this.#verb, top);
    if (behind > index) return behind;
    const sequence = sequenceEnd(source, index);
    if (sequence > index) {
      this.#writer.write('1');
      return sequence;
    }
    if (isChained(source, index, this.#part === 'head' && !top)) return index + 2;
    if (top && isLockClause(source, index)) {
      this.#writer.write('FOR UPDATE');
      return lockClauseEnd(source, index);
    }
    if (top && isDuplicateClause(source, index)) {
      this.#part = 'assignments';
      this.#writer.write('ON DUPLICATE KEY UPDATE');
      return index + 4;
    }
    if (top && this.#part !== 'assignments') return this.#insertFrame(index);
    if (this.#simplified) {
      const after = simplify(source, index, this.#writer);
      if (after > index) return after;
    }
    return this.#plain(index);
  }

  /** What an INSERT has outside of parentheses, up to SET. */
  #insertFrame(index: number): number {
    const source = this.#source;
    const { word, kind } = source.at(index);
    const next = source.at(index + 1).word;
    if (this.#part === 'head' && index > 0) {
      const queryEnd = insertQueryEnd(source, index);
      if (queryEnd > index) {
        this.#writer.write('SELECT 1');
        return queryEnd;
      }
      if ((next === '(' || next === 'ROW') && (word === 'VALUES' || word === 'VALUE')) {
        this.#part = 'rows';
        this.#writer.write('VALUES');
        return index + 1;
      }
    }
    // MySQL's VALUES ROW(1, 2), ROW(3, 4)
    if (this.#part === 'rows' && word === 'ROW') return index + 1;
    if (word === '(' && next === ')') {
      // An empty row, or an empty list of columns.
      if (this.#part === 'rows') {
        this.#writer.open();
        this.#writer.write('1');
        this.#writer.closeRow();
      }
      return index + 2;
    }
    if (word === 'SET') this.#part = 'assignments';
    else if (this.#simplified && kind === 'word' && index > 0 && word !== 'INTO') {
      this.#writer.name(source.at(index));
      return index + 1;
    }
    return this.#plain(index);
  }

  #plain(index: number): number {
    const source = this.#source;
    const writer = this.#writer;
    const token = source.at(index);
    const { word } = token;
    const isRow = this.#part === 'rows' && writer.depth === 1;
    if (isValue(token)) return writeValue(source, index, writer, isRow);
    if (word === '(') writer.open();
    else if (word === ')') {
      if (isRow) writer.closeRow();
      else writer.close();
    } else if (word === ',') writer.comma();
    else if (isName(source, index)) writer.name(token);
    else if (token.kind === 'variable' || token.kind === 'systemVariable') writer.write('1');
    else if (word === 'DEFAULT' && source.at(index + 1).word !== '(') writer.write(isRow ? '1' : 'NULL');
    else if (isRow && word === 'NULL' && isListed(source, index, index + 1)) writer.write('1');
    else writer.write(REPLACED[word] ?? word);
    return index + 1;
  }
}

/** WITH a AS (...) is not shown to the parser: what it says of the rest does not depend on it. */
function mainVerb(source: Source): number {
  if (source.at(0).word !== 'WITH') return 0;
  return source.find(1, (word) => ['SELECT', 'UPDATE', 'DELETE'].includes(word));
}

/** DELETE FROM a, b USING a JOIN b: the parser knows DELETE a, b FROM a JOIN b alone. */
function deleteUsing(
  source: Source,
  begin: number,
): { readonly from: number; readonly using: number } | null {
  if (source.at(begin).word !== 'DELETE') return null;
  let from = begin + 1;
  while (DELETE_MODIFIERS.includes(source.at(from).word)) from++;
  if (source.at(from).word !== 'FROM') return null;
  const using = source.find(from, (word) => word === 'USING');
  return using < source.tokens.length ? { from, using } : null;
}

/** The place behind what the parser is not shown at all, or `index` where there is nothing of the kind. */
function skipped(source: Source, index: number, verb: string, top: boolean): number {
  const { word, kind } = source.at(index);
  const next = source.at(index + 1);
  if (kind === 'word' && DROPPED.has(word)) return index + 1;
  if (
    DROPPED_AT_HEAD.has(word) &&
    ['SELECT', 'ALL', 'DISTINCT', ...DROPPED].includes(source.at(index - 1).word)
  ) {
    return index + 1;
  }
  if (top && isModifier(source, index, verb)) return index + 1;
  if (isIntroducer(source.text, source.at(index)) && (next.kind === 'string' || next.kind === 'bits'))
    return index + 1;
  if (isSign(source, index)) return index + 1;
  // The parser is shown the subquery alone: that it speaks of tables before it changes nothing of the form.
  if (word === 'LATERAL' && next.word === '(') return index + 1;
  if (!top) return index;
  if (word === 'IGNORE' && verb === 'INSERT' && index <= 2) return index + 1;
  if (word === 'RETURNING' && INSERTING.has(verb) && isBehindValue(source, index))
    return source.tokens.length;
  // VALUES (...) AS new (a, b) ON DUPLICATE KEY UPDATE
  if (word === 'AS' && verb === 'INSERT') return source.find(index, (candidate) => candidate === 'ON');
  // DELETE a.* FROM a
  if (verb === 'DELETE' && word === '.' && next.word === '*') return index + 2;
  // The last clause of a DELETE: what it gives back of the rows that it has deleted.
  if (verb === 'DELETE' && word === 'RETURNING') return source.tokens.length;
  // Which columns a join compares is nothing that the parser is asked for.
  if (word === 'NATURAL' && verb !== 'INSERT') return index + 1;
  if (word === 'USING' && next.word === '(') return source.skip(index + 1);
  if (word === 'PARTITION' && next.word === '(') return source.skip(index + 1);
  if (['USE', 'FORCE', 'IGNORE'].includes(word) && ['INDEX', 'KEY'].includes(next.word)) {
    const list = source.find(index, (candidate) => candidate === '(');
    const end = source.skip(list);
    return source.at(end).word === ',' && verb !== 'INSERT' ? hintListEnd(source, end) : end;
  }
  if (word === 'INTO' && verb === 'SELECT') {
    let end = index + 1;
    while (source.at(end).kind === 'variable' || source.at(end).word === ',') end++;
    return end;
  }
  return index;
}

/** QUICK and IGNORE right behind UPDATE or DELETE and its other modifiers. */
function isModifier(source: Source, index: number, verb: string): boolean {
  const { word } = source.at(index);
  if (word !== 'IGNORE' && (word !== 'QUICK' || verb !== 'DELETE')) return false;
  let before = index - 1;
  while (DELETE_MODIFIERS.includes(source.at(before).word)) before--;
  const head = source.at(before).word;
  return head === verb && (head === 'UPDATE' || head === 'DELETE');
}

/** NEXT VALUE FOR s and PREVIOUS VALUE FOR schema.s are values. */
function sequenceEnd(source: Source, index: number): number {
  const isNext = ['NEXT', 'PREVIOUS'].includes(source.at(index).word);
  if (!isNext || source.at(index + 1).word !== 'VALUE' || source.at(index + 2).word !== 'FOR') return index;
  return source.at(index + 4).word === '.' ? index + 6 : index + 4;
}

/** Several index hints may be separated by commas; a comma before anything else belongs to the statement. */
function hintListEnd(source: Source, comma: number): number {
  return ['USE', 'FORCE', 'IGNORE'].includes(source.at(comma + 1).word) ? comma + 1 : comma;
}

/** A sign before a number, where it cannot be an operator between two operands. */
function isSign(source: Source, index: number): boolean {
  const { word } = source.at(index);
  if ((word !== '-' && word !== '+') || source.at(index + 1).kind !== 'number') return false;
  const before = source.at(index - 1);
  return before.kind === 'operator' && before.word !== ')' && before.word !== '';
}

/**
 * The place behind the query of an INSERT that begins at `index`, or `index` where none does. What it reads is for
 * the server to say; only where it ends matters.
 */
function insertQueryEnd(source: Source, index: number): number {
  let first = index;
  while (source.at(first).word === '(') first++;
  if (!['SELECT', 'WITH', 'TABLE'].includes(source.at(first).word)) return index;
  return source.find(index, (word, at) => word === 'RETURNING' || isDuplicateClause(source, at));
}

/** Where RETURNING can be no name: MySQL takes it for one, unless a value or a list stands before it. */
function isBehindValue(source: Source, index: number): boolean {
  const { kind, word } = source.at(index - 1);
  if (kind === 'operator') return word === ')';
  return !['INSERT', 'REPLACE', 'INTO', 'SET', ...DROPPED, 'IGNORE'].includes(word);
}

function isDuplicateClause(source: Source, index: number): boolean {
  return ['ON', 'DUPLICATE', 'KEY', 'UPDATE'].every(
    (word, distance) => source.at(index + distance).word === word,
  );
}

function isLockClause(source: Source, index: number): boolean {
  const { word } = source.at(index);
  const next = source.at(index + 1).word;
  return (word === 'FOR' && (next === 'UPDATE' || next === 'SHARE')) || (word === 'LOCK' && next === 'IN');
}

/** FOR UPDATE OF a, b SKIP LOCKED: all of it up to INTO or the end. */
function lockClauseEnd(source: Source, index: number): number {
  return source.find(index + 1, (word) => word === 'INTO');
}

function isValue({ kind }: Token): boolean {
  return kind === 'string' || kind === 'number' || kind === 'bits' || kind === 'placeholder';
}

function writeValue(source: Source, index: number, writer: FormWriter, isRow: boolean): number {
  const isText = source.at(index).kind === 'string';
  let end = index + 1;
  // 'a' 'b' is one string.
  while (isText && source.at(end).kind === 'string') end++;
  const listed = writer.depth > 0 && isListed(source, index, end);
  const text = isText && !(isRow && listed) ? "'s'" : '1';
  if (listed && !isRow) writer.listed(text);
  else writer.write(text);
  return end;
}

/** Whether the tokens stand alone between two commas, or a comma and a parenthesis. */
function isListed(source: Source, from: number, to: number): boolean {
  let before = from - 1;
  while (isSign(source, before) || isIntroducer(source.text, source.at(before))) before--;
  return [',', '('].includes(source.at(before).word) && [',', ')'].includes(source.at(to).word);
}

/** Of a.b.c the parser is shown b.c; of a column that an INSERT lists, the last part alone. */
function isChained(source: Source, index: number, lastOnly: boolean): boolean {
  const token = source.at(index);
  if ((token.kind !== 'name' && token.kind !== 'word') || source.at(index + 1).word !== '.') return false;
  return lastOnly || source.at(index + 3).word === '.';
}

/** What can only be an identifier, and words that are none of the parser's. */
function isName(source: Source, index: number): boolean {
  const { kind, start, end } = source.at(index);
  if (kind === 'name') return true;
  if (kind !== 'word') return false;
  const next = source.at(index + 1);
  if (next.word === '.' || source.at(index - 1).word === '.') return true;
  if (source.at(index).word === 'OFFSET' && !['number', 'placeholder'].includes(next.kind)) return true;
  return /[^A-Za-z0-9_]/.test(source.text.slice(start, end));
}
