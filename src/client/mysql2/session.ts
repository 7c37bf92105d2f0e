import type { SessionFacts } from '../at/branch/database.js';
import type { SqlDialect, SqlExecutor } from '../at/executor.js';
import type { Control } from '../at/sql/analysis.js';

const DEFAULT_MODES = { noBackslashEscapes: false, ansiQuotes: false };

/** The facts of one session, read from the server when first needed and again when they may have changed. */
export class Session {
  readonly #executor: SqlExecutor;
  readonly #serverKind: () => 'mysql' | 'mariadb';
  #facts: SessionFacts | undefined;
  #rollbackOnTimeout = false;
  #weakNext = false;

  /** @param serverKind known once the connection has shaken hands */
  constructor(executor: SqlExecutor, serverKind: () => 'mysql' | 'mariadb') {
    this.#executor = executor;
    this.#serverKind = serverKind;
  }

  /** How text is read, as far as is known without asking. */
  get dialect(): SqlDialect {
    return this.#facts?.dialect ?? { server: this.#serverKind(), ...DEFAULT_MODES };
  }

  /** Undefined until first read. */
  get autocommit(): boolean | undefined {
    return this.#facts?.autocommit;
  }

  /** Whether a lock wait time-out rolls back the whole local transaction (innodb_rollback_on_timeout). */
  get rollbackOnTimeout(): boolean {
    return this.#rollbackOnTimeout;
  }

  /** Something may have changed that decides how statements are read: ask again before the next one. */
  forget(): void {
    this.#facts = undefined;
  }

  /** Takes over what a control statement says of the session. */
  follow(control: Control): void {
    switch (control.verb) {
      case 'use':
      case 'set':
      case 'setAutocommit':
        this.forget();
        return;
      case 'setTransaction':
        // The level of the next transaction cannot be asked for: assume the weaker one.
        this.#weakNext = true;
        return;
      case 'begin':
      case 'commit':
      case 'rollback':
      case 'savepoint':
      case 'rollbackTo':
      case 'releaseSavepoint':
        return;
    }
  }

  /** The local transaction is over, and with it what SET TRANSACTION said of it. */
  transactionEnded(): void {
    this.#weakNext = false;
  }

  async facts(): Promise<SessionFacts> {
    this.#facts ??= await this.#read();
    return this.#weakNext ? { ...this.#facts, weakIsolation: true } : this.#facts;
  }

  async #read(): Promise<SessionFacts> {
    const server = this.#serverKind();
    // MariaDB before 11.1 knows the level only by its old name, MySQL 8 only by the new one.
    const isolation = server === 'mariadb' ? '@@tx_isolation' : '@@transaction_isolation';
    const result = await this.#executor.query(
      `SELECT @@sql_mode, @@autocommit, DATABASE(), ${isolation}, @@innodb_rollback_on_timeout`,
    );
    const [modes, autocommit, schema, level, rollbackOnTimeout] = (result.rows[0] ?? []).map(
      (value) => value?.toString('utf8') ?? null,
    );
    const sqlModes = new Set((modes ?? '').split(','));
    this.#rollbackOnTimeout = rollbackOnTimeout === '1';
    return {
      dialect: {
        server,
        noBackslashEscapes: sqlModes.has('NO_BACKSLASH_ESCAPES'),
        ansiQuotes: sqlModes.has('ANSI_QUOTES'),
      },
      schema: schema ?? null,
      autocommit: autocommit === '1',
      weakIsolation: level !== 'REPEATABLE-READ' && level !== 'SERIALIZABLE',
    };
  }
}
