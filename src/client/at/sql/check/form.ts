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

/** Collects the text of a form: groups that repeat, and long lists, are written once. */
export class FormWriter {
  readonly #source: Source;
  readonly #out: string[] = [];
  readonly #standIns = new Map<string, string>();
  readonly #names = new Map<string, string>();
  readonly #open: number[] = [];
  readonly #rowShapes = new Set<string>();
  readonly #keptRows: number[] = [];
  #rowCount = 0;
  #run = 0;
  #last: { text: string; end: number } | null = null;

  constructor(source: Source) {
    this.#source = source;
  }

  get depth(): number {
    return this.#open.length;
  }

  write(text: string): void {
    this.#run = 0;
    this.#out.push(text);
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
    if (run >= LONGEST_RUN) this.#out.pop();
    else this.#out.push(text);
    this.#run = run + 1;
  }

  comma(): void {
    this.#out.push(',');
  }

  open(): void {
    this.write('(');
    this.#open.push(this.#out.length - 1);
  }

  /** Ends a group; one that repeats the group before it is taken back. */
  close(): void {
    this.write(')');
    const start = this.#open.pop() ?? 0;
    const text = this.#out.slice(start).join(' ');
    if (this.#last?.text === text && this.#last.end === start - 1 && this.#out[start - 1] === ',') {
      this.#out.length = start - 1;
    } else {
      this.#last = { text, end: this.#out.length };
    }
  }

  /** Ends a row of VALUES; one of a shape that has been seen is taken back. */
  closeRow(): void {
    this.write(')');
    const start = this.#open.pop() ?? 0;
    const shape = this.#out.slice(start).join(' ');
    const ordinal = this.#rowCount++;
    if (this.#rowShapes.has(shape) && this.#out[start - 1] === ',') {
      this.#out.length = start - 1;
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
}
