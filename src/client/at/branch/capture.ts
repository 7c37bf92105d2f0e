import { GlobalTxError } from '../../../protocol/errors.js';
import { insertedKeyCondition } from '../image/inserted.js';
import { keyCondition } from '../image/key-condition.js';
import type { ImageRow } from '../image/plan.js';
import type {
  DeleteStatement,
  InsertStatement,
  InsertValue,
  LockingReadStatement,
  Statement,
  TableName,
  UpdateStatement,
} from '../sql/analysis.js';
import { checkTable } from '../table/check.js';
import type { TableDefinition } from '../table/definition.js';
import { CascadeCapture } from './cascades.js';
import type { BranchDatabase, BranchSession } from './database.js';
import {
  boundStatement,
  inlineClause,
  lockingReadQuery,
  referenceOf,
  type WritePlaceholder,
} from './queries.js';
import { readImage } from './read-image.js';
import type { TouchedRows } from './touched-rows.js';

/** The statements that a branch takes images or locks for. */
export type CapturedStatement = InsertStatement | UpdateStatement | DeleteStatement | LockingReadStatement;

export function isCaptured(statement: Statement): statement is CapturedStatement {
  return ['insert', 'update', 'delete', 'lockingRead'].includes(statement.kind);
}

/** What the server said of the application's statement. */
export interface StatementCounts {
  /** Rows that the condition matched, changed or not; for an INSERT the rows that were inserted. */
  readonly matched: number;
}

/**
 * Runs the application's statement: as it was sent, or the text given here in its place.
 * Rejects with the server's error, which is the application's to see.
 */
export type RunStatement = (bound?: string) => Promise<StatementCounts>;

/** Rows that a locking read has locked in the database, to be locked at the coordinator too. */
export interface ReadLocks {
  readonly table: TableDefinition;
  readonly mode: 'EXCLUSIVE' | 'SHARED';
  readonly identities: readonly string[];
}

/** Changing a key moves the row away from its image; ON UPDATE and generated columns do so by themselves. */
function refuseKeyChange(table: TableDefinition, assigned: readonly string[]): void {
  const keys = table.key.columns.map((column) => column.toLowerCase());
  const changed =
    assigned.find((column) => keys.includes(column.toLowerCase())) ??
    table.columns.find(
      ({ name, generated, updatesItself }) =>
        (generated || updatesItself) && keys.includes(name.toLowerCase()),
    )?.name;
  if (changed === undefined) return;
  throw new GlobalTxError(
    'STATEMENT_UNSUPPORTED',
    `UPDATE changes \`${changed}\`, a column of the key of ${table.schema}.${table.name}, which is not supported ` +
      'inside a global transaction. Delete the row and insert it under its new key.',
    { construct: `UPDATE of the key column \`${changed}\`` },
  );
}

function mismatch(verb: string, table: TableDefinition, read: number, touched: number): GlobalTxError {
  return new GlobalTxError(
    'IMAGE_MISMATCH',
    `${verb} on ${table.schema}.${table.name} touched ${touched} rows, but ${read} were read for its image; ` +
      'the local transaction cannot be committed. Roll it back and run it again.',
    { construct: `${verb} ${table.name}` },
  );
}

/**
 * The steps around one statement of a branch: what is read before it and after it, so that the rows that it
 * touches are known with their images. Nothing is sent when the statement must be refused.
 */
export class Capture {
  readonly #session: BranchSession;
  readonly #database: BranchDatabase;
  readonly #touched: TouchedRows;

  constructor(session: BranchSession, database: BranchDatabase, touched: TouchedRows) {
    this.#session = session;
    this.#database = database;
    this.#touched = touched;
  }

