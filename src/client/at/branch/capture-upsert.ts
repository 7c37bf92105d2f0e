import { KEYS_PER_QUERY, keyCondition, keyIndexHint } from '../image/key-condition.js';
import { differs } from '../image/row-equality.js';
import type { DuplicateAssignment, InsertStatement } from '../sql/analysis.js';
import { checkTable, refuseUpdateCascades } from '../table/check.js';
import type { TableDefinition } from '../table/definition.js';
import { movedKeyColumns } from '../table/generated.js';
import { insertOnly } from './bound-insert.js';
import { type CaptureContext, mismatch, type RunStatement, type StatementCounts } from './capture-context.js';
import { type ConflictingRows, conflictingRows } from './conflicting-rows.js';
import { isCounterAtEnd } from './counter-end.js';
import { insertName, insertRefused } from './insert-refusal.js';
import { type InsertedRows, insertedRows, rowsAlreadyThere } from './inserted-rows.js';
import { referenceOf, type WritePlaceholder } from './queries.js';
import { readImage, type TableImage } from './read-image.js';
import { rowsByValues } from './rows-by-values.js';
import { errno } from './statement-error.js';
import { atTheEnd, givesSomeKeys, wouldEnd, wouldEndCounter } from './upsert-counter.js';

/** A row is met that was not to be: of REPLACE and of a query's rows, and of ON DUPLICATE KEY UPDATE; see `insertOnly`. */
const ER_DUP_ENTRY = 1062;
const ER_SUBQUERY_NO_1_ROW = 1242;
/** How often rows of others may come between the reading and the statement before it is refused. */
const TRIES = 3;

/**
 * REPLACE and INSERT ... ON DUPLICATE KEY UPDATE: the rows that the new ones meet are read and locked before, and
 * are all that can be changed or deleted; the inserted ones are found afterwards by their keys.
 */
