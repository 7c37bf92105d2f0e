import type { ConnectionOptions } from 'mysql2';
import { GlobalTxError } from '../../protocol/errors.js';
import { type CapturedStatement, captureStatement, isCaptured } from '../at/branch/capture.js';
import type { CaptureContext } from '../at/branch/capture-context.js';
import { onBase } from '../at/branch/capture-view.js';
import { insertionOnBase } from '../at/branch/capture-view-insertion.js';
import type { BranchDatabase, SessionFacts } from '../at/branch/database.js';
import { relationOf } from '../at/branch/named-table.js';
import type { WritePlaceholder } from '../at/branch/queries.js';
import { refuseWritingFunctions } from '../at/branch/stored-calls.js';
import { TouchedRows } from '../at/branch/touched-rows.js';
import type { SqlExecutor } from '../at/executor.js';
import type { ImageRow } from '../at/image/plan.js';
import { readableRow } from '../at/image/readable.js';
import { openRawSession } from '../at/resource/raw-connection.js';
import { readServerKind } from '../at/resource/server-id.js';
import type { Analysis, Statement } from '../at/sql/analysis.js';
import { analyze } from '../at/sql/index.js';
import { TableCache } from '../at/table/cache.js';
import type { TableDefinition } from '../at/table/definition.js';
import { StoredFunctions } from '../at/table/stored-functions.js';
import { isView } from '../at/table/view.js';
import { RowKeys } from '../at/undo/dirty-check.js';
import { literalOf } from '../mysql2/parameters.js';
import { refusalOf } from '../mysql2/refusal.js';
import { Session } from '../mysql2/session.js';
import { refuseAmbiguousText, refuseSettings } from '../mysql2/session-refusals.js';
import { type ReadTable, removalSql, restorationSql } from './compensation.js';
import type { ExplainedRefusal, ExplainedTable, Explanation } from './explanation.js';

/** How long a row that somebody else has locked is waited for, in seconds. */
const LOCK_WAIT_S = 5;

/** In place of running the statement. */
class Withheld extends Error {
  readonly bound: string | undefined;

  constructor(bound: string | undefined) {
    super('The statement is not run.');
    this.bound = bound;
  }
}

/** Rows by table, in the order in which they were first read, each once. */
class ObservedRows {
  readonly #tables = new Map<string, { table: TableDefinition; rows: Map<string, ImageRow> }>();

  readonly observe: NonNullable<CaptureContext['observe']> = (table, rows) => {
    const name = `${table.schema}\0${table.name}`;
    let seen = this.#tables.get(name);
    if (seen === undefined) {
      seen = { table, rows: new Map() };
      this.#tables.set(name, seen);
    }
    for (const row of rows) if (!seen.rows.has(row.identity)) seen.rows.set(row.identity, row);
  };

  get tables(): readonly ReadTable[] {
    return Array.from(this.#tables.values(), ({ table, rows }) => ({
      table,
      rows: Array.from(rows.values()),
    }));
  }
}

/**
 * Says what globaltx would do with each statement of a text inside a global transaction: how it is read, the queries
 * for its before image, the rows that it would touch with their lock keys, the statements that would undo it, or why
 * it is refused. Runs nothing of the text. The rows are read and locked as the driver would do it, in a local
 * transaction of its own that is rolled back at once; a row that somebody else has locked is waited for up to 5 s.
 * Expressions and queries that give the keys of an INSERT are evaluated, as the driver does it: a sequence advances.
 * Needs no coordinator.
 *
 * @param options where the database is, as for mysql2's createConnection
 * @param values for the placeholders, in order
 * @throws the error of mysql2 when the database cannot be reached
 *
 * @example
 * const [explanation] = await explain({ host: 'localhost', user: 'app', database: 'shop' },
 *   'UPDATE stock SET qty = qty - ? WHERE sku = ?', [2, 'tea']);
 * console.log(explanation.verdict, explanation.compensation);
 */
