import type { SqlDialect, SqlExecutor } from '../executor.js';
import type { TableDefinition } from '../table/definition.js';
import type { Relation, ViewDefinition } from '../table/view.js';

/** The facts of one session that decide how a branch is made in it. */
export interface SessionFacts {
  readonly dialect: SqlDialect;
  /** The default schema, or null. */
  readonly schema: string | null;
  readonly autocommit: boolean;
  /** Its local transactions only read, unless they say otherwise (transaction_read_only). */
  readonly readOnly: boolean;
  /** READ COMMITTED or READ UNCOMMITTED: rows may appear between the before image and the statement. */
  readonly weakIsolation: boolean;
  /** character_set_client, in which the server reads the text. */
  readonly clientCharset: string;
  /** character_set_results, in which the server sends text; 'binary': as it is stored. Undefined where it is not known. */
  readonly resultsCharset?: string;
  /** sql_select_limit is set: a query of ours may not see all rows. */
  readonly selectLimited: boolean;
  /** completion_type is not NO_CHAIN: a COMMIT or ROLLBACK begins another local transaction, or ends the session. */
  readonly chains: boolean;
  /** NO_AUTO_VALUE_ON_ZERO: of what is given for an AUTO_INCREMENT column, NULL alone makes a new value. */
  readonly zeroIsKept: boolean;
  /** A value that does not fit is an error, and not stored as another (STRICT_TRANS_TABLES, STRICT_ALL_TABLES). */
  readonly strict: boolean;
}

/** At once where it is known: a promise for nothing is dear in a path that every statement takes. */
export type Soon<Value> = Value | Promise<Value>;

/** One session of the application, as the branch in it needs it: globaltx's own statements, and the facts. */
export interface BranchSession {
  readonly executor: SqlExecutor;
  /** As they are known now. */
  readonly facts: SessionFacts;
  /** Asks for the facts again: something has changed that no statement told of (a procedure may SET what it likes). */
  readonly recheck?: () => Promise<void>;
  /**
   * Rejects when this session sees something else under the table's name than others do: TABLE_UNSUPPORTED. Undefined
   * where that is known not to be so.
   */
  readonly refuseHidden?: (table: Pick<Relation, 'schema' | 'name'>) => Promise<void> | undefined;
}

/** The database behind a session, as far as branches need it; shared by all sessions of a pool. */
export interface BranchDatabase {
  /** @returns undefined when there is no such table
   * @throws GlobalTxError TABLE_UNSUPPORTED, also for a view */
  table(schema: string, name: string): Soon<TableDefinition | undefined>;
  /** The same, or a view whose rows are those of one table. */
  relation(schema: string, name: string): Soon<Relation | undefined>;
  /** Whether a view is what its definition says; it stays so while a local transaction holds it. */
  isCurrent(view: ViewDefinition): Promise<boolean>;
  /** Stored functions of a schema that may write, by name in lower case, with what they declare. */
  writingFunctions(schema: string): Promise<ReadonlyMap<string, string>>;
  /** The cached definition is out of date. */
  forgetTable(schema: string, name: string): void;
  /**
   * The identity of the resource that a schema is, its undo log made and its phase two enlisted.
   * @throws GlobalTxError UNDO_LOG_MISSING, RESOURCE_CLAIMED_TWICE, COORDINATOR_UNAVAILABLE
   */
  resourceId(schema: string): Soon<string>;
  /** Whether writing to the schema's undo log changes LAST_INSERT_ID(), which is the application's. */
  undoLogTakesInsertId(schema: string): Soon<boolean>;
}
