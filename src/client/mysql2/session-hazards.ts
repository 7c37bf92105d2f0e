import { GlobalTxError } from '../../protocol/errors.js';
import type { SqlExecutor } from '../at/executor.js';
import type { Statement } from '../at/sql/analysis.js';
import type { TableDefinition } from '../at/table/definition.js';
import { refuseTemporary } from '../at/table/temporary.js';

type Refused = Extract<Statement, { kind: 'refused' }>;

/**
 * What statements outside of global transactions may have left in a session that would be in the way of one inside:
 * LOCK TABLES, which a START TRANSACTION of ours would end, and temporary tables, which hide tables of the same name.
 */
export class SessionHazards {
  #tablesLocked = false;
  /** Something has run that may have made a temporary table. */
  #suspicious = false;
  /** Tables that were found not to be hidden since. */
  readonly #plain = new Set<string>();

  /** A statement that is not read any further has passed. */
  follow({ construct }: Refused): void {
    if (construct.startsWith('LOCK TABLE')) this.#tablesLocked = true;
    else if (construct.startsWith('UNLOCK TABLE')) this.#tablesLocked = false;
    else {
      this.#suspicious = true;
      this.#plain.clear();
    }
  }

  /** START TRANSACTION ends LOCK TABLES. */
  begun(): void {
    this.#tablesLocked = false;
  }

  /** The session has begun anew. */
  clear(): void {
    this.#tablesLocked = false;
    this.#suspicious = false;
    this.#plain.clear();
  }

  /** @throws GlobalTxError STATEMENT_UNSUPPORTED */
  refuseLockedTables(): void {
    if (!this.#tablesLocked) return;
    throw new GlobalTxError(
      'STATEMENT_UNSUPPORTED',
      'This session holds LOCK TABLES, which a global transaction would end without a word. UNLOCK TABLES first.',
      { construct: 'LOCK TABLES' },
    );
  }

  /** Rejects with GlobalTxError TABLE_UNSUPPORTED when the session sees a temporary table in the place of a table */
  refuseHidden(
    executor: SqlExecutor,
    table: Pick<TableDefinition, 'schema' | 'name'>,
  ): Promise<void> | undefined {
    if (!this.#suspicious) return undefined;
    const name = JSON.stringify([table.schema, table.name]);
    if (this.#plain.has(name)) return undefined;
    return refuseTemporary(executor, table).then(() => {
      this.#plain.add(name);
    });
  }
}
