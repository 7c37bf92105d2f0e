import type { SqlExecutor } from '../executor.js';
import type { Row, TableChanges } from '../image/row.js';
import type { TableDefinition } from '../table/definition.js';
import type { BranchToUndo } from './compensate.js';
import { type RowState, rowStates, rowsToRead } from './dirty-check.js';
import { readPresentRows } from './present-rows.js';
import { readRecord } from './read-undo-log.js';
import { LOG_STATUS_DEFENCE, readUndoLogSql } from './undo-log.js';

type BranchToShow = Omit<BranchToUndo, 'phaseOneDone'>;

/** One table of a branch, for an operator to look at. */
export interface ShownTable {
  readonly schema: string;
  readonly table: string;
  /** Names of the columns, in the order of the rows' values. */
  readonly columns: readonly string[];
  readonly key: readonly string[];
  /** Whether the table is still there; if not, every row counts as gone. */
  readonly exists: boolean;
  readonly rows: readonly RowState[];
}

/** What the undo log holds of a branch, and what its rows are now. */
export interface ShownBranch {
  readonly xid: string;
  readonly branchId: string;
  /** 'images'; 'defence' for a defence record; 'none': the undo log knows nothing of the branch. */
  readonly record: 'images' | 'defence' | 'none';
  readonly tables: readonly ShownTable[];
}

/** A row's values in the order of other columns; NULL in those that it has not. */
function reordered(row: Row, from: readonly string[], to: readonly string[]): Row {
  return to.map((name) => row[from.indexOf(name)] ?? null);
}

/** The rows as they are now, in the columns that the table had. */
async function presentRows(
  executor: SqlExecutor,
  changes: TableChanges,
  definition: TableDefinition,
  branch: BranchToShow,
): Promise<readonly Row[]> {
  const columns = definition.columns.map((column) => column.name);
  // Under another key the rows of the record cannot be found.
  if (!definition.key.columns.every((name) => changes.columns.includes(name))) return [];
  const keys = rowsToRead(changes).map((row) => reordered(row, changes.columns, columns));
  const rows = await readPresentRows(executor, definition, keys, branch.server, false);
  return rows.map((row) => reordered(row, columns, changes.columns));
}

/**
 * Reads both images of a branch's rows and the rows as they are now. Locks and changes nothing.
 * @param executor a session prepared by `prepareCompensationSession`
 * @throws GlobalTxError COMPENSATION_REFUSED when the record cannot be read
 */
export async function showBranch(executor: SqlExecutor, branch: BranchToShow): Promise<ShownBranch> {
  const { xid, branchId } = branch;
  const { rows } = await executor.query(readUndoLogSql(branch.schema, branch));
  const [row] = rows;
  if (row === undefined) return { xid, branchId, record: 'none', tables: [] };
  const [, , status] = row;
  if (Number(status) === LOG_STATUS_DEFENCE) return { xid, branchId, record: 'defence', tables: [] };
  const record = await readRecord(executor, branch.schema, branch, row);
  const tables: ShownTable[] = [];
  for (const changes of record.tables) {
    const { schema, table, columns, key } = changes;
    const definition = await branch.tables.table(executor, schema, table, true);
    const present = definition === undefined ? [] : await presentRows(executor, changes, definition, branch);
    const exists = definition !== undefined;
    tables.push({ schema, table, columns, key, exists, rows: rowStates(changes, present) });
  }
  return { xid, branchId, record: 'images', tables };
}