export async function explain(
  options: ConnectionOptions,
  sql: string,
  values: readonly unknown[] = [],
): Promise<readonly Explanation[]> {
  const [session, definitions] = await openBoth(options);
  try {
    const server = await readServerKind(session.executor);
    const { executor } = session;
    const facts = await new Session(executor, () => server).facts();
    await executor.query(`SET SESSION innodb_lock_wait_timeout = ${LOCK_WAIT_S}`);
    await executor.query('START TRANSACTION');
    const database = databaseOf(definitions.executor);
    const analysis = analyze(sql, facts.dialect);
    const { rowCounts } = analysis;
    const write: WritePlaceholder = (index) =>
      literalOf(index, { values, rowCounts }, facts.dialect, 'local');
    const general = await refusalOfText(analysis, sql, values, facts, database);
    const explanations: Explanation[] = [];
    for (const [at, statement] of analysis.statements.entries()) {
      const text = analysis.texts[at]!.trim();
      const own = general ?? ownRefusal(statement);
      explanations.push(
        own === undefined && isCaptured(statement)
          ? await explainCaptured(statement, text, executor, facts, database, write)
          : uncaptured(statement, text, own),
      );
    }
    return explanations;
  } finally {
    // Breaking the session off rolls its local transaction back.
    session.destroy();
    definitions.end();
  }
}

async function openBoth(options: ConnectionOptions) {
  const session = await openRawSession(options);
  try {
    return [session, await openRawSession(options)] as const;
  } catch (error) {
    session.destroy();
    throw error;
  }
}

/** What an explanation needs of a database: its definitions. Nothing is made or enlisted. */
function databaseOf(executor: SqlExecutor): BranchDatabase {
  const tables = new TableCache((work) => work(executor));
  const functions = new StoredFunctions((work) => work(executor));
  const untouched = () => Promise.reject(new GlobalTxError('INTERNAL', 'an explanation registers no branch'));
  return {
    table: (schema, name) => tables.get(schema, name),
    relation: (schema, name) => tables.relation(schema, name),
    isCurrent: (view) => tables.isCurrent(view),
    writingFunctions: (schema) => functions.writing(schema),
    forgetTable: (schema, name) => tables.forget(schema, name),
    resourceId: untouched,
    undoLogTakesInsertId: untouched,
  };
}

/** What refuses the text as a whole. */
async function refusalOfText(
  { statements, calls }: Analysis,
  sql: string,
  values: readonly unknown[],
  facts: SessionFacts,
  database: BranchDatabase,
): Promise<ExplainedRefusal | undefined> {
  try {
    refuseAmbiguousText(facts, sql, values);
    if (statements.some(isCaptured)) refuseSettings(facts);
    await refuseWritingFunctions(calls, facts, database);
    return undefined;
  } catch (error) {
    return refusal(error);
  }
}

function ownRefusal(statement: Statement): ExplainedRefusal | undefined {
  return statement.kind === 'refused' ? refusal(refusalOf(statement)) : undefined;
}

function refusal(error: unknown): ExplainedRefusal {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof GlobalTxError)) return { code: 'SERVER', construct: null, message };
  return { code: error.code, construct: error.construct ?? null, message };
}

function uncaptured(statement: Statement, sql: string, refused: ExplainedRefusal | undefined): Explanation {
  return {
    sql,
    kind: statement.kind,
    verdict: refused === undefined ? 'passes' : 'refused',
    refusal: refused ?? null,
    queries: [],
    runs: refused === undefined ? sql : null,
    bound: false,
    tables: [],
    compensation: [],
    remarks: [],
  };
}

