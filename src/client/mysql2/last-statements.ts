import { GlobalTxError } from '../../protocol/errors.js';
import type { SqlDialect } from '../at/executor.js';
import type { Statement } from '../at/sql/analysis.js';
import type { ApplicationCommand } from './application-command.js';
import { afterAnswer, answerTo, type LastStatement } from './last-answer.js';
import type { LastQuestion } from './last-statement.js';
import type { LocalLine } from './local-line.js';
import { refusalOf } from './refusal.js';

/** LIMIT and SQL_CALC_FOUND_ROWS: FOUND_ROWS() is another number than that of the rows. */
const FINDS_OTHERS = /LIMIT|SQL_CALC_FOUND_ROWS/i;

/**
 * Remembers what plain mysql2 would say of the application's last statement in one session: statements of ours run
 * behind it, and the server then speaks of those.
 */
export class LastStatements {
  readonly #line: LocalLine;
  #last: LastStatement | undefined;

  constructor(line: LocalLine) {
    this.#line = line;
  }

  /** The server itself will say. */
  forget(): void {
    this.#last = undefined;
  }

  /** A statement has run, with statements of ours around it. */
  ran({ outcome, header, warnings, text }: ApplicationCommand, kind: Statement['kind']): void {
    if (header !== undefined) {
      const { affectedRows, warningStatus } = header;
      this.#last = {
        rowCount: affectedRows,
        warnings: { count: warningStatus, errors: 0, list: warnings },
      };
      return;
    }
    const reads = kind === 'lockingRead' || kind === 'joinedRead';
    const rows = outcome?.rows;
    const found = reads && Array.isArray(rows) && !FINDS_OTHERS.test(text) ? rows.length : undefined;
    this.#last = { rowCount: -1, foundRows: found };
  }

  failed(error: unknown): void {
    this.#last = error instanceof GlobalTxError ? undefined : { rowCount: -1 };
  }

  /** A plain read has been passed on: MariaDB keeps the warnings through one that speaks of no table. */
  passed(text: string, server: SqlDialect['server']): void {
    const warnings = this.#last?.warnings;
    const keeps = server === 'mariadb' && warnings !== undefined && warnings.count > 0 && !/FROM/i.test(text);
    this.#last = keeps ? { rowCount: -1, warnings } : undefined;
  }

  /**
   * Puts the answer to a question in the place of what the server will say, where that would be of a statement of ours.
   * @throws GlobalTxError STATEMENT_UNSUPPORTED where it is not known: nothing is answered wrongly
   */
  ask(
    command: ApplicationCommand,
    { construct, form }: LastQuestion,
    reads: boolean,
    server: SqlDialect['server'],
  ): void {
    const last = this.#last;
    if (reads && last === undefined && !this.#line.spoken) return;
    const answer = reads && form !== undefined && last !== undefined ? answerTo(form, last) : undefined;
    if (answer === undefined || !command.answerWith(answer))
      throw refusalOf({ kind: 'refused', code: 'STATEMENT_UNSUPPORTED', construct });
    this.#last = afterAnswer(form!, last!, server);
  }
}
