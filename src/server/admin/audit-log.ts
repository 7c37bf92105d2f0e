import { open } from 'node:fs/promises';
import { GlobalTxError } from '../../protocol/errors.js';

/** One line. An order has two under one id: when it came, and what became of it. */
export interface AuditEntry {
  readonly time: string;
  readonly id: string;
  readonly event: 'ordered' | 'carried out' | 'refused';
  /** As the operator's machine says. */
  readonly user: string;
  readonly host: string;
  /** The address that the order came from. */
  readonly peer: string;
  readonly order: string;
  readonly xid: string;
  readonly branchId: string;
  readonly outcome: string;
}

/** What operators have ordered: JSON lines, only ever added to, each on the disk before anything goes on. */
export class AuditLog {
  readonly #path: string;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Adds no line, and so finds out whether lines can be added.
   * @throws GlobalTxError INVALID_OPTION
   */
  async check(): Promise<void> {
    try {
      await this.#write('');
    } catch (error) {
      throw new GlobalTxError('INVALID_OPTION', `The audit log cannot be written: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** Lines keep the order of the calls. @throws GlobalTxError STORE_FAILED */
  append(entry: AuditEntry): Promise<void> {
    const written = this.#last.then(() => this.#write(`${JSON.stringify(entry)}\n`));
    // The caller gets the failure; the next line is tried for itself.
    this.#last = written.catch(() => undefined);
    return written.catch((error: unknown) => {
      throw new GlobalTxError('STORE_FAILED', `The audit log cannot be written: ${messageOf(error)}`, {
        cause: error,
      });
    });
  }

  /** Opened for every line, so that the file can be moved away at any time. */
  async #write(text: string): Promise<void> {
    const file = await open(this.#path, 'a', 0o600);
    try {
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
