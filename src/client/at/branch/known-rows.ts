import { isZero, listedColumns } from '../image/inserted.js';
import type { Clause, InsertQuery, InsertStatement, InsertValue } from '../sql/analysis.js';
import type { ColumnDefinition, TableDefinition } from '../table/definition.js';
import { asWritten, boundInsert } from './bound-insert.js';
import type { BoundStatement, CaptureContext, RunStatement } from './capture-context.js';
import { isNearEnd } from './counter-end.js';
import { isOfEmptyValue } from './empty-values.js';
import { type Evaluated, evaluateExpressions, evaluateQuery } from './evaluate.js';
import { insertRefused } from './insert-refusal.js';
import { inlineClause, type WritePlaceholder } from './queries.js';
import { errno, isAboutStatement } from './statement-error.js';
import { findingColumns, withStoredForms } from './stored-values.js';
import { targetsOf } from './target-columns.js';

/** An INSERT whose rows are known, and how it is run. */
export interface KnownRows {
  readonly statement: InsertStatement;
  readonly run: RunStatement;
}

const ER_BAD_FIELD = 1054;
/** Of deprecated syntax; all else would have been an error in strict mode. */
const DEPRECATIONS: ReadonlySet<unknown> = new Set(['1287', '1681', '3719']);
const EXPRESSIONS_PER_QUERY = 100;
/** Shorter texts fit into the smallest max_allowed_packet that is in use. */
const LONGEST_UNASKED = 900_000;

/**
 * Makes the rows of an INSERT known: those of a query, and what expressions give for columns that rows are found
 * by, are evaluated once. Where a second evaluation could give others, the statement is bound to these.
 * @returns undefined when it could not be evaluated: the statement must then fail by itself
 * @throws GlobalTxError STATEMENT_UNSUPPORTED when the values cannot be written as literals
 */
