import type { GlobalTxError } from '../../../protocol/errors.js';
import { isZero } from '../image/inserted.js';
import { isPlainValue } from '../image/plain-value.js';
import { emptyForms, type StoredForms, storedForms } from '../image/stored-forms.js';
import type { InsertStatement, InsertValue } from '../sql/analysis.js';
import { columnFamily } from '../table/column-family.js';
import type { ColumnDefinition, TableDefinition, UniqueIndex } from '../table/definition.js';
import { basesOf } from '../table/generated.js';
import type { CaptureContext } from './capture-context.js';
import { type Forms, generatedForms } from './generated-forms.js';
import { insertRefused } from './insert-refusal.js';
import { valueWriter } from './inserted-rows.js';
import { probe } from './probe.js';
import type { WritePlaceholder } from './queries.js';
import { isAboutStatement } from './statement-error.js';
import { targetsOf } from './target-columns.js';

type Plain = Exclude<InsertValue, { readonly kind: 'stored' }>;

/** A value of a row, in a column that rows are found by, of which the column may make another. */
interface Place {
  readonly row: number;
  readonly at: number;
  readonly column: ColumnDefinition;
  readonly value: Plain;
  /** As SQL. */
  readonly text: string;
}

const PLACES_PER_QUERY = 100;
const NULL_LITERAL = /^\s*null\s*$/i;

/** The indexes that rows are found by. */
function searchedIndexes({ onConflict }: InsertStatement, table: TableDefinition): readonly UniqueIndex[] {
  return onConflict.action === 'fail' ? [table.key] : [table.key, ...table.uniques];
}

function searchedColumns(statement: InsertStatement, table: TableDefinition): readonly ColumnDefinition[] {
  const names = new Set(searchedIndexes(statement, table).flatMap((index) => index.columns));
  return table.columns.filter(({ name }) => names.has(name));
}

/** How much of a column matters, where no index holds all of it. */
function longestPrefixes(statement: InsertStatement, table: TableDefinition): ReadonlyMap<string, number> {
  const longest = new Map<string, number>();
  for (const { columns, prefixes } of searchedIndexes(statement, table)) {
    for (const [at, name] of columns.entries())
      longest.set(name, Math.max(longest.get(name) ?? 0, prefixes[at] ?? Number.MAX_SAFE_INTEGER));
  }
  for (const { name } of table.columns.flatMap((column) => basesOf(table, column))) longest.delete(name);
  return new Map(Array.from(longest).filter(([, length]) => length < Number.MAX_SAFE_INTEGER));
}

/** Whether an index holds the beginning of a column alone. */
function isInPrefix(statement: InsertStatement, table: TableDefinition, name: string): boolean {
  return searchedIndexes(statement, table).some(
    ({ columns, prefixes }) => (prefixes[columns.indexOf(name)] ?? null) !== null,
  );
}

/** Names of the columns that rows are found by, or that such a one is computed from. */
export function findingColumns(statement: InsertStatement, table: TableDefinition): ReadonlySet<string> {
  const searched = searchedColumns(statement, table);
  const bases = searched.flatMap((column) => basesOf(table, column));
  return new Set([...searched, ...bases].map(({ name }) => name));
}

/**
 * The INSERT with all that its columns may make of its values, where rows are found by these: 1.5 in a column of
 * integers, a text that is too long, a member's number. What is stored as it is written costs nothing.
 * @throws GlobalTxError STATEMENT_UNSUPPORTED where that is not known
 */
export async function withStoredForms(
  context: Pick<CaptureContext, 'session'>,
  statement: InsertStatement,
  table: TableDefinition,
  write: WritePlaceholder,
): Promise<InsertStatement> {
  const generated = searchedColumns(statement, table).filter((column) => column.generated);
  const bases = new Set(generated.flatMap((column) => basesOf(table, column)));
  const places = placesOf(statement, table, bases, write);
  if (places.length === 0 && generated.length === 0) return statement;
  const rows = statement.rows.map((row) => Array.from(row));
  for (let from = 0; from < places.length; from += PLACES_PER_QUERY) {
    const some = places.slice(from, from + PLACES_PER_QUERY);
    const all = await formsOf(context, statement, table, some);
    for (const [index, { row, at, value, column, text }] of some.entries()) {
      const forms = all[index] ?? [];
      const automatic = column.autoIncrement && forms.includes('0') && !NULL_LITERAL.test(text);
      // Of several rows the values that are generated behind it could not be told.
      if (
        automatic &&
        rows.length > 1 &&
        (statement.onConflict.action === 'skip' || !context.session.facts.strict)
      )
        throw unknown(statement, table, column);
      rows[row]![at] = { kind: 'stored', value, forms, automatic: automatic && rows.length === 1 };
    }
  }
  const known = { ...statement, rows };
  if (generated.length === 0) return known;
  return { ...known, computed: await computedForms(context, known, table, generated) };
}

