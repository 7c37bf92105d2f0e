import { GlobalTxError } from '../../../protocol/errors.js';
import type {
  DeleteStatement,
  InsertStatement,
  LockingReadStatement,
  Statement,
  TableName,
  UpdateStatement,
} from '../sql/analysis.js';
import type { TableDefinition } from '../table/definition.js';
import { captureChange } from './capture-change.js';
import type { CaptureContext, ReadLocks, RunStatement } from './capture-context.js';
import { captureInsert } from './capture-insert.js';
import { captureRead } from './capture-read.js';
import type { WritePlaceholder } from './queries.js';

/** The statements that a branch takes images or locks for. */
export type CapturedStatement = InsertStatement | UpdateStatement | DeleteStatement | LockingReadStatement;

export function isCaptured(statement: Statement): statement is CapturedStatement {
  return ['insert', 'update', 'delete', 'lockingRead'].includes(statement.kind);
}

function tableOf(context: CaptureContext, name: TableName): Promise<TableDefinition | undefined> {
  const schema = name.schema ?? context.session.facts.schema;
  if (schema === null) {
    throw new GlobalTxError(
      'NO_DATABASE',
      `No database is selected for table ${name.name}. Name one in the connection's options or in the statement.`,
      { construct: name.name },
    );
  }
  return context.database.table(schema, name.name);
}

/**
 * Runs a statement of the application with the steps around it: what is read before it and after it, so that
 * the rows that it touches are known with their images. Nothing is sent when the statement must be refused.
 * @returns the locks that a locking read asks for; undefined for what writes
 * @throws GlobalTxError TABLE_UNSUPPORTED, STATEMENT_UNSUPPORTED before anything has happened;
 * IMAGE_MISMATCH after which the local transaction can only be rolled back; else the server's error
 */
export async function captureStatement(
  context: CaptureContext,
  statement: CapturedStatement,
  write: WritePlaceholder,
  run: RunStatement,
): Promise<ReadLocks | undefined> {
  const table = await tableOf(context, statement.table);
  if (table === undefined) {
    // The statement fails by itself, with the server's own words; if it does not, there is a table here
    // that other sessions cannot see.
    await run();
    throw new GlobalTxError(
      'TABLE_UNSUPPORTED',
      `Table ${statement.table.name} is a temporary table: it cannot be rolled back from another session. ` +
        'Use it outside of the global transaction.',
      { construct: 'temporary table' },
    );
  }
  switch (statement.kind) {
    case 'insert':
      await captureInsert(context, statement, table, write, run);
      return undefined;
    case 'update':
    case 'delete':
      await captureChange(context, statement, table, write, run);
      return undefined;
    case 'lockingRead':
      return captureRead(context, statement, table, write, run);
  }
}
