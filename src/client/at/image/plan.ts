import { GlobalTxError } from '../../../protocol/errors.js';
import { lockKey } from '../../../protocol/lock-key.js';
import type { RawResult, RawValue } from '../executor.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition, TableDefinition, UniqueIndex } from '../table/definition.js';
import { valuePart, weightExpression } from './lock-part.js';
import { type ColumnReader, columnReader } from './read-column.js';
import type { ColumnValue, Row } from './row.js';
import { StarFields, WIDE_CHARSETS } from './star-fields.js';
import { TableChanged } from './table-changed.js';

export { TableChanged } from './table-changed.js';

/** One row as the database holds it, with the names that it is locked under. */
export interface ImageRow {
  readonly row: Row;
  /** The lock key of the row: equal for two rows exactly when the database calls their keys equal. */
  readonly identity: string;
  /** The lock keys under the other unique indexes; null where a NULL makes the value free for all. */
  readonly uniques: readonly (string | null)[];
}

/** What is known of a reading. */
export interface Reading {
  /** The query may give NULLs in place of the table's rows: MySQL then calls every column nullable. */
  readonly optional?: boolean;
  /** It is the `repeatedList` that was read. */
  readonly repeated?: boolean;
}

/** How the rows of one table are read exactly. Belongs to one definition: after a change, make another. */
export interface ImagePlan {
  /** The select list, given how the query names the table: a quoted name, or an alias. */
  selectList(reference: string): string;
  /**
   * The list without the question whether the columns have their collations still: for a query behind another of
   * the same local transaction, which keeps the table from being altered.
   */
  repeatedList(reference: string): string;
  /** How many columns the `selectList` has. */
  readonly width: number;
  /**
   * @throws TableChanged when the table or the session is not what the plan was made for
   * @throws GlobalTxError STATEMENT_UNSUPPORTED when the session's results are in a character set of wide characters
   */
  decode(result: RawResult, reading?: Reading): ImageRow[];
}

const NOTHING: readonly RawValue[] = [];

interface ColumnSource {
  readonly column: ColumnDefinition;
  readonly reader: ColumnReader;
  /** Where the column itself stands in the result. */
  readonly star: number;
  /** Where its expressions begin, and how many they are. */
  readonly beside: number;
  readonly count: number;
}

interface PartSource {
  readonly source: ColumnSource;
  readonly prefix: number | null;
  /** Where the weights stand in the result; undefined where the value says it. */
  readonly weight: number | undefined;
}

/** The expressions beside the star, in their order. Places are counted from the result's first column. */
class SelectList {
  readonly #expressions: ((reference: string) => string)[] = [];
  readonly #star: (reference: string) => string;
  readonly #starCount: number;
  /** The texts for the reference asked for last: it is nearly always the same. */
  #last: { readonly reference: string; readonly whole: string; readonly allButLast: string } | undefined;

  constructor(star: (reference: string) => string, starCount: number) {
    this.#star = star;
    this.#starCount = starCount;
  }

  /** @returns the expression's place */
  add(expression: (reference: string) => string): number {
    this.#expressions.push(expression);
    return this.#starCount + this.#expressions.length - 1;
  }

  get length(): number {
    return this.#starCount + this.#expressions.length;
  }

  texts(reference: string): { readonly whole: string; readonly allButLast: string } {
    if (this.#last?.reference !== reference) {
      const parts = [this.#star(reference), ...this.#expressions.map((expression) => expression(reference))];
      this.#last = { reference, whole: parts.join(','), allButLast: parts.slice(0, -1).join(',') };
    }
    return this.#last;
  }
}

function columnName(reference: string, column: ColumnDefinition): string {
  return `${reference}.${quoteIdentifier(column.name)}`;
}

/** What is compared as the columns of a star are: where a view may have others, its names for them. */
function starOf({ columns, inPart }: TableDefinition, reference: string): string {
  if (inPart !== true) return `${reference}.*`;
  return columns.map((column) => columnName(reference, column)).join(',');
}

/**
 * An ALTER TABLE that changes nothing but a column's character set cannot be seen in the star; the server
 * is asked whether each column still has its collation.
 */
function collationsHold(columns: readonly ColumnDefinition[], reference: string): string {
  const conditions = columns
    .filter((column) => columnFamily(column) === 'text' && column.collation !== null)
    .map((column) => `COLLATION(${columnName(reference, column)})='${column.collation}'`);
  return conditions.length === 0 ? '1' : conditions.join(' AND ');
}

class TablePlan implements ImagePlan {
  readonly #table: TableDefinition;
  /** The session's character_set_results, as far as is known beforehand. */
  readonly #presumed: string | undefined;
  readonly #star: StarFields;
  readonly #list: SelectList;
  readonly #results: number;
  readonly #collations: number;
  readonly #sources: readonly ColumnSource[];
  readonly #key: readonly PartSource[];
  readonly #uniques: readonly (readonly PartSource[])[];

