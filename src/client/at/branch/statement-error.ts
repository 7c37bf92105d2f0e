/** A lock wait time-out, a deadlock, KILL QUERY and a time-out of the server: another statement need not meet them. */
const PASSING_ERRORS: ReadonlySet<unknown> = new Set([1205, 1213, 1317, 1969, 3024]);

/** The server's number for an error; undefined for one that is not the server's. */
export function errno(error: unknown): unknown {
  return error instanceof Error && 'errno' in error ? error.errno : undefined;
}

/**
 * A column or an index that is not there: one that the application's clauses name, or one that a read of ours does and that
 * somebody has dropped since the definition was read.
 */
export function isUnknownName(error: unknown): boolean {
  return errno(error) === 1054 || errno(error) === 1176;
}

/** Whether the server speaks of what a statement says, and would say the same again. */
export function isAboutStatement(error: unknown): boolean {
  const isFatal = error instanceof Error && 'fatal' in error && error.fatal === true;
  return errno(error) !== undefined && !isFatal && !PASSING_ERRORS.has(errno(error));
}

/** ER_WRONG_VALUE and ER_CANNOT_CONVERT_STRING of MySQL, whose SQLSTATE says nothing. */
const VALUE_ERRORS: ReadonlySet<unknown> = new Set([1525, 3854]);
/** Two, three or more collations that do not go together, and types, as MariaDB's UUID and INET6. */
const TOGETHER_ERRORS: ReadonlySet<unknown> = new Set([1267, 1270, 1271, 4078]);

/**
 * Whether a read of ours has failed for something in the statement's own clauses that the statement may say in other
 * words, or not at all: a value in the condition that is none of its type, about which a SELECT is stricter than an
 * UPDATE, or says less; collations or types that do not go together, where the statement fails for something else before.
 */
export function isForStatementToSay(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { sqlState } = error as { readonly sqlState?: unknown };
  const number = errno(error);
  return VALUE_ERRORS.has(number) || TOGETHER_ERRORS.has(number) || String(sqlState).startsWith('22');
}
