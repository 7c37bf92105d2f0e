/** A lock wait time-out, a deadlock, KILL QUERY and a time-out of the server: another statement need not meet them. */
const PASSING_ERRORS: ReadonlySet<unknown> = new Set([1205, 1213, 1317, 1969, 3024]);

/** The server's number for an error; undefined for one that is not the server's. */
export function errno(error: unknown): unknown {
  return error instanceof Error && 'errno' in error ? error.errno : undefined;
}

/** Whether the server speaks of what a statement says, and would say the same again. */
export function isAboutStatement(error: unknown): boolean {
  const isFatal = error instanceof Error && 'fatal' in error && error.fatal === true;
  return errno(error) !== undefined && !isFatal && !PASSING_ERRORS.has(errno(error));
}
