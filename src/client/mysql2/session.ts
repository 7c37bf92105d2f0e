import type { SessionFacts } from '../at/branch/database.js';
import type { SqlDialect, SqlExecutor } from '../at/executor.js';
import type { Control } from '../at/sql/analysis.js';

/** sql_select_limit, unless it has been set. */
const NO_LIMIT = '18446744073709551615';

type ServerKind = SqlDialect['server'];

const DEFAULT_MODES = { noBackslashEscapes: false, ansiQuotes: false };

/** The facts of one session, read from the server when first needed and again when they may have changed. */
export class Session {
  readonly #executor: SqlExecutor;
  readonly #serverKind: () => ServerKind | undefined;
  #facts: SessionFacts | undefined;
  #rollbackOnTimeout = false;
  #weakNext = false;
  #epoch = 0;

  /** @param serverKind undefined until the connection has shaken hands */
  constructor(executor: SqlExecutor, serverKind: () => ServerKind | undefined) {
    this.#executor = executor;
    this.#serverKind = serverKind;
  }

  /** How text is read, as far as is known without asking. */
  get dialect(): SqlDialect {
    return this.#facts?.dialect ?? { server: this.#serverKind() ?? 'mysql', ...DEFAULT_MODES };
  }

  /** Undefined until first read. */
  get autocommit(): boolean | undefined {
    return this.#facts?.autocommit;
  }

  /** Whether a lock wait time-out rolls back the whole local transaction (innodb_rollback_on_timeout). */
  get rollbackOnTimeout(): boolean {
    return this.#rollbackOnTimeout;
  }

  /** Another number whenever a text might mean something else to the server than before. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Something may have changed that decides how statements are read: ask again before the next one. */
  forget(): void {
    this.#facts = undefined;
    this.#epoch += 1;
  }

  /** Whether a control statement may change what is known of the session. */
  changedBy({ verb }: Control): boolean {
    return verb === 'use' || verb === 'set' || verb === 'setAutocommit' || verb === 'setTransaction';
  }

  /** Takes over what a control statement says of the session. */
  follow(control: Control): void {
    switch (control.verb) {
      case 'use':
      case 'set':
        this.forget();
        return;
      case 'setAutocommit':
        this.#facts = undefined;
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

  /** The facts, where they need not be asked for. */
  get known(): SessionFacts | undefined {
    if (this.#facts === undefined || !this.#weakNext) return this.#facts;
    return { ...this.#facts, weakIsolation: true };
  }

  async facts(): Promise<SessionFacts> {
    this.#facts ??= await this.#read();
    return this.known ?? this.#facts;
  }

  /** Asks again. */
  async recheck(): Promise<void> {
    this.forget();
    await this.facts();
  }

  async #read(): Promise<SessionFacts> {
    // The first statement may have been sent before the handshake: whatever is answered comes after it.
    if (this.#serverKind() === undefined) await this.#executor.query('DO 0');
    const server = this.#serverKind() ?? 'mysql';
    // MariaDB before 11.1 knows the level only by its old name, MySQL 8 only by the new one.
    const prefix = server === 'mariadb' ? 'tx' : 'transaction';
    const result = await this.#executor.query(
      `SELECT @@sql_mode, @@autocommit, DATABASE(), @@${prefix}_isolation, @@innodb_rollback_on_timeout, ` +
        `@@character_set_client, @@sql_select_limit, @@${prefix}_read_only, @@completion_type, @@character_set_results`,
    );
    const [
      modes,
      autocommit,
      schema,
      level,
      rollbackOnTimeout,
      charset,
      limit,
      readOnly,
      completion,
      results,
    ] = (result.rows[0] ?? []).map((value) => value?.toString('utf8') ?? null);
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
      readOnly: readOnly === '1',
      weakIsolation: level !== 'REPEATABLE-READ' && level !== 'SERIALIZABLE',
      clientCharset: charset ?? '',
      resultsCharset: results ?? 'binary',
      selectLimited: limit !== NO_LIMIT,
      chains: completion !== 'NO_CHAIN',
      zeroIsKept: sqlModes.has('NO_AUTO_VALUE_ON_ZERO'),
      strict: sqlModes.has('STRICT_TRANS_TABLES') || sqlModes.has('STRICT_ALL_TABLES'),
    };
  }
}
