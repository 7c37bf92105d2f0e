import type { Source } from '../source.js';
import { identifier, type Token } from '../token.js';

/** A statement in words that the parser can read: same structure, other names, no values. */
export interface ParserForm {
  /** Equal for statements that differ in values, comments and spaces alone. */
  readonly text: string;
  /** The identifiers behind the stand-ins in `text`. */
  readonly names: ReadonlyMap<string, string>;
  /** For an INSERT ... VALUES: how many rows there are, and which of them stand in `text`. */
  readonly rowCount: number;
  readonly keptRows: readonly number[];
}

/** How many values of a list are shown to the parser: IN (1, 2, ... 10000) has one form. */
const LONGEST_RUN = 4;
/** Repetitions of longer stretches, in tokens, are not looked for. */
const LONGEST_REPEAT = 200;

const CONNECTIVES = new Set(['AND', 'OR', 'WHEN']);
/** Words that end what may repeat before them. */
const BOUNDARIES = new Set(['SET', 'FROM', 'WHERE', 'GROUP', 'HAVING', 'ORDER', 'LIMIT', 'CASE', 'END']);

/** The part of a group between two connectives. */
interface Level {
  /** Where the group begins in the output, its parenthesis included. */
  readonly group: number;
  begin: number;
  /** The connective in front; empty for the first part. */
  connective: string;
  /** The part before this one with its connective. */
  previous: string | null;
}

/**
 * Collects the text of a form. What repeats is written once: rows and groups that look the same, long lists of
 * values, `id = 1 OR id = 2 OR ...`, `WHEN 1 THEN 2 WHEN 3 THEN 4 ...`.
 */
export class FormWriter {
  readonly #source: Source;
  readonly #out: string[] = [];
  readonly #standIns = new Map<string, string>();
  readonly #names = new Map<string, string>();
  readonly #levels: Level[] = [newLevel(0)];
  readonly #rowShapes = new Set<string>();
  readonly #keptRows: number[] = [];
  #rowCount = 0;
  #run = 0;
  #lastGroup: { readonly text: string; readonly end: number } | null = null;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Outside of parentheses 0. */
  get depth(): number {
    return this.#levels.length - 1;
  }

  /** How many parts have been written. */
  get length(): number {
    return this.#out.length;
  }

  get #level(): Level {
    return this.#levels.at(-1)!;
  }

  write(text: string): void {
    this.#run = 0;
    if (CONNECTIVES.has(text)) this.#connect(text);
    else this.#out.push(text);
    if (BOUNDARIES.has(text)) this.#restart();
  }

  name(token: Token): void {
    const written = identifier(this.#source.text, token);
    let standIn = this.#standIns.get(written);
    if (standIn === undefined) {
      // In small letters: what is no stand-in reaches the parser in capitals.
      standIn = `n${this.#standIns.size}`;
      this.#standIns.set(written, standIn);
      this.#names.set(standIn, written);
    }
    this.write(`\`${standIn}\``);
  }

  /** A value that stands alone between commas: the fifth and later ones of a list are left out. */
  listed(text: string): void {
    const run = this.#out.at(-1) === ',' ? this.#run : 0;
    if (run >= LONGEST_RUN) this.#takeBack(this.#out.length - 1);
    else this.#out.push(text);
    this.#run = run + 1;
  }

  comma(): void {
    this.#out.push(',');
    this.#restart();
  }

  open(): void {
    this.#run = 0;
    this.#levels.push(newLevel(this.#out.length));
    this.#out.push('(');
  }

  /** Ends a group; one that repeats the group before it is taken back. */
  close(): void {
    const start = this.#end();
    const text = this.#stretch(start);
    if (text !== null && this.#lastGroup?.text === text && this.#follows(this.#lastGroup.end, start)) {
      this.#takeBack(start - 1);
    } else {
      this.#lastGroup = text === null ? null : { text, end: this.#out.length };
    }
  }

  /** Ends a row of VALUES; one of a shape that has been seen is taken back. */
  closeRow(): void {
    const start = this.#end();
    const shape = this.#out.slice(start).join(' ');
    const ordinal = this.#rowCount++;
    if (this.#rowShapes.has(shape) && this.#out[start - 1] === ',') {
      this.#takeBack(start - 1);
      return;
    }
    this.#rowShapes.add(shape);
    this.#keptRows.push(ordinal);
  }

  form(): ParserForm {
    return {
      text: this.#out.join(' '),
      names: this.#names,
      rowCount: this.#rowCount,
      keptRows: this.#keptRows,
    };
  }

  /** Writes the closing parenthesis and gives the place of the opening one. */
  #end(): number {
    this.#run = 0;
    this.#out.push(')');
    return this.#levels.pop()!.group;
  }

  #follows(end: number, start: number): boolean {
    return end === start - 1 && this.#out[start - 1] === ',';
  }

  #stretch(from: number): string | null {
    return this.#out.length - from > LONGEST_REPEAT ? null : this.#out.slice(from).join(' ');
  }

  /** A part that repeats the one before it, connective and all, is taken back. */
  #connect(connective: string): void {
    const level = this.#level;
    const stretch = this.#stretch(level.begin);
    const part = stretch === null ? null : `${level.connective} ${stretch}`;
    if (part !== null && part === level.previous) this.#out.length = level.begin - 1;
    level.previous = level.connective === '' ? null : part;
    this.#out.push(connective);
    level.begin = this.#out.length;
    level.connective = connective;
  }

  #restart(): void {
    const level = this.#level;
    level.begin = this.#out.length;
    level.connective = '';
    level.previous = null;
  }

  #takeBack(length: number): void {
    this.#out.length = length;
    this.#restart();
  }
}

function newLevel(group: number): Level {
  return { group, begin: group + 1, connective: '', previous: null };
}
