import { inspect } from 'node:util';

/**
 * Where the client tells what it meets; a pino logger fits. `facts` holds the xid where there is one, and an error under
 * `err`, as pino expects it.
 */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

function emitWarning(facts: object, message: string): void {
  process.emitWarning(message, { type: 'GlobalTxWarning', detail: inspect(facts) });
}

/**
 * The logger when none is given: quiet, except that warnings and errors become process warnings. A library
 * must not write to stdout, and a process warning can be listened to, redirected and silenced by the
 * application (`process.on('warning')`, `--no-warnings`) where console output cannot.
 */
export const DEFAULT_LOGGER: Logger = {
  debug: () => {},
  info: () => {},
  warn: emitWarning,
  error: emitWarning,
};
