import type { Logger } from '../../logger.js';
import { removeDefenceRecordsSql } from '../undo/undo-log.js';
import type { SessionSource } from './raw-session.js';

export interface DefenceRecordOptions {
  /** How long a defence record is kept, in milliseconds. @default 86,400,000 (one day) */
  readonly keepMs?: number;
  /** How often old ones are looked for, in milliseconds. @default 600,000 (ten minutes) */
  readonly intervalMs?: number;
}

const KEEP_MS = 24 * 60 * 60 * 1000;
const INTERVAL_MS = 10 * 60 * 1000;
const ROWS_PER_STATEMENT = 500;

/**
 * Removes defence records that no phase one can meet any more. A few at a time, by the index on log_created:
 * every process of the resource does so, and whoever comes second finds nothing.
 */
export class DefenceRecords {
  readonly #sessions: SessionSource;
  readonly #schema: string;
  readonly #logger: Logger;
  readonly #keepMs: number;
  readonly #timer: NodeJS.Timeout;
  #running = false;

  constructor(sessions: SessionSource, schema: string, logger: Logger, options: DefenceRecordOptions = {}) {
    this.#sessions = sessions;
    this.#schema = schema;
    this.#logger = logger;
    this.#keepMs = options.keepMs ?? KEEP_MS;
    this.#timer = setInterval(() => this.#sweep(), options.intervalMs ?? INTERVAL_MS).unref();
  }

  /** @returns how many were removed */
  async removeOld(): Promise<number> {
    const sql = removeDefenceRecordsSql(this.#schema, this.#keepMs, ROWS_PER_STATEMENT);
    let removed = 0;
    for (let full = true; full; ) {
      const { affectedRows } = await this.#sessions.withSession((executor) => executor.query(sql));
      removed += affectedRows;
      full = affectedRows === ROWS_PER_STATEMENT;
    }
    return removed;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sweep(): void {
    if (this.#running) return;
    this.#running = true;
    this.removeOld()
      .catch((error: unknown) => {
        this.#logger.warn({ err: error, schema: this.#schema }, 'could not remove old defence records');
      })
      .finally(() => {
        this.#running = false;
      });
  }
}
