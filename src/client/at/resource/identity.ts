import { randomUUID } from 'node:crypto';
import { GlobalTxError } from '../../../protocol/errors.js';
import type { SqlDialect, SqlExecutor } from '../executor.js';
import { qualifiedName, RESOURCE_TABLE, resourceTableDdl, UNDO_LOG_TABLE, undoLogDdl } from '../undo/ddl.js';
import { ER_NO_SUCH_TABLE, errorNumber, isServerError, serverMessage } from '../undo/server-error.js';
import { readServerId, readServerKind } from './server-id.js';
import { readUndoLogShape, type UndoLogShape } from './undo-log-shape.js';

type ServerKind = SqlDialect['server'];

/** What the coordinator knows a database by, and what it runs on. */
export interface DatabaseIdentity {
  /** Stands in the database itself; set it by hand to any text of 1 to 255 characters before first use. */
  readonly resourceId: string;
  /** The server that this process sees behind it. */
  readonly serverId: string;
  readonly server: ServerKind;
}

const RESOURCE_ID_NAME = 'resource_id';

async function readResourceId(executor: SqlExecutor, schema: string): Promise<string | undefined> {
  try {
    const { rows } = await executor.query(
      `SELECT value FROM ${qualifiedName(schema, RESOURCE_TABLE)} WHERE name = '${RESOURCE_ID_NAME}'`,
    );
    const value = rows[0]?.[0];
    return value ? String(value) : undefined;
  } catch (error) {
    if (errorNumber(error) === ER_NO_SUCH_TABLE) return undefined;
    throw error;
  }
}

/** @returns undefined when the database has none yet: see `ensureUndoLog` */
export async function readIdentity(
  executor: SqlExecutor,
  schema: string,
): Promise<DatabaseIdentity | undefined> {
  const resourceId = await readResourceId(executor, schema);
  if (resourceId === undefined) return undefined;
  const server = await readServerKind(executor);
  return { resourceId, serverId: await readServerId(executor, server), server };
}

/** A database that is ready for branches. */
export interface PreparedDatabase extends DatabaseIdentity {
  /** Writing to the undo log changes LAST_INSERT_ID(): the driver puts the application's value back. */
  readonly undoLogAutoIncrement: boolean;
}

/**
 * All that `ensureUndoLog` would run, for a person to run: the same text for several databases, whose names must differ.
 * @param schema unless it is the session's own
 */
export function setupSql(schema?: string): string {
  return `${undoLogDdl(schema)};\n${resourceTableDdl(schema)};\n${identitySql(schema, 'UUID()')};`;
}

/** INSERT IGNORE: of several processes that start at once, one names the database and all read its name. */
function identitySql(schema: string | undefined, value: string): string {
  return (
    `INSERT IGNORE INTO ${qualifiedName(schema, RESOURCE_TABLE)} (name, value) ` +
    `VALUES ('${RESOURCE_ID_NAME}', ${value})`
  );
}

function missing(schema: string, why: string, cause?: unknown): GlobalTxError {
  const ddl = setupSql(schema);
  return new GlobalTxError(
    'UNDO_LOG_MISSING',
    `The database '${schema}' is not prepared for global transactions: ${why}. ` +
      `Let an account that may create tables run:\n${ddl}`,
    { construct: `${schema}.${UNDO_LOG_TABLE}`, details: { ddl, schema }, cause },
  );
}

/** What the server refuses here (no right, read-only, no such database) is for a person to settle. */
async function settled<Result>(schema: string, step: Promise<Result>): Promise<Result> {
  try {
    return await step;
  } catch (error) {
    if (!isServerError(error)) throw error;
    throw missing(schema, `the server answered ${serverMessage(error)}`, error);
  }
}

function checkShape(schema: string, shape: UndoLogShape): void {
  if (shape.faults.length === 0) return;
  throw missing(schema, `its table ${UNDO_LOG_TABLE} cannot serve as undo log (${shape.faults.join(', ')})`);
}

async function ensureTable(executor: SqlExecutor, schema: string): Promise<UndoLogShape> {
  const shape = await readUndoLogShape(executor, schema);
  checkShape(schema, shape);
  if (shape.exists) return shape;
  await settled(schema, executor.query(undoLogDdl(schema)));
  // Another process may have made it in the meantime, in another shape.
  const made = await readUndoLogShape(executor, schema);
  checkShape(schema, made);
  return made;
}

async function ensureIdentity(executor: SqlExecutor, schema: string): Promise<DatabaseIdentity> {
  const known = await settled(schema, readIdentity(executor, schema));
  if (known !== undefined) return known;
  await settled(schema, executor.query(resourceTableDdl(schema)));
  await settled(schema, executor.query(identitySql(schema, `'${randomUUID()}'`)));
  const made = await settled(schema, readIdentity(executor, schema));
  if (made === undefined) throw missing(schema, `${RESOURCE_TABLE} has no value for '${RESOURCE_ID_NAME}'`);
  return made;
}

/**
 * Makes the undo log and the identity of a database where they are missing, and reads both. Safe to be
 * called by many processes at once. An undo log that was made for Seata is taken as it is.
 * @param executor a session outside of any transaction: CREATE TABLE commits
 * @throws GlobalTxError UNDO_LOG_MISSING, with the statements to run in `details.ddl`, where the account may
 * not create tables or the table there has another shape
 */
export async function ensureUndoLog(executor: SqlExecutor, schema: string): Promise<PreparedDatabase> {
  const { autoIncrement } = await ensureTable(executor, schema);
  const identity = await ensureIdentity(executor, schema);
  return { ...identity, undoLogAutoIncrement: autoIncrement };
}