  /**
   * Runs a statement of the application with its images.
   * @returns the locks that a locking read asks for; undefined for what writes
   * @throws GlobalTxError TABLE_UNSUPPORTED, STATEMENT_UNSUPPORTED before anything has happened;
   * IMAGE_MISMATCH after which the local transaction can only be rolled back; else the server's error
   */
  async run(
    statement: CapturedStatement,
    write: WritePlaceholder,
    run: RunStatement,
  ): Promise<ReadLocks | undefined> {
    const table = await this.#table(statement.table);
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
        await this.#insert(statement, table, write, run);
        return undefined;
      case 'update':
      case 'delete':
        await this.#change(statement, table, write, run);
        return undefined;
      case 'lockingRead':
        return this.#read(statement, table, write, run);
    }
  }

  #table(name: TableName): Promise<TableDefinition | undefined> {
    const schema = name.schema ?? this.#session.facts.schema;
    if (schema === null) {
      throw new GlobalTxError(
        'NO_DATABASE',
        `No database is selected for table ${name.name}. Name one in the connection's options or in the statement.`,
        { construct: name.name },
      );
    }
    return this.#database.table(schema, name.name);
  }

  async #change(
    statement: UpdateStatement | DeleteStatement,
    known: TableDefinition,
    write: WritePlaceholder,
    run: RunStatement,
  ): Promise<void> {
    const check = (table: TableDefinition) => {
      if (statement.kind === 'delete') checkTable(table, 'delete');
      else checkTable(table, 'update', statement.assigned);
    };
    check(known);
    if (statement.kind === 'update') refuseKeyChange(known, statement.assigned);
    const reference = referenceOf(statement.table);
    const { table, rows } = await readImage(this.#session, this.#database, known, (plan) =>
      lockingReadQuery(statement, plan.selectList(reference), write),
    );
    if (table !== known) check(table);
    const bind = statement.volatile || statement.limit !== null || this.#session.facts.weakIsolation;
    if (statement.kind === 'delete') {
      await new CascadeCapture(this.#session, this.#database, this.#touched).beforeDelete({ table, rows });
    }
    const counts = await run(bind ? this.#bound(statement, table, rows, write) : undefined);
    // A foreign key that leads back to its own table may have deleted a row before its turn came.
    const fewer =
      statement.kind === 'delete' && table.cascades.some(({ onDelete }) => onDelete === 'CASCADE');
    if (counts.matched > rows.length || (counts.matched < rows.length && !fewer)) {
      throw mismatch(statement.kind.toUpperCase(), table, rows.length, counts.matched);
    }
    for (const image of rows) {
      this.#touched.add(table, { identity: image.identity, before: image, keyed: image.row });
    }
  }

  #bound(
    statement: UpdateStatement | DeleteStatement,
    table: TableDefinition,
    rows: readonly ImageRow[],
    write: WritePlaceholder,
  ): string {
    const keys = rows.map((image) => image.row);
    const server = this.#session.facts.dialect.server;
    const condition =
      keys.length === 0 ? null : keyCondition(table, keys, server, referenceOf(statement.table));
    return boundStatement(statement, condition, write);
  }

  async #insert(
    statement: InsertStatement,
    table: TableDefinition,
    write: WritePlaceholder,
    run: RunStatement,
  ): Promise<void> {
    checkTable(table, 'insert');
    const found = insertedKeyCondition(
      table,
      statement,
      this.#session.facts.dialect.server,
      (value: InsertValue) =>
        value.kind === 'placeholder'
          ? write(value.index)
          : 'expression' in value
            ? inlineClause(value.expression, write)
            : null,
    );
    if ('refused' in found) {
      throw new GlobalTxError(
        'STATEMENT_UNSUPPORTED',
        `INSERT into ${table.schema}.${table.name} is not supported inside a global transaction: ${found.refused}.`,
        { construct: found.refused },
      );
    }
    const counts = await run();
    const image = await readImage(this.#session, this.#database, table, (plan, { schema, name }) => {
      const reference = referenceOf({ schema, name, alias: null });
      return `SELECT ${plan.selectList(reference)} FROM ${reference} WHERE ${found.condition} FOR UPDATE`;
    });
    if (counts.matched !== image.rows.length) {
      throw mismatch('INSERT', table, image.rows.length, counts.matched);
    }
    for (const { identity, row } of image.rows) {
      this.#touched.add(image.table, { identity, before: null, keyed: row });
    }
  }

  async #read(
    statement: LockingReadStatement,
    known: TableDefinition,
    write: WritePlaceholder,
    run: RunStatement,
  ): Promise<ReadLocks> {
    const reference = referenceOf(statement.table);
    // The application's read comes first: the rows that it returns are then locked in the database, and the
    // read of their keys meets the same rows.
    const counts = await run();
    const { table, rows } = await readImage(this.#session, this.#database, known, (plan) =>
      lockingReadQuery(statement, plan.selectList(reference), write),
    );
    if (statement.volatile && counts.matched !== rows.length) {
      throw mismatch('SELECT', table, rows.length, counts.matched);
    }
    return { table, mode: statement.mode, identities: rows.map((image) => image.identity) };
  }
}