export async function captureUpsert(
  context: CaptureContext,
  statement: InsertStatement,
  table: TableDefinition,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<void> {
  check(statement, table);
  const inserted = await insertedRows(context, statement, table, write);
  const there = await rowsAlreadyThere(inserted);
  const ran = await runOverMet(context, statement, table, write, run, inserted);
  const { met, counts, found = inserted, moves } = ran;
  for (const { identity } of met.rows) there.delete(identity);
  const freshOf = ({ table, rows }: TableImage): TableImage => ({
    table,
    rows: rows.filter(({ identity }) => !there.has(identity)),
  });
  let fresh = freshOf(moves ? await found.read() : await rowsInserted(statement, met, found));
  const holds = () => (moves ? fresh.rows.length === 1 : agrees(statement, met, fresh, counts));
  // Where all rows meet others for which the server would make keys, LAST_INSERT_ID() is that of an earlier statement.
  const stale = inserted.generated && found === inserted && !context.session.facts.weakIsolation;
  if (stale && !holds()) fresh = freshOf(await inserted.readGiven());
  if (!holds()) {
    throw mismatch(insertName(statement), met.table, met.rows.length + fresh.rows.length, counts.matched);
  }
  // More than one of one row: another that was there has changed or gone, and it must be one of those that were read.
  // Several rows may also meet one another.
  const changesOther = statement.rows.length === 1 && counts.matched > 1;
  const suspect =
    !met.exact &&
    changesOther &&
    !mayCountUnchanged(statement, met) &&
    !replacesItself(statement, met, fresh, counts);
  if (suspect && !(await hasChanged(context, met)))
    throw mismatch(insertName(statement), met.table, 0, counts.matched);
  touch(context, met, fresh);
}

/**
 * The server counts a row as changed that is what it was, where a column is given the NULL that it has: it compares what
 * lies beneath the NULLs, too.
 */
function mayCountUnchanged({ onConflict }: InsertStatement, { table, rows }: ConflictingRows): boolean {
  if (onConflict.action !== 'update') return false;
  const assigned = table.columns.map(({ name }) =>
    onConflict.assignments.some((assignment) => assigns(assignment, name)),
  );
  return rows.some(({ row }) => row.some((value, at) => value === null && assigned[at]));
}

/**
 * A REPLACE that leaves its row as it was is two changes where a foreign key refers to the table, or it has more unique
 * indexes than the key: the servers put a row in its own place only under the last of them, and delete and insert it under
 * the others. Of two changes one is the new row, so the other is the row that had its key before, and no third one.
 */
function replacesItself(
  { onConflict }: InsertStatement,
  met: ConflictingRows,
  { rows: present }: TableImage,
  { matched }: StatementCounts,
): boolean {
  if (onConflict.action !== 'replace' || matched !== 2) return false;
  const before = new Map(met.rows.map(({ identity, row }) => [identity, row]));
  return present.some(({ identity, row }) => {
    const was = before.get(identity);
    return was !== undefined && !differs(was, row);
  });
}

async function hasChanged(context: CaptureContext, { table, rows }: ConflictingRows): Promise<boolean> {
  const { server } = context.session.facts.dialect;
  const before = new Map(rows.map((image) => [image.identity, image.row]));
  for (let from = 0; from < rows.length; from += KEYS_PER_QUERY) {
    const keys = rows.slice(from, from + KEYS_PER_QUERY).map(({ row }) => row);
    const now = await readImage(context, table, (plan, current) => {
      const reference = referenceOf({ schema: current.schema, name: current.name, alias: null });
      const source = `${reference} ${keyIndexHint(current)}`;
      return `SELECT ${plan.selectList(reference)} FROM ${source} WHERE ${keyCondition(current, keys, server)} FOR UPDATE`;
    });
    if (now.rows.length < keys.length) return true;
    if (now.rows.some(({ identity, row }) => differs(before.get(identity) ?? [], row))) return true;
  }
  return false;
}

/**
 * Deleted rows first, then changed ones, then new ones: the rollback goes the other way, so that unique values are
 * free before the deleted rows come back, and children of those after them.
 */
function touch(context: CaptureContext, met: ConflictingRows, { table, rows }: TableImage): void {
  const before = new Set(met.rows.map(({ identity }) => identity));
  const present = new Set(rows.map(({ identity }) => identity));
  const gone = met.rows.filter(({ identity }) => !present.has(identity));
  const kept = met.rows.filter(({ identity }) => present.has(identity));
  for (const image of [...gone, ...kept]) {
    context.touched.add(met.table, { identity: image.identity, before: image, keyed: image.row });
  }
  for (const { identity, row } of rows) {
    if (!before.has(identity)) context.touched.add(table, { identity, before: null, keyed: row });
  }
}

function check(statement: InsertStatement, table: TableDefinition): void {
  checkTable(table, 'insert');
  const { onConflict } = statement;
  if (onConflict.action !== 'update') {
    refuseChildren(statement, table);
    return;
  }
  const changed = onConflict.assignments.filter(({ to }) => to !== 'itself');
  refuseUpdateCascades(
    table,
    changed.map(({ column }) => column),
  );
  const others = changed.filter(({ to }) => to === 'other').map(({ column }) => column);
  const given = changed.map(({ column }) => column);
  const [moving] = table.columns.filter(
    (column) =>
      movedKeyColumns(table, others).includes(column) ||
      (column.generated && movedKeyColumns(table, given).includes(column)),
  );
  if (moving !== undefined)
    throw insertRefused(statement, table, `a change of the key column \`${moving.name}\``);
}

/**
 * Whether a row that another takes the place of is deleted, or changed, for its children is the server's choice:
 * MySQL 9 leaves a child as it is that refers to a value which the new row has again.
 */
function refuseChildren(statement: InsertStatement, table: TableDefinition): void {
  const [cascade] = table.cascades;
  if (cascade === undefined) return;
  const child = `${cascade.childSchema}.${cascade.childTable}`;
  throw insertRefused(statement, table, `the foreign key \`${cascade.name}\` of ${child}, which cascades`);
}

function assigns({ column }: DuplicateAssignment, name: string): boolean {
  return column.toLowerCase() === name.toLowerCase();
}

/**
 * A row that a new one meets by another unique value than its key gets the key of that, if it is given it. Of one new
 * row it is known where it goes: where the new row would have been.
 * @returns whether the row that is met moves
 */
function movesKey(statement: InsertStatement, met: ConflictingRows, inserted: InsertedRows): boolean {
  const { onConflict, rows } = statement;
  if (onConflict.action !== 'update' || met.table.uniques.length === 0) return false;
  if (met.byKey && !inserted.generated) return false;
  const given = met.table.key.columns.filter((name) =>
    onConflict.assignments.some((assignment) => assignment.to === 'given' && assigns(assignment, name)),
  );
  const [moving] = given;
  if (moving === undefined) return false;
  const whole = given.length === met.table.key.columns.length;
  if (whole && rows.length === 1 && met.rows.length === 1 && !inserted.generated) return true;
  throw insertRefused(statement, met.table, `a change of the key column \`${moving}\``);
}

/**
 * Reads the rows that are met and runs the statement. Under READ COMMITTED another row may come to be met in
 * between, and a generated key may be taken: where none is met the statement is bound to insert only, and the
 * server's error tells.
 */
async function runOverMet(
  context: CaptureContext,
  statement: InsertStatement,
  table: TableDefinition,
  write: WritePlaceholder,
  run: RunStatement,
  inserted: InsertedRows,
): Promise<{
  readonly met: ConflictingRows;
  readonly counts: StatementCounts;
  /** How the inserted rows are found, when not by their keys. */
  readonly found?: InsertedRows;
  /** Whether the row that is met goes to where the new row would have been. */
  readonly moves: boolean;
}> {
  const weak = context.session.facts.weakIsolation;
  if (
    inserted.generated &&
    statement.rows.length > 1 &&
    (await isCounterAtEnd(context, table, statement.rows.length + 1))
  )
    throw atTheEnd(statement, table);
  // What one row gives may be the end from which the next one is generated.
  if (inserted.generated && (await wouldEndCounter(context, statement, table, write)))
    throw wouldEnd(statement, table);
  // A counter that is at its end generates its last value again and again, and the row with it would be met.
  const meetsOnlyAtTheEnd = inserted.generated && statement.rows.length === 1;
  let failure: unknown;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const met = await conflictingRows(context, statement, table, write);
    const moves = movesKey(statement, met, inserted);
    if (met.rows.length === 0 && (weak || meetsOnlyAtTheEnd)) {
      if (await wouldEndCounter(context, statement, met.table, write)) throw wouldEnd(statement, met.table);
      const counts = await withoutMeeting(statement, met.table, run);
      if (!(counts instanceof Error)) return { met, counts, moves };
      failure = counts;
      // A given value may be the next one of the counter, which each trial moves on.
      if (inserted.generated && givesSomeKeys(statement, table)) break;
      continue;
    }
    if (weak && !met.closed) break;
    const found = hasUnknownKeys(statement, met, inserted) ? rowsByValues(context, statement, met) : inserted;
    if (found === undefined)
      throw insertRefused(
        statement,
        met.table,
        'generated keys, where only some of its rows are there already',
      );
    // One row that meets the last one meets one that was read: nothing is in doubt then.
    const known = statement.rows.length === 1 ? met.rows : [];
    const generates = inserted.generated && !givesSomeKeys(statement, met.table);
    const lone = generates && statement.rows.length === 1;
    // Where it may also meet none, it may take the last value.
    if (lone && (await isCounterAtEnd(context, met.table, met.exact ? 1 : 2, known)))
      throw atTheEnd(statement, met.table);
    const counts = await run();
    const inDoubt = generates && !replacesTheMet(statement, met, counts);
    if (inDoubt && (await isCounterAtEnd(context, met.table, 1, known))) {
      throw mismatch(insertName(statement), met.table, statement.rows.length, counts.matched);
    }
    return { met, counts, found, moves };
  }
  if (errno(failure) === ER_SUBQUERY_NO_1_ROW && asksQuery(statement)) throw failure;
  if (!weak) throw atTheEnd(statement, table);
  throw insertRefused(
    statement,
    table,
    'rows that meet others in part, or one another, under READ COMMITTED; use REPEATABLE READ',
  );
}

