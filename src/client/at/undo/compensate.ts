import { GlobalTxError } from '../../../protocol/errors.js';
import type { Resolution } from '../../../protocol/frames.js';
import { reach } from '../../failpoints.js';
import type { PhaseTwoAnswer } from '../../resource/resource.js';
import type { RawValue, SqlDialect, SqlExecutor } from '../executor.js';
import type { Row, TableChanges } from '../image/row.js';
import { TableChanged } from '../image/table-changed.js';
import { checkTable } from '../table/check.js';
import type { TableDefinition } from '../table/definition.js';
import { applySteps } from './apply.js';
import {
  checkRows,
  type DirtyRow,
  forcedRestorations,
  type RowRestoration,
  rowsToRead,
  unrestoredRows,
} from './dirty-check.js';
import { planCompensation, type TableRestorations } from './plan.js';
import { readPresentRows } from './present-rows.js';
import { deleteParts, readRecord } from './read-undo-log.js';
import { ER_DUP_ENTRY, errorNumber, isRefusal, serverMessage } from './server-error.js';
import { insertDefenceSql, LOG_STATUS_DEFENCE, lockUndoLogSql, turnIntoDefenceSql } from './undo-log.js';

/** Where compensation gets table definitions. */
export interface TableSource {
  /**
   * @param fresh reads the definition anew; otherwise one that was read before may do
   * @returns undefined when there is no such table
   */
  table(
    executor: SqlExecutor,
    schema: string,
    name: string,
    fresh: boolean,
  ): Promise<TableDefinition | undefined>;
}

/** The branch to be rolled back. */
export interface BranchToUndo {
  readonly xid: string;
  /** Decimal. */
  readonly branchId: string;
  /** Where its undo log is. */
  readonly schema: string;
  readonly server: SqlDialect['server'];
  readonly tables: TableSource;
  /** Whether phase one is known to be committed: then there must be an undo record. */
  readonly phaseOneDone: boolean;
}

const DONE: PhaseTwoAnswer = { outcome: 'PHASE_TWO_DONE', code: '', detail: '' };

/** Rows named in an answer; the others are counted. */
const NAMED_ROWS = 10;

function refused(message: string, branch: BranchToUndo, cause?: unknown): GlobalTxError {
  return new GlobalTxError('COMPENSATION_REFUSED', message, { xid: branch.xid, cause });
}

/** 'shop.stock (id = 7): qty, price; ...': keys and column names, never other values. */
function describe(rows: readonly (DirtyRow & { readonly table: string })[]): string {
  const named = rows.slice(0, NAMED_ROWS).map(({ table, key, columns, found }) => {
    const what = { changed: columns.join(', '), gone: 'the row is gone', come: 'a row is there' }[found];
    return `${table} (${key}): ${what}`;
  });
  const others = rows.length - named.length;
  return named.join('; ') + (others > 0 ? `; and ${others} more rows` : '');
}

/** A table of the record that has other columns now cannot be restored byte for byte. */
function checkColumns(changes: TableChanges, table: TableDefinition, branch: BranchToUndo): void {
  const now = table.columns.map((column) => column.name);
  const gone = changes.columns.filter((name) => !now.includes(name));
  const come = now.filter((name) => !changes.columns.includes(name));
  const moved = changes.columns.some((name, at) => now[at] !== name);
  if (!moved && come.length === 0) return;
  const what = [
    gone.length > 0 ? `without the columns ${gone.join(', ')}` : '',
    come.length > 0 ? `with the new columns ${come.join(', ')}` : '',
    gone.length + come.length === 0 ? 'with its columns in another order' : '',
  ].filter((part) => part !== '');
  throw refused(
    `${changes.schema}.${changes.table} was altered since: it is now ${what.join(' and ')}. Give it its former columns ` +
      'and order a retry, or restore the rows by hand and resolve the branch',
    branch,
  );
}

/** Triggers of which the application has not said that they write nothing but the row. */
function newTriggers(changes: TableChanges, { triggers }: TableDefinition): readonly string[] {
  return triggers.filter((name) => changes.triggers?.includes(name) !== true);
}

interface RecordedTable {
  readonly changes: TableChanges;
  readonly table: TableDefinition;
}

