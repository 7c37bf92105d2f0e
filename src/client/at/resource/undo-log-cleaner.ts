import { reach } from '../../failpoints.js';
import type { PhaseTwoAnswer } from '../../resource/resource.js';
import { retryAnswer } from '../undo/compensate.js';
import { type BranchKey, deleteUndoLogsSql, findPartsSql } from '../undo/undo-log.js';
import type { SessionSource } from './raw-session.js';

/** Pairs in one DELETE: enough to make the round trip cheap, few enough not to hold the table's pages long. */
const PAIRS_PER_STATEMENT = 1000;

/** How long a clean-up waits for others to share its statement, in milliseconds. Nobody waits for clean-ups. */
const GATHER_MS = 25;

interface Waiting {
  readonly branch: BranchKey;
  readonly answer: (answer: PhaseTwoAnswer) => void;
}

/** Deletes the undo records of committed branches, those of many transactions in one statement. */
export class UndoLogCleaner {
  readonly #sessions: SessionSource;
  readonly #schema: string;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(sessions: SessionSource, schema: string) {
    this.#sessions = sessions;
    this.#schema = schema;
  }

  /** PHASE_TWO_DONE once the record is gone, deleted now or before; PHASE_TWO_RETRY when that failed. */
  delete(branch: BranchKey): Promise<PhaseTwoAnswer> {
    return new Promise((answer) => {
      this.#waiting.push({ branch, answer });
      if (this.#waiting.length >= PAIRS_PER_STATEMENT) this.#flush();
      else this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
    });
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#run(batch.map(({ branch }) => branch)).then((answer) => {
      for (const waiting of batch) waiting.answer(answer);
    });
  }

  async #run(branches: readonly BranchKey[]): Promise<PhaseTwoAnswer> {
    try {
      await this.#sessions.withSession(async (executor) => {
        const { rows } = await executor.query(findPartsSql(this.#schema, branches));
        const parts = rows.map(([xid, branchId]) => ({ xid: String(xid), branchId: String(branchId) }));
        reach('before', 'undo-log-deleted');
        await executor.query(deleteUndoLogsSql(this.#schema, [...branches, ...parts]));
      });
      reach('after', 'undo-log-deleted');
      return { outcome: 'PHASE_TWO_DONE', code: '', detail: '' };
    } catch (error) {
      return retryAnswer(error);
    }
  }
}