  constructor(table: TableDefinition, presumed: string | undefined, star: StarFields) {
    this.#table = table;
    this.#presumed = presumed;
    this.#star = star;
    this.#list = new SelectList((reference) => starOf(table, reference), this.#star.count);
    this.#results = this.#list.add(() => 'CAST(@@character_set_results AS BINARY)');
    let visible = 0;
    this.#sources = table.columns.map((column) => {
      const reader = columnReader(column, presumed);
      const star = column.invisible
        ? this.#list.add((reference) => columnName(reference, column))
        : visible++;
      const count = reader.expressions('').length;
      const places = Array.from({ length: count }, (_, index) =>
        this.#list.add((reference) => reader.expressions(columnName(reference, column))[index] ?? 'NULL'),
      );
      return { column, reader, star, beside: places[0] ?? 0, count };
    });
    this.#key = this.#parts(table.key);
    this.#uniques = table.uniques.map((index) => this.#parts(index));
    // The last, because a repeated reading leaves it out.
    this.#collations = this.#list.add((reference) => collationsHold(table.columns, reference));
  }

  get width(): number {
    return this.#list.length;
  }

  selectList(reference: string): string {
    return this.#list.texts(reference).whole;
  }

  repeatedList(reference: string): string {
    return this.#list.texts(reference).allButLast;
  }

  decode({ fields, rows }: RawResult, { optional = false, repeated = false }: Reading = {}): ImageRow[] {
    const length = repeated ? this.#list.length - 1 : this.#list.length;
    const beside = length - this.#star.count;
    const [first] = fields.length === length ? rows : [];
    const results = first && this.#resultsCharset(first);
    if (results !== undefined && WIDE_CHARSETS.has(results)) {
      throw new GlobalTxError(
        'STATEMENT_UNSUPPORTED',
        `A session with character_set_results = ${results} cannot be read inside a global transaction: what the ` +
          'server sends is not even ASCII. Use SET NAMES utf8mb4.',
        { construct: `character_set_results = ${results}` },
      );
    }
    const star = fields.slice(0, Math.max(0, fields.length - beside));
    this.#star.check(optional ? this.#star.withoutOuterJoin(star) : star, results);
    if (results !== undefined && results !== (this.#presumed ?? results))
      throw this.#changed(`the session's results are in ${results} now`);
    return rows.map((row) => this.#decodeRow(row, repeated));
  }

  #resultsCharset(raw: readonly RawValue[]): string {
    return raw[this.#results]?.toString('latin1') ?? 'binary';
  }

  #parts(index: UniqueIndex): readonly PartSource[] {
    return index.columns.map((name, at) => {
      const source = this.#sources.find(({ column }) => column.name === name);
      if (source === undefined) {
        throw new Error(
          `Index ${index.name} of ${this.#table.name} has a column ${name} that the table has not.`,
        );
      }
      const { column } = source;
      const prefix = index.prefixes[at] ?? null;
      const expression = (reference: string) =>
        weightExpression(column, columnName(reference, column), prefix);
      const weight =
        expression('') === undefined ? undefined : this.#list.add((ref) => expression(ref) ?? 'NULL');
      return { source, prefix, weight };
    });
  }

  #changed(difference: string): TableChanged {
    return new TableChanged(this.#table.schema, this.#table.name, difference);
  }

  #decodeRow(raw: readonly RawValue[], repeated: boolean): ImageRow {
    const results = this.#resultsCharset(raw);
    if (!repeated && raw[this.#collations]?.toString('latin1') !== '1')
      throw this.#changed('a column has another collation');
    const row = this.#sources.map(({ reader, star, beside, count }) => {
      const value = raw[star] ?? null;
      if (value === null) return null;
      return reader.read(value, count === 0 ? NOTHING : raw.slice(beside, beside + count), results);
    });
    const identity = this.#lockKey(this.#table.key, this.#key, row, raw);
    if (identity === null) throw this.#changed(`the key ${this.#table.key.name} has a NULL`);
    return {
      row,
      identity,
      uniques: this.#table.uniques.map((index, at) =>
        this.#lockKey(index, this.#uniques[at] ?? [], row, raw),
      ),
    };
  }

  #lockKey(
    index: UniqueIndex,
    parts: readonly PartSource[],
    row: readonly ColumnValue[],
    raw: readonly RawValue[],
  ): string | null {
    const values = parts.map(({ source }) => row[source.column.position] ?? null);
    if (values.some((value) => value === null)) return null;
    return lockKey(
      index.name,
      parts.map(({ source, prefix, weight }, at) => {
        // Empty text has no weights; sql_mode ORACLE makes them NULL.
        if (weight !== undefined) return raw[weight]?.toString('latin1') ?? '';
        const member = source.count > 1 ? raw[source.beside + 1]?.toString('latin1') : undefined;
        return valuePart(source.column, values[at] ?? '', prefix, member);
      }),
    );
  }
}

/**
 * How the rows of a table are read exactly, whatever the session's settings are.
 * @param presumed the session's character_set_results, where it is known: text that comes as it is stored need not be
 * asked for once more. Where it turns out to be another, decoding throws TableChanged
 * @param star what the star gives: one for all plans of a definition, so that none takes an altered table for the one it knows
 */
export function planImage(
  table: TableDefinition,
  presumed?: string,
  star: StarFields = new StarFields(table),
): ImagePlan {
  return new TablePlan(table, presumed, star);
}
