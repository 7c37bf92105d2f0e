import { setTimeout as delay } from 'node:timers/promises';
import type { CapturedStatement } from '../at/branch/capture.js';
import type { BranchSession } from '../at/branch/database.js';
import type { WritePlaceholder } from '../at/branch/queries.js';
import type { ApplicationCommand } from './application-command.js';
import type { Enlisted } from './enlisted.js';
import type { LocalLine } from './local-line.js';
import { isLockConflict } from './server-errors.js';

/** Between two tries of a statement whose lock's holder is rolling back, in milliseconds. */
const CONFLICT_PAUSE_MS = { least: 5, most: 100 };

/** What an autocommit statement is run with. */
export interface AutocommitWay {
  readonly line: LocalLine;
  /** Makes the local transaction of one try. */
  readonly enlist: () => Enlisted;
  readonly write: WritePlaceholder;
  /** Told that a local transaction has been used up, by COMMIT or by what became of it. */
  readonly ended: () => void;
}

/**
 * Runs a statement that is a local transaction of its own, and hands the application its answer. Where it meets the lock of
 * a transaction that is rolling back it is taken back and run again, as long as the transaction waits for locks.
 */
export async function runAutocommit(
  way: AutocommitWay,
  command: ApplicationCommand,
  statement: CapturedStatement,
  session: BranchSession,
): Promise<void> {
  const first = way.enlist();
  const deadline = performance.now() + first.transaction.lockWaitMs;
  const remaining = () => Math.max(0, Math.round(deadline - performance.now()));
  let pause = CONFLICT_PAUSE_MS.least;
  for (let enlisted = first; ; enlisted = way.enlist()) {
    way.line.begin('START TRANSACTION');
    try {
      await attempt(enlisted, way, command, statement, session, remaining);
      break;
    } catch (error) {
      if (!isLockConflict(error) || remaining() <= pause || first.transaction.ended) throw error;
      await delay(pause);
      pause = Math.min(pause * 2, CONFLICT_PAUSE_MS.most);
    }
  }
  command.hideTransaction();
  command.succeed();
}

async function attempt(
  enlisted: Enlisted,
  { write, ended }: AutocommitWay,
  command: ApplicationCommand,
  statement: CapturedStatement,
  session: BranchSession,
  remaining: () => number,
): Promise<void> {
  try {
    await enlisted.statement(session, statement, write, command, remaining());
  } catch (error) {
    await enlisted.rollback();
    throw error;
  }
  const undoLog = await enlisted.prepare(session, remaining());
  try {
    await enlisted.commit(undoLog);
  } finally {
    ended();
  }
}