async function explainCaptured(
  statement: CapturedStatement,
  sql: string,
  executor: SqlExecutor,
  facts: SessionFacts,
  database: BranchDatabase,
  write: WritePlaceholder,
): Promise<Explanation> {
  const queries: string[] = [];
  const observed = new ObservedRows();
  const recording: SqlExecutor = {
    query: (text) => {
      queries.push(text);
      return executor.query(text);
    },
  };
  const context: CaptureContext = {
    session: { executor: recording, facts },
    database,
    touched: new TouchedRows(),
    observe: observed.observe,
  };
  let bound: string | undefined;
  try {
    await captureStatement(context, statement, write, (text) => {
      throw new Withheld(typeof text === 'function' ? text(write) : text);
    });
  } catch (error) {
    if (!(error instanceof Withheld)) return { ...uncaptured(statement, sql, refusal(error)), queries };
    bound = error.bound;
  }
  const { tables } = observed;
  const server = facts.dialect.server;
  const onTable = await throughView(statement, context);
  const insertion = await removals(onTable, facts, database, write);
  return {
    sql,
    kind: statement.kind,
    verdict: 'captured',
    refusal: null,
    queries,
    runs: bound ?? sql,
    bound: bound !== undefined,
    tables: tables.filter(({ rows }) => rows.length > 0).map((read) => explainedTable(read, statement)),
    compensation: [...insertion.compensation, ...restorationSql(onTable, tables, server)],
    remarks: [...insertion.remarks, ...remarksOf(statement, tables)],
  };
}

function explainedTable({ table, rows }: ReadTable, statement: CapturedStatement): ExplainedTable {
  const columns = table.columns.map(({ name }) => name);
  const keys = new RowKeys({ columns, key: table.key.columns });
  return {
    table: `${table.schema}.${table.name}`,
    key: table.key.columns,
    lockMode: 'mode' in statement ? statement.mode : 'EXCLUSIVE',
    rows: rows.map(({ row, identity }) => ({
      key: keys.describe(row),
      lockKey: identity,
      before: readableRow(columns, row),
    })),
  };
}

/** The statement as the table sees it whose rows a view shows. */
async function throughView(
  statement: CapturedStatement,
  context: CaptureContext,
): Promise<CapturedStatement> {
  const { kind } = statement;
  if (kind !== 'update' && kind !== 'delete' && kind !== 'insert') return statement;
  const relation = await relationOf(context, statement.table);
  if (relation === undefined || !isView(relation)) return statement;
  return kind === 'insert'
    ? (insertionOnBase(statement, relation) ?? statement)
    : onBase(statement, relation);
}

async function removals(
  statement: CapturedStatement,
  { schema: session }: SessionFacts,
  database: BranchDatabase,
  write: WritePlaceholder,
): Promise<{ readonly compensation: readonly string[]; readonly remarks: readonly string[] }> {
  if (statement.kind !== 'insert') return { compensation: [], remarks: [] };
  const schema = statement.table.schema ?? session;
  const table = schema === null ? undefined : await database.relation(schema, statement.table.name);
  if (table === undefined || isView(table)) return { compensation: [], remarks: [] };
  const rows = removalSql(statement, table, write);
  const known = rows.filter((row) => row !== undefined);
  const remarks: string[] = [];
  if (known.length < rows.length || rows.length === 0) {
    remarks.push(
      'The keys of some new rows are known only once they are there: they are locked, and deleted by a rollback, by those keys.',
    );
  }
  if (known.length > 0 && statement.onConflict.action !== 'fail') {
    remarks.push('A rollback deletes only rows that were not there before.');
  }
  return { compensation: known.reverse(), remarks };
}

function remarksOf(statement: CapturedStatement, tables: readonly ReadTable[]): readonly string[] {
  const remarks: string[] = [];
  const uniques = tables.some(({ table }) => table.uniques.length > 0);
  if (uniques && statement.kind !== 'lockingRead' && statement.kind !== 'joinedRead') {
    remarks.push('Values of unique indexes that it frees or takes are locked as well.');
  }
  if (tables.some(({ table }) => table.parents.length > 0) || statement.kind === 'insert') {
    remarks.push('Parents that a changed or new row refers to are locked shared.');
  }
  return remarks;
}