/** Whether a lone row has taken the place of those that were read and of no other: then it may have the last value itself. */
function replacesTheMet(
  { onConflict, rows, returning }: InsertStatement,
  met: ConflictingRows,
  { matched }: StatementCounts,
): boolean {
  const lone = onConflict.action === 'replace' && rows.length === 1 && returning.text === '';
  return lone && met.exact && matched === 1 + met.rows.length;
}

/** Whether a query among the values may be the one that has given several rows. */
function asksQuery({ rows }: InsertStatement): boolean {
  return rows.some((row) =>
    row.some(
      (value) => value.kind === 'expression' && /\b(?:SELECT|TABLE|VALUES)\b/i.test(value.expression.text),
    ),
  );
}

/** @returns the error when there is a row to be met after all */
async function withoutMeeting(
  statement: InsertStatement,
  table: TableDefinition,
  run: RunStatement,
): Promise<StatementCounts | Error> {
  try {
    return await run((write) => insertOnly(statement, table, write));
  } catch (error) {
    const isMet =
      error instanceof Error && [ER_DUP_ENTRY, ER_SUBQUERY_NO_1_ROW].some((met) => errno(error) === met);
    if (isMet) return error;
    throw error;
  }
}

/** When it is not known which rows are inserted, it is not known which of them LAST_INSERT_ID() speaks of. */
function hasUnknownKeys(
  { onConflict }: InsertStatement,
  met: ConflictingRows,
  inserted: InsertedRows,
): boolean {
  return onConflict.action === 'update' && inserted.generated && met.rows.length > 0 && !met.meetsAll;
}

async function rowsInserted(
  statement: InsertStatement,
  met: ConflictingRows,
  inserted: InsertedRows,
): Promise<TableImage> {
  const none = statement.onConflict.action === 'update' && met.meetsAll;
  return none ? { table: met.table, rows: [] } : inserted.read();
}

/** Whether what the server says of the number of rows can be true of those that were read. */
function agrees(
  { onConflict, rows, returning }: InsertStatement,
  met: ConflictingRows,
  { rows: present }: TableImage,
  { matched: affected, duplicates }: StatementCounts,
): boolean {
  const before = new Set(met.rows.map(({ identity }) => identity));
  // RETURNING gives each new row once, whatever became of it.
  if (returning.text !== '') return affected === rows.length && (present.length > 0 || met.rows.length > 0);
  if (onConflict.action === 'replace') {
    // A row may take the place of an earlier one of the same statement. One that is the same in all its columns
    // is not counted twice.
    const most = rows.length + met.rows.length + (rows.length - present.length);
    return present.length > 0 && affected >= rows.length && affected <= most;
  }
  const fresh = present.filter(({ identity }) => !before.has(identity)).length;
  // Each row is inserted, or meets another.
  if (duplicates !== undefined && fresh + duplicates < rows.length) return false;
  if (met.rows.length === 0 && fresh === 0) return false;
  // One for an inserted row, two for a changed one; none, or with CLIENT_FOUND_ROWS one, for an unchanged one.
  return affected >= fresh && affected <= fresh + 2 * (rows.length - fresh);
}
