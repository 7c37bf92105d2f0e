import type {
  DeleteStatement,
  InsertStatement,
  JoinedDeleteStatement,
  JoinedReadStatement,
  JoinedUpdateStatement,
  LockingReadStatement,
  Statement,
  UpdateStatement,
} from '../sql/analysis.js';
import { isView } from '../table/view.js';
import { captureChange } from './capture-change.js';
import type { CaptureContext, ReadLocks, RunStatement } from './capture-context.js';
import { captureInsertion } from './capture-insertion.js';
import { captureJoined } from './capture-joined.js';
import { captureJoinedRead } from './capture-joined-read.js';
import { captureRead } from './capture-read.js';
import { captureViewChange } from './capture-view.js';
import { captureViewInsertion } from './capture-view-insertion.js';
import { relationOf, runWithoutTable } from './named-table.js';
import type { WritePlaceholder } from './queries.js';

/** The statements that a branch takes images or locks for. */
export type CapturedStatement =
  | InsertStatement
  | UpdateStatement
  | DeleteStatement
  | JoinedUpdateStatement
  | JoinedDeleteStatement
  | LockingReadStatement
  | JoinedReadStatement;

export function isCaptured(statement: Statement): statement is CapturedStatement {
  return ['insert', 'update', 'delete', 'joinedUpdate', 'joinedDelete', 'lockingRead', 'joinedRead'].includes(
    statement.kind,
  );
}

/**
 * Runs a statement of the application with the steps around it: what is read before it and after it, so that
 * the rows that it touches are known with their images. Nothing is sent when the statement must be refused.
 * @returns the locks that a locking read asks for; none for what writes
 * @throws GlobalTxError TABLE_UNSUPPORTED, STATEMENT_UNSUPPORTED before anything has happened;
 * IMAGE_MISMATCH after which the local transaction can only be rolled back; else the server's error
 */
export async function captureStatement(
  context: CaptureContext,
  statement: CapturedStatement,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<readonly ReadLocks[]> {
  if (statement.kind === 'joinedUpdate' || statement.kind === 'joinedDelete') {
    await captureJoined(context, statement, write, run);
    return [];
  }
  if (statement.kind === 'joinedRead') return captureJoinedRead(context, statement, write, run);
  const found = relationOf(context, statement.table);
  const relation = found instanceof Promise ? await found : found;
  if (relation === undefined) return runWithoutTable(statement.table.name, run);
  switch (statement.kind) {
    case 'insert':
      if (isView(relation)) await captureViewInsertion(context, statement, relation, write, run);
      else await captureInsertion(context, statement, relation, write, run);
      return [];
    case 'update':
    case 'delete':
      if (isView(relation)) await captureViewChange(context, statement, relation, write, run);
      else await captureChange(context, statement, relation, write, run);
      return [];
    case 'lockingRead':
      return [await captureRead(context, statement, relation, write, run)];
  }
}
