import { GlobalTxError } from '../../../protocol/errors.js';
import type { LockSet } from '../../../protocol/frames.js';
import { reach } from '../../failpoints.js';
import type { BranchOwner } from '../../transaction/transaction.js';
import type { SqlExecutor } from '../executor.js';
import { KEYS_PER_QUERY, keyCondition, keyIndexHint } from '../image/key-condition.js';
import type { ImageRow } from '../image/plan.js';
import { unrestorable } from '../image/restorable.js';
import type { TableChanges } from '../image/row.js';
import { TableChanged } from '../image/table-changed.js';
import type { TableDefinition } from '../table/definition.js';
import { serverMessage } from '../undo/server-error.js';
import { rowBytes } from '../undo/undo-limit.js';
import { undoLogStatement, writeUndoLog } from '../undo/write-undo-log.js';
import { mismatch, type ReadLocks } from './capture-context.js';
import type { BranchDatabase, BranchSession } from './database.js';
import {
  expectationHolds,
  expectedImages,
  lockKeysOf,
  lockSet,
  netChanges,
  type TableImages,
} from './net-changes.js';
import { parentLocks } from './parent-locks.js';
import { referenceOf } from './queries.js';
import { planOf, readAsSessionIs } from './read-image.js';
import { isUnknownName } from './statement-error.js';
import type { TouchedRows, TouchedTable } from './touched-rows.js';

/** The name of this branch kind on the wire. */
export const AT_KIND = 'AT';

const ER_DUP_ENTRY = 1062;

function isDuplicateKey(error: unknown): boolean {
  return error instanceof Error && (error as { errno?: unknown }).errno === ER_DUP_ENTRY;
}

/** An undo log made for an older Seata has an AUTO_INCREMENT column. */
async function keepingInsertId(executor: SqlExecutor, write: () => Promise<void>): Promise<undefined> {
  const { rows } = await executor.query('SELECT LAST_INSERT_ID()');
  await write();
  await executor.query(`SELECT LAST_INSERT_ID(${String(rows[0]?.[0])})`);
  return undefined;
}

/** What the application is told when the undo log cannot be written. */
export function undoLogError(error: unknown, xid: string): unknown {
  if (!isDuplicateKey(error)) return error;
  return new GlobalTxError(
    'LATE_PHASE_ONE',
    'The global transaction was rolled back (its time-out passed) before this branch could commit.',
    { xid, cause: error },
  );
}

/** A branch that the coordinator knows, and what its undo record holds. */
interface Registered {
  readonly branchId: string;
  readonly tables: readonly TableChanges[];
  readonly locksOnly: boolean;
}

/** What the rows are now, where all of them were read after their last touch. */
function knownImages(rows: readonly TouchedTable[]): readonly TableImages[] | undefined {
  if (rows.some((table) => table.rows.some(({ after }) => after === undefined))) return undefined;
  return rows.map((table) => {
    const after = new Map<string, ImageRow>();
    for (const row of table.rows) if (row.after) after.set(row.identity, row.after);
    return { ...table, after };
  });
}

/** The rows as they are expected to be, where that says what they are locked by. */
function expected(rows: readonly TouchedTable[]): readonly TableImages[] | undefined {
  const images = rows.map(expectedImages);
  return images.every((image) => image !== undefined) ? images : undefined;
}

function changed(images: readonly TableImages[]): readonly TableChanges[] {
  return images.map(netChanges).filter(({ changes }) => changes.length > 0);
}

/** No rule of either server is known that could do this; what is not locked must not be committed. */
function refuseSurprise(image: TableImages): void {
  if (expectationHolds(image)) return;
  const { table, rows } = image;
  throw mismatch('The local transaction', table, rows.length, image.after.size);
}

/**
 * Phase one of one local transaction: what happens between the application's last statement and COMMIT, and
 * what the coordinator is told afterwards.
 */
export class PhaseOne {
  readonly #transaction: BranchOwner;
  readonly #session: BranchSession;
  readonly #database: BranchDatabase;
  /** Branches that hold only locks, taken by locking reads of this local transaction. */
  #readBranches: string[] = [];
  #branchId: string | undefined;

  constructor(transaction: BranchOwner, session: BranchSession, database: BranchDatabase) {
    this.#transaction = transaction;
    this.#session = session;
    this.#database = database;
  }