/** What the generated columns hold in each row, as far as it can be told. */
async function computedForms(
  context: Pick<CaptureContext, 'session'>,
  { columns, rows }: InsertStatement,
  table: TableDefinition,
  generated: readonly ColumnDefinition[],
): Promise<NonNullable<InsertStatement['computed']>> {
  const targets = targetsOf(table, columns) ?? [];
  const computed = rows.map(() => new Map<string, Forms>());
  for (const column of generated) {
    const bases = basesOf(table, column);
    const given = rows.map((row) => bases.map((base) => baseForms(base, row[targets.indexOf(base)])));
    if (given.some((forms) => forms.includes(undefined))) continue;
    const all = await generatedForms(context, table, column, given as (readonly Forms[])[]);
    for (const [row, forms] of all?.entries() ?? []) computed[row]!.set(column.name, forms);
  }
  return computed;
}

function nullForms(column: ColumnDefinition): Forms {
  return column.nullable ? [null] : emptyForms(column);
}

function baseForms(column: ColumnDefinition, value: InsertValue | undefined): Forms | undefined {
  if (value?.kind === 'stored') return value.automatic ? undefined : value.forms;
  if (value !== undefined && value.kind !== 'default') return undefined;
  if (column.nullByDefault) return [null];
  const forms = column.hasDefault ? [] : emptyForms(column);
  return forms.length === 0 ? undefined : forms;
}

function placesOf(
  statement: InsertStatement,
  table: TableDefinition,
  bases: ReadonlySet<ColumnDefinition>,
  write: WritePlaceholder,
): readonly Place[] {
  const finding = findingColumns(statement, table);
  const targets = targetsOf(table, statement.columns) ?? [];
  const textOf = valueWriter(write);
  return statement.rows.flatMap((values, row) =>
    values.flatMap((value, at) => {
      const column = targets[at];
      if (column === undefined || value.kind === 'stored' || !finding.has(column.name)) return [];
      const text = value.kind === 'null' ? 'NULL' : textOf(value);
      if (text === null || value.kind === 'expression') return [];
      // A bigint may be bound as text, which is the bits of its bytes there.
      const bound = value.kind === 'placeholder' && columnFamily(column) === 'bit';
      const needed = bound || bases.has(column) || isInPrefix(statement, table, column.name);
      if (isKnown(column, text.trim()) && !needed) return [];
      return [{ row, at, column, value, text: text.trim() }];
    }),
  );
}

/** Whether it is found by what is written; NULL in a TIMESTAMP may mean now. */
function isKnown(column: ColumnDefinition, text: string): boolean {
  if (NULL_LITERAL.test(text)) return column.nullable || column.autoIncrement;
  return (column.autoIncrement && isZero(text)) || isPlainValue(column, text);
}

function unknown(
  statement: InsertStatement,
  table: TableDefinition,
  column: ColumnDefinition,
): GlobalTxError {
  return insertRefused(statement, table, `a value of the column \`${column.name}\` that may be converted`);
}

async function formsOf(
  context: Pick<CaptureContext, 'session'>,
  statement: InsertStatement,
  table: TableDefinition,
  places: readonly Place[],
): Promise<readonly Forms[]> {
  const prefixes = longestPrefixes(statement, table);
  const readers = places.map(({ column }): StoredForms => {
    const reader = storedForms(column, prefixes.get(column.name));
    if (reader === undefined) throw unknown(statement, table, column);
    return reader;
  });
  const asked = places.map(({ text, column }, index) =>
    NULL_LITERAL.test(text) || column.generated ? [] : readers[index]!.probes(`\n${text}\n`),
  );
  const [answers = []] = await probe(context, asked.flat()).catch((error: unknown): never => {
    if (!isAboutStatement(error)) throw error;
    throw unknown(statement, table, places[0]!.column);
  });
  let from = 0;
  return places.map(({ column, text }, index) => {
    const own = answers.slice(from, from + asked[index]!.length);
    from += own.length;
    const forms = NULL_LITERAL.test(text) ? nullForms(column) : readers[index]!.forms(own, text);
    if (forms.length > 0) return forms;
    if (!NULL_LITERAL.test(text)) throw unknown(statement, table, column);
    throw insertRefused(
      statement,
      table,
      `NULL as value of the TIMESTAMP key column \`${column.name}\`, which may mean now`,
    );
  });
}