export async function knownRows(
  context: CaptureContext,
  statement: InsertStatement,
  table: TableDefinition,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<KnownRows | undefined> {
  try {
    return statement.query === null
      ? await ofValues(context, statement, table, write, run)
      : await ofQuery(context, statement, statement.query, table, write, run);
  } catch (error) {
    if (!isAboutStatement(error)) throw error;
    if (statement.query !== null && isOfEmptyValue(error))
      throw insertRefused(statement, table, 'a query of an empty GEOMETRY or VECTOR');
    return undefined;
  }
}

async function ofQuery(
  context: CaptureContext,
  statement: InsertStatement,
  query: InsertQuery,
  table: TableDefinition,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<KnownRows | undefined> {
  const weak = context.session.facts.weakIsolation;
  const targets = targetsOf(table, statement.columns);
  // The server knows no such column.
  if (targets === undefined) return undefined;
  const text = inlineClause(weak ? query.text : query.locking, write);
  const { rows, byType } = accepted(await evaluateQuery(context, text, targets), statement, table);
  const stays = !weak && !query.volatile;
  const { action } = statement.onConflict;
  if (action !== 'skip' && context.session.facts.strict && hasNullForNotNull(targets, rows)) {
    if (stays) return undefined;
    // The second time there may be another row, which has a value there: it must be this one that fails.
    const failing: BoundStatement = (placeholder) =>
      boundInsert({ ...statement, rows }, targets.length, placeholder);
    return { statement: { ...statement, rows: [] }, run: (other) => run(other ?? failing) };
  }
  // Of a query that gives nothing only the query itself says what the server warns of.
  if (stays && rows.length === 0) return { statement: { ...statement, rows }, run };
  const unbound = stays && (action === 'fail' || action === 'skip') && givesKeys(table, targets, rows);
  if (!unbound && action !== 'skip' && (await warned(context))) {
    if (!query.changing) return undefined;
    throw insertRefused(
      statement,
      table,
      'a query that changes by itself and gives what is an error in strict mode',
    );
  }
  // Without the query's own columns in sight the statement could be legal where it is not.
  if (!unbound && (action === 'update' || byType))
    await context.session.executor.query(
      // In its own default format MySQL does not explain an INSERT into a view.
      `EXPLAIN FORMAT=TRADITIONAL ${asWritten(statement, query.text, write)}`,
    );
  const known = await withStoredForms(context, { ...statement, rows }, table, write);
  if (unbound) return { statement: known, run };
  await refuseNearEnd(context, known, table, targets);
  const bound: BoundStatement = (placeholder) => boundInsert(known, targets.length, placeholder);
  await refuseTooLong(context, statement, table, bound(write));
  return {
    statement: known,
    run: async (other) => {
      try {
        return await run(other ?? bound);
      } catch (error) {
        // ON DUPLICATE KEY UPDATE may speak of the query's own columns, which VALUES has not.
        if (other !== undefined || action !== 'update' || errno(error) !== ER_BAD_FIELD) throw error;
        if (!stays) throw insertRefused(statement, table, 'an update that speaks of columns of the query');
        return run();
      }
    },
  };
}

/** Outside of strict mode, and with IGNORE, another value is stored in its place. */
function hasNullForNotNull(targets: readonly ColumnDefinition[], rows: InsertStatement['rows']): boolean {
  return targets.some(
    ({ nullable, autoIncrement, dataType }, at) =>
      !nullable && !autoIncrement && dataType !== 'timestamp' && rows.some((row) => row[at]?.kind === 'null'),
  );
}

function accepted<E extends Evaluated>(
  evaluated: E,
  statement: InsertStatement,
  table: TableDefinition,
): Exclude<E, { refused: string }> {
  if ('refused' in evaluated) throw insertRefused(statement, table, evaluated.refused);
  return evaluated as Exclude<E, { refused: string }>;
}

/** Whether no row gets its key from the server: ids of an INSERT whose number of rows it does not know have gaps. */
function givesKeys(
  table: TableDefinition,
  targets: readonly ColumnDefinition[],
  rows: InsertStatement['rows'],
): boolean {
  const automatic = table.columns.find(({ autoIncrement }) => autoIncrement);
  if (automatic === undefined) return true;
  const at = targets.indexOf(automatic);
  return at >= 0 && rows.every((row) => isGiven(row[at]));
}

function isGiven(value: InsertValue | undefined): boolean {
  return value?.kind === 'literal' && !isZero(value.expression.text);
}

/**
 * A row that an INSERT ... SELECT leaves out moves the counter by the value that it is given; one of VALUES does not,
 * which runs in its place. Values have gaps, but which rows are left out at the counter's end must be the same.
 */
async function refuseNearEnd(
  context: CaptureContext,
  statement: InsertStatement,
  table: TableDefinition,
  targets: readonly ColumnDefinition[],
): Promise<void> {
  const { action } = statement.onConflict;
  const at = targets.findIndex(({ autoIncrement }) => autoIncrement);
  if (at < 0 || (action !== 'skip' && action !== 'update')) return;
  const given = statement.rows.flatMap((row) => givenValues(row[at]));
  if (statement.rows.every((row) => givenValues(row[at]).length > 0)) return;
  if (await isNearEnd(context, targets[at]!, given, statement.rows.length))
    throw insertRefused(
      statement,
      table,
      'generated AUTO_INCREMENT values behind one of the last of the counter',
    );
}

/** What an AUTO_INCREMENT column may make of a value, as SQL; nothing where it generates one. */
function givenValues(value: InsertValue | undefined): readonly string[] {
  if (value?.kind === 'stored') return value.forms.map(String);
  return isGiven(value) && value?.kind === 'literal' ? [value.expression.text] : [];
}

/** Whether the evaluation has warned of what is an error for a statement that writes. */
async function warned({ session }: Pick<CaptureContext, 'session'>): Promise<boolean> {
  const { rows } = await session.executor.query('SHOW WARNINGS');
  const serious = rows.some(
    ([level, code]) => level?.toString() !== 'Note' && !DEPRECATIONS.has(code?.toString()),
  );
  return serious && session.facts.strict;
}

async function refuseTooLong(
  { session }: Pick<CaptureContext, 'session'>,
  statement: InsertStatement,
  table: TableDefinition,
  text: string,
): Promise<void> {
  if (text.length < LONGEST_UNASKED) return;
  const { rows } = await session.executor.query('SELECT @@max_allowed_packet');
  if (Buffer.byteLength(text) + 1024 < Number(rows[0]?.[0]?.toString())) return;
  throw insertRefused(
    statement,
    table,
    'rows of a query that do not fit into max_allowed_packet; insert fewer at once',
  );
}

/** An expression of a row, in a column that rows are found by. */
interface Place {
  readonly row: number;
  readonly at: number;
  readonly column: ColumnDefinition;
  readonly expression: Clause;
  readonly locking: Clause;
  readonly volatile: boolean;
}

async function ofValues(
  context: CaptureContext,
  statement: InsertStatement,
  table: TableDefinition,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<KnownRows | undefined> {
  const spelled = withDefaults(statement, table, context.session.facts.dialect.server);
  const places = placesOf(spelled, table);
  if (places.length === 0) return { statement: await withStoredForms(context, statement, table, write), run };
  const rows = spelled.rows.map((row) => Array.from(row));
  const weak = context.session.facts.weakIsolation;
  for (let from = 0; from < places.length; from += EXPRESSIONS_PER_QUERY) {
    const some = places.slice(from, from + EXPRESSIONS_PER_QUERY);
    const texts = some.map(({ expression, locking }) => inlineClause(weak ? expression : locking, write));
    const evaluated = await evaluateExpressions(
      context,
      texts,
      some.map(({ column }) => column),
    ).catch((error: unknown) => {
      // It speaks of the row's other columns: only the server can say, as it inserts the row.
      if (errno(error) === ER_BAD_FIELD) return null;
      throw error;
    });
    if (evaluated === null) return { statement, run };
    const [values = []] = accepted(evaluated, statement, table).rows;
    for (const [index, { row, at }] of some.entries()) rows[row]![at] = values[index]!;
  }
  const again = places.some(({ volatile }) => volatile);
  if (again && statement.onConflict.action !== 'skip' && (await warned(context))) return undefined;
  const known = await withStoredForms(context, { ...spelled, rows }, table, write);
  if (!again) return { statement: known, run };
  const bound: BoundStatement = (placeholder) => boundInsert(known, 0, placeholder);
  return { statement: known, run: (other) => run(other ?? bound) };
}

/**
 * The statement with the word DEFAULT for what it leaves out of the columns whose defaults are computed. Where it has no list
 * of columns, MySQL stores NULL, or nothing, in the invisible ones, and computes no default.
 */
function withDefaults(
  statement: InsertStatement,
  table: TableDefinition,
  server: 'mysql' | 'mariadb',
): InsertStatement {
  const listed = listedColumns(table, statement.columns);
  const finding = findingColumns(statement, table);
  const missing = table.columns.filter(
    ({ name, defaultExpression, invisible }) =>
      defaultExpression !== null &&
      finding.has(name) &&
      !listed.includes(name.toLowerCase()) &&
      !(server === 'mysql' && statement.columns === null && invisible),
  );
  const empty = statement.rows.some((row) => row.length === 0 && listed.length > 0);
  // Rows of a wrong length are the server's to refuse.
  if (statement.rows.some((row) => row.length !== listed.length && row.length > 0)) return statement;
  if (missing.length === 0 && !empty) return statement;
  const hidden = missing.find(({ name }) => statement.shownAs?.has(name.toLowerCase()) === false);
  if (hidden !== undefined)
    throw insertRefused(
      statement,
      table,
      `a computed default of the column \`${hidden.name}\`, which the view does not show`,
    );
  const none: InsertValue = { kind: 'default' };
  return {
    ...statement,
    columns: [...(targetsOf(table, statement.columns) ?? []), ...missing].map(({ name }) => name),
    rows: statement.rows.map((row) => [
      ...(row.length === 0 ? listed.map(() => none) : row),
      ...missing.map(() => none),
    ]),
  };
}

function placesOf(statement: InsertStatement, table: TableDefinition): readonly Place[] {
  const finding = findingColumns(statement, table);
  const targets = targetsOf(table, statement.columns) ?? [];
  return statement.rows.flatMap((row, number) =>
    row.flatMap((value, at) => {
      const column = targets[at];
      if (column === undefined || !finding.has(column.name)) return [];
      const expression = expressionOf(value, column);
      return expression === undefined ? [] : [{ row: number, at, column, ...expression }];
    }),
  );
}

function expressionOf(
  value: InsertValue,
  { defaultExpression }: ColumnDefinition,
): Pick<Place, 'expression' | 'locking' | 'volatile'> | undefined {
  if (value.kind === 'expression') return value;
  if (value.kind !== 'default' || defaultExpression === null) return undefined;
  const expression: Clause = { text: defaultExpression, placeholders: [], offsets: [] };
  return { expression, locking: expression, volatile: true };
}