async function present(executor: SqlExecutor, { changes, table }: RecordedTable, branch: BranchToUndo) {
  return readPresentRows(executor, table, rowsToRead(changes), branch.server, true);
}

async function readBack(
  executor: SqlExecutor,
  tables: readonly RecordedTable[],
  branch: BranchToUndo,
): Promise<void> {
  const wrong: (DirtyRow & { table: string })[] = [];
  for (const recorded of tables) {
    const { changes } = recorded;
    const rows = unrestoredRows(changes, await present(executor, recorded, branch));
    wrong.push(...rows.map((row) => ({ ...row, table: `${changes.schema}.${changes.table}` })));
  }
  if (wrong.length === 0) return;
  throw refused(`after the restoration these differ from what they were: ${describe(wrong)}`, branch);
}

/** How an attempt goes about its work. */
interface Manner {
  /** Reads table definitions anew. */
  readonly fresh: boolean;
  readonly resolution: Resolution;
}

/** What has to be written to one table. Rows that someone else has changed are overwritten only on a person's word. */
function checked(
  changes: TableChanges,
  rows: readonly Row[],
  resolution: Resolution,
): { readonly restorations: readonly RowRestoration[]; readonly dirty: readonly DirtyRow[] } {
  if (resolution !== 'RESTORE_BEFORE') return checkRows(changes, rows);
  return { restorations: forcedRestorations(changes, rows), dirty: [] };
}

/** Restores every row of the record. Nothing is written before every row has been checked. */
async function restore(
  executor: SqlExecutor,
  recorded: readonly TableChanges[],
  branch: BranchToUndo,
  { fresh, resolution }: Manner,
): Promise<void> {
  const tables: RecordedTable[] = [];
  const restorations: TableRestorations[] = [];
  const dirty: (DirtyRow & { table: string })[] = [];
  for (const changes of recorded) {
    const name = `${changes.schema}.${changes.table}`;
    const table = await branch.tables.table(executor, changes.schema, changes.table, fresh);
    if (table === undefined) throw refused(`table ${name} is not there any more`, branch);
    checkColumns(changes, table, branch);
    // As for an INSERT: refuses triggers, whose writes nobody would take back. Cascades are looked at by step.
    checkTable({ ...table, triggers: newTriggers(changes, table) }, 'insert');
    const found = checked(changes, await present(executor, { changes, table }, branch), resolution);
    tables.push({ changes, table });
    restorations.push({ table, restorations: found.restorations });
    dirty.push(...found.dirty.map((row) => ({ ...row, table: name })));
  }
  if (dirty.length > 0) {
    throw new GlobalTxError('DIRTY_WRITE', `changed by someone else since: ${describe(dirty)}`, {
      xid: branch.xid,
    });
  }
  await applySteps(executor, planCompensation(restorations), branch.server);
  await readBack(executor, tables, branch);
}

/** Something came in between; the next attempt will see it. */
class CameBetween extends Error {}

async function insertDefence(executor: SqlExecutor, branch: BranchToUndo): Promise<void> {
  try {
    await executor.query(insertDefenceSql(branch.schema, branch));
  } catch (error) {
    if (errorNumber(error) !== ER_DUP_ENTRY) throw error;
    throw new CameBetween('phase one has written its undo record in this moment', { cause: error });
  }
}

/** A compensation leaves a row behind, and a commit is never pushed as a rollback: somebody else took it away. */
function recordMissing(branch: BranchToUndo): GlobalTxError {
  return new GlobalTxError(
    'UNDO_RECORD_MISSING',
    `branch ${branch.branchId} is committed in the database, but its row of ${branch.schema}.undo_log is gone: ` +
      'nothing was restored. Bring the row back from a copy and retry, or put the rows that its locks name right by hand ' +
      'and resolve the branch with --accept-current',
    { xid: branch.xid },
  );
}

