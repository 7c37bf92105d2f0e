import type { InsertStatement, InsertValue } from '../sql/analysis.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition, TableDefinition, UniqueIndex } from '../table/definition.js';
import { constantDefault, givenPart, isZero, listedColumns, withoutValue } from './inserted.js';
import { oneOfCondition } from './key-condition.js';
import { valueLiteral } from './literal.js';
import { prefixCondition } from './prefix-condition.js';
import type { ColumnValue } from './row.js';

/** Finds the rows that hold unique values of new rows, by the index that makes them unique. */
export interface ConflictQuery {
  readonly index: UniqueIndex;
  /** One for each row that can meet another; those with a NULL or a new AUTO_INCREMENT value cannot. */
  readonly conditions: readonly string[];
  /** Whether they find no other rows: a value that may have several forms can. */
  readonly exact: boolean;
}

export type Conflicts = { readonly queries: readonly ConflictQuery[] } | { readonly refused: string };

/** What a row has in one column of an index. */
type Part =
  | { readonly expression: string }
  /** One of several values. */
  | { readonly forms: readonly ColumnValue[] }
  /** NULL, or a value that no row has: meets nothing. */
  | { readonly free: true }
  | { readonly refused: string };

/** What sql_mode makes of 0 in an AUTO_INCREMENT column: itself, or a new value. */
interface ZeroKeeping {
  readonly zeroIsKept: boolean;
}

const INTEGER_IN_QUOTES = /^'\+?(-?\d+)'$/;

/** What a session makes of values. */
interface Session extends ZeroKeeping {
  readonly dialect: { readonly server: 'mysql' | 'mariadb' };
}

/**
 * How to find every row that the new rows of an INSERT would meet under a unique index of the table: exactly
 * those, or the construct because of which it cannot be known.
 * @param expression the SQL of a value with its placeholders written in; null where it is not known
 */
export function conflictQueries(
  table: TableDefinition,
  insert: Pick<InsertStatement, 'columns' | 'rows' | 'computed'>,
  session: Session,
  expression: (value: InsertValue) => string | null,
): Conflicts {
  const listed = listedColumns(table, insert.columns);
  const queries: ConflictQuery[] = [];
  for (const index of [table.key, ...table.uniques]) {
    const columns = index.columns.flatMap((name) => table.columns.filter((column) => column.name === name));
    const conditions: string[] = [];
    let exact = true;
    for (const [number, values] of insert.rows.entries()) {
      // The server refuses such a row by itself, but for the empty one, which is all defaults.
      if (values.length !== listed.length && values.length > 0) continue;
      const parts = columns.map((column) =>
        column.generated
          ? computedPart(column, insert.computed?.[number])
          : part(column, values[listed.indexOf(column.name.toLowerCase())], session, expression),
      );
      const refused = parts.find((each) => 'refused' in each);
      if (refused !== undefined) return refused;
      if (parts.some((each) => 'free' in each)) continue;
      const compared = parts.map((each, at) =>
        comparison(columns[at]!, each, index.prefixes[at] ?? null, session.dialect.server),
      );
      if (compared.includes(undefined)) {
        return { refused: `the unique index ${quoteIdentifier(index.name)} over the beginning of a column` };
      }
      conditions.push(compared.join(' AND '));
      exact &&= parts.every((each) => !('forms' in each) || each.forms.length === 1);
    }
    if (conditions.length > 0) queries.push({ index, conditions, exact });
  }
  return { queries };
}

function comparison(
  column: ColumnDefinition,
  part: Part,
  prefix: number | null,
  server: 'mysql' | 'mariadb',
): string | undefined {
  if (prefix !== null)
    return 'forms' in part ? prefixCondition(column, part.forms, prefix, server) : undefined;
  if ('expression' in part) return holds(column, part.expression);
  if (!('forms' in part)) return 'FALSE';
  if (column.dataType !== 'char')
    return oneOfCondition(column, quoteIdentifier(column.name), part.forms, server);
  return holds(column, part.forms.map((form) => valueLiteral(column, form, server)).join(','));
}

/**
 * Under PAD_CHAR_TO_FULL_LENGTH a CHAR compares with all its spaces, and 'ß' has more of them than 'ss' where a
 * collation counts them: its index knows better. The second half is a constant in every other sql_mode.
 */
function holds(column: ColumnDefinition, expression: string): string {
  const name = quoteIdentifier(column.name);
  const plainly = `${name} IN (${expression})`;
  if (column.dataType !== 'char' || column.spaceWeights !== null) return plainly;
  const trimmed = `TRIM(TRAILING ' ' FROM ${name}) IN (${expression})`;
  return `(${plainly} OR FIND_IN_SET('PAD_CHAR_TO_FULL_LENGTH',@@sql_mode) AND ${trimmed})`;
}

function computedPart(
  { name }: ColumnDefinition,
  computed: ReadonlyMap<string, readonly ColumnValue[]> | undefined,
): Part {
  const forms = computed?.get(name);
  if (forms === undefined)
    return { refused: `a unique index over the generated column ${quoteIdentifier(name)}` };
  return formsPart(forms);
}

/** NULL meets nothing. */
function formsPart(all: readonly ColumnValue[]): Part {
  const forms = all.filter((form) => form !== null);
  return forms.length === 0 ? { free: true } : { forms };
}

function part(
  column: ColumnDefinition,
  value: InsertValue | undefined,
  { zeroIsKept }: ZeroKeeping,
  expression: (value: InsertValue) => string | null,
): Part {
  const name = quoteIdentifier(column.name);
  if (value === undefined || value.kind === 'default') {
    // The word DEFAULT stands for the value 0 there.
    if (column.autoIncrement && value !== undefined && zeroIsKept) return { expression: '0' };
    if (column.autoIncrement || column.nullByDefault) return { free: true };
    if (column.constantDefault) return { expression: constantDefault(column, name) };
    return withoutValue(column, `no value for the unique column ${name}`);
  }
  if (value.kind === 'stored') return formsPart(value.forms);
  const text =
    value.kind === 'null' ? 'NULL' : value.kind === 'expression' ? null : expression(value)?.trim();
  if (text === null || text === undefined)
    return { refused: `an expression as value of the unique column ${name}` };
  if (text.toUpperCase() === 'NULL') {
    if (column.nullable || column.autoIncrement) return { free: true };
    return withoutValue({ ...column, hasDefault: false }, `NULL as value of the unique column ${name}`);
  }
  if (column.autoIncrement && isZero(text)) return zeroIsKept ? { expression: '0' } : { free: true };
  const integer = columnFamily(column) === 'integer' ? INTEGER_IN_QUOTES.exec(text)?.[1] : undefined;
  const given = givenPart(column, integer ?? text);
  return 'generated' in given ? { free: true } : given;
}
