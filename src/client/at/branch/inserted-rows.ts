import { insertedKeyCondition } from '../image/inserted.js';
import { keyIndexHint } from '../image/key-condition.js';
import type { ImagePlan } from '../image/plan.js';
import type { InsertStatement, InsertValue } from '../sql/analysis.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { TableDefinition } from '../table/definition.js';
import type { CaptureContext } from './capture-context.js';
import { isCounterAtEnd } from './counter-end.js';
import { insertRefused } from './insert-refusal.js';
import { inlineClause, referenceOf, type WritePlaceholder } from './queries.js';
import { planOf, readImage, type TableImage } from './read-image.js';

/** Writes the values of an INSERT as SQL; null where the text does not say them. */
export function valueWriter(write: WritePlaceholder): (value: InsertValue) => string | null {
  return (value) => {
    if (value.kind === 'placeholder') return write(value.index);
    return 'expression' in value ? inlineClause(value.expression, write) : null;
  };
}

/** The rows that have the keys of an INSERT's rows. */
export interface InsertedRows {
  /** Whether the server makes the keys: before the INSERT they are not known. */
  readonly generated: boolean;
  /** Whether no other rows can be found: otherwise those that were there before must be left out. */
  readonly exact: boolean;
  /** Reads and locks them, once the INSERT has run. */
  read(): Promise<TableImage>;
}

/** The same by their keys alone. */
export interface KeyedRows extends InsertedRows {
  /** Those of them whose keys the server has not made. */
  readGiven(): Promise<TableImage>;
  /** The query to travel behind the INSERT, of which it must be the next: it finds nothing where that has failed. */
  readonly behind: string;
}

/**
 * Prepares the reading of the rows that have the keys of an INSERT's rows.
 * @throws GlobalTxError STATEMENT_UNSUPPORTED when they could not be found
 */
export async function insertedRows(
  context: CaptureContext,
  statement: InsertStatement,
  table: TableDefinition,
  write: WritePlaceholder,
): Promise<KeyedRows> {
  const { server } = context.session.facts.dialect;
  const found = insertedKeyCondition(table, statement, server, valueWriter(write));
  if ('refused' in found) throw insertRefused(statement, table, found.refused);
  await checkPassed(context, statement, table, found.passed);
  if (found.generated) await refuseSameValues(context, statement, table);
  const query = (plan: ImagePlan, current: TableDefinition, condition: string) => {
    const reference = referenceOf({ schema: current.schema, name: current.name, alias: null });
    const from = `${reference} ${keyIndexHint(current)}`;
    return `SELECT ${plan.selectList(reference)} FROM ${from} WHERE ${condition} FOR UPDATE`;
  };
  const readBy = (condition: string) =>
    readImage(context, table, (plan, current) => query(plan, current, condition));
  return {
    generated: found.generated,
    exact: found.exact,
    read: () => readBy(found.condition),
    readGiven: () => readBy(found.given),
    // Both servers know the value before they look for rows: with a false condition they lock none.
    behind: query(planOf(table, context.session), table, `ROW_COUNT() > 0 AND (${found.condition})`),
  };
}

/** The identities of the rows that would be found too, before the INSERT runs; they are locked. */
export async function rowsAlreadyThere(inserted: InsertedRows): Promise<Set<string>> {
  return inserted.exact ? new Set() : identitiesOf(await inserted.read());
}

export function identitiesOf({ rows }: TableImage): Set<string> {
  return new Set(rows.map(({ identity }) => identity));
}

/** At its end the counter gives its last value again and again, which is no error where another column tells the keys apart. */
async function refuseSameValues(
  context: CaptureContext,
  statement: InsertStatement,
  table: TableDefinition,
): Promise<void> {
  const { length } = statement.rows;
  if (length === 1 || table.key.columns.length === 1) return;
  if (!(await isCounterAtEnd(context, table, length))) return;
  throw insertRefused(
    statement,
    table,
    'generated AUTO_INCREMENT values at the end of the counter, beside another column of the key',
  );
}

/** A row that is there already shows that the counter is beyond its value. */
async function checkPassed(
  { session }: CaptureContext,
  statement: InsertStatement,
  table: TableDefinition,
  passed: readonly string[],
): Promise<void> {
  if (passed.length === 0) return;
  const { schema, name, columns } = table;
  const automatic = quoteIdentifier(columns.find(({ autoIncrement }) => autoIncrement)?.name ?? '');
  const reference = referenceOf({ schema, name, alias: null });
  const { rows } = await session.executor.query(
    `SELECT 1 FROM DUAL WHERE ${passed
      .map((value) => `${value} >= 0 AND EXISTS (SELECT 1 FROM ${reference} WHERE ${automatic} >= ${value})`)
      .join(' AND ')}`,
  );
  if (rows.length === 1) return;
  throw insertRefused(
    statement,
    table,
    'generated AUTO_INCREMENT values behind a given one that may be higher than they are',
  );
}
