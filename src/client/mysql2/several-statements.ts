import { GlobalTxError } from '../../protocol/errors.js';
import type { SqlDialect } from '../at/executor.js';
import type { Analysis, Statement } from '../at/sql/analysis.js';
import { type Part, partsOf } from '../at/sql/parts.js';
import type { ApplicationCommand } from './application-command.js';
import type { Outcome } from './connection-line.js';
import { isResultHeader } from './core.js';

/** SERVER_MORE_RESULTS_EXISTS of the protocol's status flags. */
const MORE_RESULTS = 8;

interface SeveralContext {
  /** How the server reads text now. */
  dialect(): Promise<SqlDialect>;
  /** Runs one statement as if it had been sent alone. Never rejects. */
  run(part: ApplicationCommand): Promise<void>;
}

/** What follows a change of sql_mode may be read in another way once it has been made. */
export function readForCertain({ statements, texts }: Analysis): readonly Statement[] {
  const change = texts.findIndex((text) => /sql_mode/i.test(text));
  return change < 0 ? statements : statements.slice(0, change + 1);
}

/**
 * Runs the statements of one text one after the other, each with its own images, and hands the application what
 * mysql2 gives for all of them. As on the server, the first that fails is the last.
 */
export async function runSeveral(
  command: ApplicationCommand,
  { dialect, run }: SeveralContext,
): Promise<void> {
  const { text } = command;
  let read = await dialect();
  let parts = partsOf(text, read);
  for (let at = 0; at < parts.length; at += 1) {
    const { part, outcome } = command.part(parts[at]!.text);
    // The local transaction first: the answer may come before all is done that belongs to it.
    await Promise.allSettled([run(part), outcome]);
    command.add(withMore(await outcome, at + 1 < parts.length));
    const now = await dialect();
    if (!sameDialect(read, now)) {
      // SET sql_mode, say: the server reads, and cuts, what follows by the new rules.
      parts = behind(text, now, parts, at);
      read = now;
    }
  }
  command.succeed();
}

function behind(text: string, dialect: SqlDialect, parts: readonly Part[], at: number): readonly Part[] {
  const done = parts.slice(0, at + 1);
  return [...done, ...partsOf(text, dialect, done[at]!.next)];
}

function sameDialect(one: SqlDialect, other: SqlDialect): boolean {
  return one.ansiQuotes === other.ansiQuotes && one.noBackslashEscapes === other.noBackslashEscapes;
}

function withMore(outcome: Outcome, more: boolean): Outcome {
  if (more && isResultHeader(outcome.rows)) outcome.rows.serverStatus |= MORE_RESULTS;
  return outcome;
}

/**
 * The server takes one statement a text on this connection; its own words for that are those of a PREPARE, which never
 * takes more.
 * @throws the server's error; GlobalTxError STATEMENT_UNSUPPORTED if there is none
 */
export async function refuseSeveral(command: ApplicationCommand): Promise<never> {
  await command.prepareAlone();
  throw new GlobalTxError(
    'STATEMENT_UNSUPPORTED',
    'Several statements in one text are not supported inside a global transaction on a connection without ' +
      'multipleStatements. Send them one by one.',
    { construct: 'several statements in one text' },
  );
}
