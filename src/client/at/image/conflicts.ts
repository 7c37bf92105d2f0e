import type { InsertStatement, InsertValue } from '../sql/analysis.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition, TableDefinition, UniqueIndex } from '../table/definition.js';
import { asStored, givenPart, isZero, listedColumns } from './inserted.js';
import { isPlainValue } from './plain-value.js';

/** Finds the rows that hold unique values of new rows, by the index that makes them unique. */
export interface ConflictQuery {
  readonly index: UniqueIndex;
  /** One for each row that can meet another; those with a NULL or a new AUTO_INCREMENT value cannot. */
  readonly conditions: readonly string[];
}

export type Conflicts = { readonly queries: readonly ConflictQuery[] } | { readonly refused: string };

/** What a row has in one column of an index. */
type Part =
  | { readonly expression: string }
  /** NULL, or a value that no row has: meets nothing. */
  | { readonly free: true }
  | { readonly refused: string };

/** What sql_mode makes of 0 in an AUTO_INCREMENT column: itself, or a new value. */
interface ZeroKeeping {
  readonly zeroIsKept: boolean;
}

const INTEGER_IN_QUOTES = /^'\+?(-?\d+)'$/;

/**
 * How to find every row that the new rows of an INSERT would meet under a unique index of the table: exactly
 * those, or the construct because of which it cannot be known.
 * @param expression the SQL of a value with its placeholders written in; null where it is not known
 */
export function conflictQueries(
  table: TableDefinition,
  insert: Pick<InsertStatement, 'columns' | 'rows'>,
  session: ZeroKeeping,
  expression: (value: InsertValue) => string | null,
): Conflicts {
  const listed = listedColumns(table, insert.columns);
  const queries: ConflictQuery[] = [];
  for (const index of [table.key, ...table.uniques]) {
    if (index.prefixes.some((prefix) => prefix !== null)) {
      return { refused: `the unique index ${quoteIdentifier(index.name)} over the beginning of a column` };
    }
    const columns = index.columns.flatMap((name) => table.columns.filter((column) => column.name === name));
    const conditions: string[] = [];
    for (const values of insert.rows) {
      // The server refuses such a row by itself, but for the empty one, which is all defaults.
      if (values.length !== listed.length && values.length > 0) continue;
      const parts = columns.map((column) =>
        part(column, values[listed.indexOf(column.name.toLowerCase())], session, expression),
      );
      const refused = parts.find((each) => 'refused' in each);
      if (refused !== undefined) return refused;
      const compared = parts.flatMap((each, at) =>
        'expression' in each ? [holds(columns[at]!, each.expression)] : [],
      );
      if (compared.length === columns.length) conditions.push(compared.join(' AND '));
    }
    if (conditions.length > 0) queries.push({ index, conditions });
  }
  return { queries };
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

function part(
  column: ColumnDefinition,
  value: InsertValue | undefined,
  { zeroIsKept }: ZeroKeeping,
  expression: (value: InsertValue) => string | null,
): Part {
  const name = quoteIdentifier(column.name);
  if (column.generated) return { refused: `a unique index over the generated column ${name}` };
  if (value === undefined || value.kind === 'default') {
    // The word DEFAULT stands for the value 0 there.
    if (column.autoIncrement && value !== undefined && zeroIsKept) return { expression: '0' };
    if (column.autoIncrement || column.nullByDefault) return { free: true };
    if (column.constantDefault) return { expression: asStored(column, `DEFAULT(${name})`) };
    return { refused: `no value for the unique column ${name}` };
  }
  const text =
    value.kind === 'null' ? 'NULL' : value.kind === 'expression' ? null : expression(value)?.trim();
  if (text === null || text === undefined)
    return { refused: `an expression as value of the unique column ${name}` };
  if (text.toUpperCase() === 'NULL') {
    // Without strict mode NULL may become 0 or an empty text.
    if (column.nullable || column.autoIncrement) return { free: true };
    return { refused: `NULL as value of the unique column ${name}` };
  }
  if (column.autoIncrement && isZero(text)) return zeroIsKept ? { expression: '0' } : { free: true };
  if (!isPlainValue(column, text))
    return { refused: `a value of the unique column ${name} that may be converted` };
  const integer = columnFamily(column) === 'integer' ? INTEGER_IN_QUOTES.exec(text)?.[1] : undefined;
  const given = givenPart(column, integer ?? text);
  return 'generated' in given ? { free: true } : given;
}