  /**
   * Takes the global locks of a locking read, waiting for them as long as the transaction allows. They are
   * held until the global transaction ends, so that what was read stays true.
   * @throws GlobalTxError LOCK_CONFLICT, LOCK_WAIT_TIMEOUT, DEADLOCK
   */
  async lockRows(read: ReadLocks, lockWaitMs: number): Promise<void> {
    if (read.identities.length === 0) return;
    const resourceId = await this.#database.resourceId(read.table.schema);
    const locks = [lockSet(resourceId, read.table, read.mode, read.identities)];
    this.#readBranches.push(await this.#register(resourceId, locks, true, lockWaitMs));
  }

  /**
   * Reads the after images, registers the branch with its locks (meanwhile, where these are known), and writes the
   * undo log: all that must be true before COMMIT may be sent. Does nothing when nothing was touched.
   * @returns the statement that writes the undo log, where one is enough: it may travel with COMMIT
   * @throws GlobalTxError LOCK_CONFLICT, LOCK_WAIT_TIMEOUT, DEADLOCK, TRANSACTION_NOT_ACTIVE, TIMED_OUT,
   * LATE_PHASE_ONE: the local transaction must then be rolled back, and `failed` called
   */
  async prepare(touched: TouchedRows, lockWaitMs: number): Promise<string | undefined> {
    if (touched.empty) return undefined;
    const rows = touched.net();
    const schema = this.#session.facts.schema ?? rows[0]!.table.schema;
    const resource = this.#database.resourceId(schema);
    const resourceId = resource instanceof Promise ? await resource : resource;
    const known = knownImages(rows);
    const { branchId, tables, locksOnly } =
      known === undefined
        ? await this.#registerMeanwhile(resourceId, rows, touched, lockWaitMs)
        : await this.#registerImages(resourceId, known, lockWaitMs);
    if (locksOnly) return undefined;
    const { xid } = this.#transaction;
    const { executor } = this.#session;
    reach('before', 'undo-log-written');
    const record = [executor, schema, { xid, branchId, tables }] as const;
    try {
      const takesInsertId = this.#database.undoLogTakesInsertId(schema);
      const statement =
        takesInsertId === false
          ? undoLogStatement(...record)
          : (await takesInsertId)
            ? keepingInsertId(executor, () => writeUndoLog(...record))
            : undoLogStatement(...record);
      const left = statement instanceof Promise ? await statement : statement;
      reach('after', 'undo-log-written');
      return left;
    } catch (error) {
      throw undoLogError(error, xid);
    }
  }

  /** The local transaction is committed. */
  done(): void {
    if (this.#branchId !== undefined) this.#transaction.reportBranch(this.#branchId, 'PHASE_ONE_DONE');
    this.#forget();
  }

  /** The local transaction is rolled back for certain; its locks are given back. */
  failed(): void {
    for (const branchId of this.#readBranches) this.#transaction.reportBranch(branchId, 'PHASE_ONE_FAILED');
    if (this.#branchId !== undefined) this.#transaction.reportBranch(this.#branchId, 'PHASE_ONE_FAILED');
    this.#forget();
  }

  /** COMMIT was sent and its answer is lost: nobody can say what became of it, so all is rolled back. */
  unknown(cause: unknown): void {
    if (this.#branchId !== undefined) {
      this.#transaction.setRollbackOnly('LOCAL_COMMIT_UNKNOWN', cause);
      this.#transaction.reportBranch(this.#branchId, 'PHASE_ONE_UNKNOWN');
    }
    this.#forget();
  }

  #forget(): void {
    this.#branchId = undefined;
    this.#readBranches = [];
    this.#transaction.localTransactionOver?.();
  }

  /** Registers the branch by what its rows are now. */
  async #registerImages(
    resourceId: string,
    images: readonly TableImages[],
    lockWaitMs: number,
  ): Promise<Registered> {
    const tables = changed(images);
    const { locksOnly = tables.length === 0 } = this.#transaction;
    if (!locksOnly) this.#refuseUnrestorable(images, tables);
    const locks = await this.#locks(images);
    const branchId = await this.#register(resourceId, locks, locksOnly, lockWaitMs);
    this.#branchId = branchId;
    return { branchId, tables, locksOnly };
  }

  /** The same while the rows are read, where the locks that they need are known before that. */
  async #registerMeanwhile(
    resourceId: string,
    rows: readonly TouchedTable[],
    touched: TouchedRows,
    lockWaitMs: number,
  ): Promise<Registered> {
    const early = this.#transaction.locksOnly === undefined ? expected(rows) : undefined;
    if (early === undefined)
      return this.#registerImages(resourceId, await this.#afterImages(rows, touched), lockWaitMs);
    const locks = await this.#locks(early);
    const [registered, read] = await Promise.allSettled([
      this.#register(resourceId, locks, false, lockWaitMs),
      this.#afterImages(rows, touched),
    ]);
    if (registered.status === 'rejected') throw registered.reason;
    const branchId = registered.value;
    this.#branchId = branchId;
    if (read.status === 'rejected') throw read.reason;
    read.value.forEach(refuseSurprise);
    const tables = changed(read.value);
    this.#refuseUnrestorable(read.value, tables);
    return { branchId, tables, locksOnly: false };
  }

