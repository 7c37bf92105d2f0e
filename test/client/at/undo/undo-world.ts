import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { SqlExecutor } from '../../../../src/client/at/executor.js';
import { type ImageRow, planImage } from '../../../../src/client/at/image/plan.js';
import type { RowChange, TableChanges } from '../../../../src/client/at/image/row.js';
import { rowsEqual } from '../../../../src/client/at/image/row-equality.js';
import { CompensationTables } from '../../../../src/client/at/resource/compensation-tables.js';
import { ensureUndoLog } from '../../../../src/client/at/resource/identity.js';
import { openRawSession, type RawSession } from '../../../../src/client/at/resource/raw-connection.js';
import { createSessionSource, type PrivateSessions } from '../../../../src/client/at/resource/raw-session.js';
import type { TableDefinition } from '../../../../src/client/at/table/definition.js';
import { loadTable } from '../../../../src/client/at/table/load.js';
import { type BranchToUndo, compensate } from '../../../../src/client/at/undo/compensate.js';
import { prepareCompensationSession } from '../../../../src/client/at/undo/session.js';
import { writeUndoLog } from '../../../../src/client/at/undo/write-undo-log.js';
import type { PhaseTwoAnswer } from '../../../../src/client/resource/resource.js';
import { newXid } from '../../../../src/protocol/xid.js';
import { type DatabaseServer, servers } from '../../../support/servers.js';

export interface Branch {
  readonly xid: string;
  readonly branchId: string;
}

type Images = ReadonlyMap<string, ImageRow>;

/** A branch's id is unique in the coordinator, so it is here. */
function newBranch(): Branch {
  return { xid: newXid(), branchId: String(randomBytes(6).readUIntBE(0, 6)) };
}

/** One database with an undo log, in which tests carry out phase one by hand and phase two for real. */
export class UndoWorld {
  readonly server: DatabaseServer;
  readonly database: string;
  readonly #pool: PrivateSessions;
  readonly #tables = new CompensationTables();
  readonly #sessions: RawSession[] = [];

  private constructor(server: DatabaseServer, database: string) {
    this.server = server;
    this.database = database;
    this.#pool = createSessionSource(server.options(database), { limit: 16 });
  }

  static async create(...ddl: readonly string[]): Promise<UndoWorld> {
    const [server] = await servers();
    const world = new UndoWorld(server, await server.createDatabase('undo'));
    await server.execute(ddl, world.database);
    await world.#pool.withSession((executor) => ensureUndoLog(executor, world.database));
    return world;
  }

  /** A prepared session, broken off when the world is closed. */
  async session(): Promise<RawSession> {
    const session = await openRawSession(this.server.options(this.database));
    this.#sessions.push(session);
    await prepareCompensationSession(session.executor);
    return session;
  }

  close(): void {
    this.#pool.close();
    for (const session of this.#sessions) session.destroy();
  }

  run(...statements: readonly string[]): Promise<void> {
    return this.server.execute(statements, this.database);
  }

  dump(): Promise<string> {
    return this.server.dump(this.database);
  }

  /**
   * Phase one: runs statements in a local transaction and writes the undo record of what they changed, in
   * the order of the keys.
   */
  async branch(tables: readonly string[], ...statements: readonly string[]): Promise<Branch> {
    return this.#pool.withSession(async (executor) => {
      await executor.query('START TRANSACTION');
      const branch = await this.phaseOne(executor, tables, statements);
      await executor.query('COMMIT');
      return branch;
    });
  }

  /** The same without COMMIT. */
  async phaseOne(
    executor: SqlExecutor,
    tables: readonly string[],
    statements: readonly string[],
    branch: Branch = newBranch(),
  ): Promise<Branch> {
    const before = await Promise.all(tables.map((table) => this.#images(executor, table)));
    for (const statement of statements) await executor.query(statement);
    const changed: TableChanges[] = [];
    for (const [at, table] of tables.entries()) {
      changed.push(await this.#changes(executor, table, before[at]!));
    }
    await writeUndoLog(executor, this.database, { ...branch, tables: changed });
    return branch;
  }

  async compensate(branch: Branch, session?: RawSession): Promise<PhaseTwoAnswer> {
    const undo = (executor: SqlExecutor) => compensate(executor, this.toUndo(branch));
    return session === undefined ? this.#pool.withSession(undo) : undo(session.executor);
  }

  toUndo(branch: Branch, phaseOneDone = false): BranchToUndo {
    return {
      ...branch,
      phaseOneDone,
      schema: this.database,
      server: this.server.kind,
      tables: this.#tables,
    };
  }

  /** Rows of the undo log by log_status; a branch with neither has none. */
  async undoRows(branch: Branch): Promise<readonly number[]> {
    const { xid, branchId } = branch;
    const sql = `SELECT log_status FROM undo_log WHERE xid = '${xid}' AND branch_id = ${branchId}`;
    const { rows } = await this.#pool.withSession((executor) => executor.query(sql));
    return rows.map(([status]) => Number(status));
  }

  /** Runs a branch and its rollback, and shows that the database is, byte for byte, what it was before. */
  async assertRestored(tables: readonly string[], ...statements: readonly string[]): Promise<void> {
    const before = await this.dump();
    const branch = await this.branch(tables, ...statements);
    assert.notEqual(await this.dump(), before, 'the statements changed nothing');
    assert.deepEqual(await this.compensate(branch), { outcome: 'PHASE_TWO_DONE', code: '', detail: '' });
    assert.equal(await this.dump(), before);
    assert.deepEqual(await this.undoRows(branch), [1]);
  }

  /** Runs the rollback of a branch that must be refused, and shows that no row was touched. */
  async assertRefused(branch: Branch, code: string, detail: RegExp): Promise<void> {
    const before = await this.dump();
    const answer = await this.compensate(branch);
    assert.equal(answer.outcome, 'PHASE_TWO_NEEDS_ATTENTION', answer.detail);
    assert.equal(answer.code, code);
    assert.match(answer.detail, detail);
    assert.equal(await this.dump(), before);
    assert.deepEqual(await this.undoRows(branch), [0]);
  }

  /** 'table', or 'schema.table'. */
  async #table(executor: SqlExecutor, name: string): Promise<TableDefinition> {
    const [table = name, schema = this.database] = name.split('.').reverse();
    const loaded = await loadTable(executor, schema, table);
    assert.ok(loaded !== undefined);
    return loaded;
  }

  async #images(executor: SqlExecutor, name: string): Promise<Images> {
    const table = await this.#table(executor, name);
    const reference = `\`${table.schema}\`.\`${table.name}\``;
    const plan = planImage(table);
    const result = await executor.query(`SELECT ${plan.selectList(reference)} FROM ${reference}`);
    return new Map(plan.decode(result).map((image) => [image.identity, image]));
  }

  async #changes(executor: SqlExecutor, name: string, before: Images): Promise<TableChanges> {
    const table = await this.#table(executor, name);
    const after = await this.#images(executor, name);
    const changes: RowChange[] = [];
    for (const identity of new Set([...before.keys(), ...after.keys()])) {
      const was = before.get(identity)?.row ?? null;
      const is = after.get(identity)?.row ?? null;
      if (was === null || is === null || !rowsEqual(was, is)) changes.push({ before: was, after: is });
    }
    return {
      schema: table.schema,
      table: table.name,
      columns: table.columns.map((column) => column.name),
      key: table.key.columns,
      changes,
    };
  }
}