async function undo(executor: SqlExecutor, branch: BranchToUndo, manner: Manner): Promise<void> {
  const { rows } = await executor.query(lockUndoLogSql(branch.schema, branch));
  const [row] = rows;
  if (row === undefined) {
    if (branch.phaseOneDone && manner.resolution !== 'ACCEPT_CURRENT') throw recordMissing(branch);
    // As far as anybody knows phase one has not committed, and now never can. One that has written its row and not
    // yet committed holds this up until it ends.
    await insertDefence(executor, branch);
    return;
  }
  const [context, , status] = row;
  if (Number(status) === LOG_STATUS_DEFENCE) return;
  if (manner.resolution !== 'ACCEPT_CURRENT') await restoreRecord(executor, branch, manner, row);
  await deleteParts(executor, branch.schema, branch, context);
  reach('before', 'undo-log-deleted');
  // A row stays, so that a push that comes again, because the answer to this one was lost, finds what has been done.
  await executor.query(turnIntoDefenceSql(branch.schema, branch));
  reach('after', 'undo-log-deleted');
}

async function restoreRecord(
  executor: SqlExecutor,
  branch: BranchToUndo,
  manner: Manner,
  row: readonly RawValue[],
): Promise<void> {
  const record = await readRecord(executor, branch.schema, branch, row);
  if (record.xid !== branch.xid || record.branchId !== branch.branchId) {
    throw refused(`its undo record is that of branch ${record.branchId} of ${record.xid}`, branch);
  }
  await restore(executor, record.tables, branch, manner);
}

function answerTo(error: unknown): PhaseTwoAnswer {
  if (error instanceof TableChanged) {
    const detail = `the table does not fit its definition: ${error.message}`;
    return { outcome: 'PHASE_TWO_NEEDS_ATTENTION', code: 'COMPENSATION_REFUSED', detail };
  }
  if (error instanceof GlobalTxError) {
    const named = error.code === 'DIRTY_WRITE' || error.code === 'UNDO_RECORD_MISSING';
    const code = named ? error.code : 'COMPENSATION_REFUSED';
    return { outcome: 'PHASE_TWO_NEEDS_ATTENTION', code, detail: error.message };
  }
  if (isRefusal(error)) {
    return {
      outcome: 'PHASE_TWO_NEEDS_ATTENTION',
      code: 'COMPENSATION_REFUSED',
      detail: `the server refused to restore the rows: ${serverMessage(error)}`,
    };
  }
  return retryAnswer(error);
}

/** Not now: the coordinator sends it again. */
export function retryAnswer(error: unknown): PhaseTwoAnswer {
  return { outcome: 'PHASE_TWO_RETRY', code: 'INTERNAL', detail: serverMessage(error) };
}

async function attempt(executor: SqlExecutor, branch: BranchToUndo, manner: Manner): Promise<PhaseTwoAnswer> {
  try {
    await executor.query('START TRANSACTION');
    await undo(executor, branch, manner);
    await executor.query('COMMIT');
    return DONE;
  } catch (error) {
    // Rejects when the session is lost, which ends the transaction too; the session must not be used again.
    await executor.query('ROLLBACK');
    return answerTo(error);
  }
}

/**
 * Rolls one branch back: restores every row that it changed to what it was before, in one local transaction
 * that also turns the undo record into a defence record. Either all of that is committed or nothing is.
 *
 * - PHASE_TWO_DONE: restored, now or before; or there was nothing to restore, and a phase one that is still on its
 *   way will meet the defence record.
 * - PHASE_TWO_NEEDS_ATTENTION, DIRTY_WRITE: someone else has changed one of the rows.
 * - PHASE_TWO_NEEDS_ATTENTION, UNDO_RECORD_MISSING: phase one is committed, and its undo record is gone.
 * - PHASE_TWO_NEEDS_ATTENTION, COMPENSATION_REFUSED: the server or the table does not take the rows back.
 * - PHASE_TWO_RETRY: could not be done now.
 *
 * @param executor a session prepared by `prepareCompensationSession`, outside of any transaction
 * @param resolution what a person has decided: RESTORE_BEFORE restores rows that someone else has changed, too;
 * ACCEPT_CURRENT only turns the undo record into a defence record
 * @throws the error of the lost session, which is then not to be used again: to be answered by PHASE_TWO_RETRY
 */
export async function compensate(
  executor: SqlExecutor,
  branch: BranchToUndo,
  resolution: Resolution = 'UNRESOLVED',
): Promise<PhaseTwoAnswer> {
  const answer = await attempt(executor, branch, { fresh: false, resolution });
  if (answer.outcome !== 'PHASE_TWO_NEEDS_ATTENTION') return answer;
  // Nobody is called on the word of a table definition that may be out of date.
  return attempt(executor, branch, { fresh: true, resolution });
}
