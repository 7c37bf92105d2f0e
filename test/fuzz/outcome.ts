import { GlobalTxError } from 'globaltx';
import type { Place } from './render.js';

/** What came of one statement. */
export type Outcome =
  /** Turned away before it ran: `construct` says what it was. */
  | { readonly kind: 'refused'; readonly construct: string }
  /** An answer or an error of the server, as text that can be compared. */
  | { readonly kind: 'answered'; readonly text: string }
  /** An error that plain mysql2 does not have. */
  | { readonly kind: 'broken'; readonly text: string };

const REFUSALS: ReadonlySet<string> = new Set([
  'STATEMENT_UNSUPPORTED',
  'STATEMENT_NOT_UNDERSTOOD',
  'TABLE_UNSUPPORTED',
]);

/** The parts of a result header that the application's statement alone decides. */
const HEADER = ['affectedRows', 'insertId', 'info', 'warningStatus', 'changedRows'] as const;

function jsonSafe(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

/** The twin's databases have other names, and its prepared statements other numbers. */
function withoutNames(text: string, place: Place): string {
  const plain = text.replace(/(prepared statement handler) \(\d+\)/, '$1');
  return place.databases.reduce((rest, name, at) => rest.replaceAll(name, `database${at}`), plain);
}

export function answerOf(result: unknown, place: Place): Outcome {
  if (Array.isArray(result)) {
    // Rows are a set unless there is an ORDER BY; and with one, ties may come in any order.
    const rows = result.map((row) => JSON.stringify(row, jsonSafe)).sort();
    return { kind: 'answered', text: withoutNames(`${rows.length} rows\n${rows.join('\n')}`, place) };
  }
  const header = result as Readonly<Record<string, unknown>>;
  const facts = HEADER.map((name) => `${name}=${String(header[name])}`);
  return { kind: 'answered', text: facts.join(' ') };
}

interface ServerError {
  readonly code?: string;
  readonly errno?: number;
  readonly sqlState?: string;
  readonly sqlMessage?: string;
}

export function errorOf(error: unknown, place: Place): Outcome {
  if (error instanceof GlobalTxError) {
    if (REFUSALS.has(error.code)) return { kind: 'refused', construct: error.construct ?? error.message };
    return { kind: 'broken', text: `${error.code}: ${error.message}${causes(error)}` };
  }
  const { code, errno, sqlState, sqlMessage } = error as ServerError;
  const words = sqlMessage ?? (error instanceof Error ? error.message : String(error));
  return { kind: 'answered', text: withoutNames(`error ${code} ${errno} ${sqlState} ${words}`, place) };
}

function causes(error: Error): string {
  return error.cause === undefined ? '' : ` (cause: ${String(error.cause)})`;
}