  async #locks(images: readonly TableImages[]): Promise<readonly LockSet[]> {
    const locks: LockSet[] = [];
    for (const image of images) {
      const resource = this.#database.resourceId(image.table.schema);
      const resourceId = resource instanceof Promise ? await resource : resource;
      locks.push(lockSet(resourceId, image.table, 'EXCLUSIVE', lockKeysOf(image)));
      if (image.table.parents.length > 0)
        locks.push(...(await parentLocks(this.#session, this.#database, image)));
    }
    return locks;
  }

  /** A value that text cannot carry exactly is found out now: after the commit only a person could help. */
  #refuseUnrestorable(images: readonly TableImages[], tables: readonly TableChanges[]): void {
    for (const { schema, table: name, changes } of tables) {
      const table = images.find((image) => image.table.schema === schema && image.table.name === name)!.table;
      for (const change of changes) {
        const construct = unrestorable(table, change);
        if (construct === undefined) continue;
        throw new GlobalTxError(
          'TABLE_UNSUPPORTED',
          `A row of ${schema}.${name} holds what a rollback could not restore exactly: ${construct}. ` +
            'Change it outside of the global transaction.',
          { xid: this.#transaction.xid, construct },
        );
      }
    }
  }

  #register(
    resourceId: string,
    locks: readonly LockSet[],
    locksOnly: boolean,
    lockWaitMs: number,
  ): Promise<string> {
    return this.#transaction.registerBranch(
      { resourceId, kind: AT_KIND, locks, locksOnly, branchId: '' },
      lockWaitMs,
    );
  }

  async #afterImages(rows: readonly TouchedTable[], all: TouchedRows): Promise<readonly TableImages[]> {
    const images: TableImages[] = [];
    let bytes = 0;
    const keep = (image: ImageRow) => {
      bytes += rowBytes(image.row);
      all.allow(bytes);
    };
    for (const table of rows) images.push(await this.#afterImage(table, keep));
    return images;
  }

  /** A locking read, because a consistent one may show an older version of a row that was locked but not changed. */
  async #afterImage(touched: TouchedTable, keep: (image: ImageRow) => void): Promise<TableImages> {
    const { table } = touched;
    const after = new Map<string, ImageRow>();
    for (const { identity, after: known } of touched.rows) {
      if (known !== undefined && known !== null) after.set(identity, known);
    }
    const rows = touched.rows.filter((row) => row.after === undefined);
    const reference = referenceOf({ schema: table.schema, name: table.name, alias: null });
    const server = this.#session.facts.dialect.server;
    for (let from = 0; from < rows.length; from += KEYS_PER_QUERY) {
      const keys = rows.slice(from, from + KEYS_PER_QUERY).map((row) => row.keyed);
      const condition = keyCondition(table, keys, server, reference);
      const images = await readAsSessionIs(this.#session, async () => {
        const plan = planOf(table, this.#session);
        const query = `SELECT ${plan.selectList(reference)} FROM ${reference} ${keyIndexHint(table)} WHERE ${condition} FOR UPDATE`;
        return plan.decode(await this.#session.executor.query(query));
      }).catch((error: unknown) => {
        throw this.#orAltered(error, table);
      });
      for (const image of images) {
        keep(image);
        after.set(image.identity, image);
      }
    }
    return { ...touched, after };
  }

  /** An index that is not there has been given another name, of which nothing else tells. */
  #orAltered(error: unknown, { schema, name }: TableDefinition): unknown {
    if (!isUnknownName(error)) return error;
    this.#database.forgetTable(schema, name);
    return new TableChanged(schema, name, serverMessage(error));
  }
}
