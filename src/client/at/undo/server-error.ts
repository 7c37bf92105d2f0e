/** What a database server (or the way to it) said, as mysql2 puts it on its errors. */
export interface ServerError extends Error {
  /** The server's error number; negative or absent for errors of the network. */
  readonly errno?: number;
  readonly sqlState?: string;
  readonly sqlMessage?: string;
}

export function isServerError(error: unknown): error is ServerError & { readonly errno: number } {
  const { errno, sqlState } = error as Partial<ServerError>;
  return error instanceof Error && typeof errno === 'number' && typeof sqlState === 'string';
}

export function errorNumber(error: unknown): number | undefined {
  return isServerError(error) ? error.errno : undefined;
}

export const ER_BAD_DB = 1049;
export const ER_DUP_ENTRY = 1062;
export const ER_NO_SUCH_TABLE = 1146;
const ER_PACKET_TOO_LARGE = 1153;

/**
 * A unique or foreign key is in the way, which another statement of the same compensation may clear:
 * ER_DUP_ENTRY, ER_DUP_UNIQUE, ER_NO_REFERENCED_ROW(_2), ER_ROW_IS_REFERENCED(_2), and
 * ER_FOREIGN_DUPLICATE_KEY_WITH(OUT)_CHILD_INFO.
 */
const KEY_IN_THE_WAY: ReadonlySet<number> = new Set([1062, 1169, 1216, 1217, 1451, 1452, 1761, 1762]);

export function isKeyInTheWay(error: unknown): boolean {
  return KEY_IN_THE_WAY.has(errorNumber(error) ?? 0);
}

/** Data exceptions, constraint violations, view checks, SIGNAL, no such table, no such column. */
const REFUSING_STATES: ReadonlySet<string> = new Set(['42S02', '42S22']);
const REFUSING_CLASSES: ReadonlySet<string> = new Set(['01', '21', '22', '23', '44', '45']);

/** Refusals that carry the general SQLSTATE: a value or a rule of the table, which no retry changes. */
const REFUSING_NUMBERS: ReadonlySet<number> = new Set([
  ER_PACKET_TOO_LARGE,
  1176, // ER_KEY_DOES_NOT_EXIST, of a definition that is out of date
  1364, // ER_NO_DEFAULT_FOR_FIELD
  1366, // ER_TRUNCATED_WRONG_VALUE_FOR_FIELD
  1526, // ER_NO_PARTITION_FOR_GIVEN_VALUE
  1748, // ER_ROW_DOES_NOT_MATCH_GIVEN_PARTITION_SET
  1906, // ER_WARNING_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN (MariaDB)
  3105, // ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN (MySQL)
  3819, // ER_CHECK_CONSTRAINT_VIOLATED (MySQL)
  4025, // ER_CONSTRAINT_FAILED (MariaDB)
]);

/**
 * Whether the server has refused what was written, so that trying again would end the same. Everything else
 * (lock waits, deadlocks, lost connections, a server that is shutting down, read-only or full) may pass.
 */
export function isRefusal(error: unknown): boolean {
  if (!isServerError(error)) return false;
  const state = error.sqlState ?? '';
  return (
    REFUSING_NUMBERS.has(error.errno) || REFUSING_STATES.has(state) || REFUSING_CLASSES.has(state.slice(0, 2))
  );
}

/** The server's own words, or those of the network's error. */
export function serverMessage(error: unknown): string {
  if (isServerError(error)) return `${error.errno} (${error.sqlState}): ${error.sqlMessage ?? error.message}`;
  return error instanceof Error ? error.message : String(error);
}
