import type { Outcome } from './connection-line.js';
import { isResultHeader, type ResultHeader } from './core.js';

/** SERVER_STATUS_IN_TRANS and SERVER_STATUS_AUTOCOMMIT: what the server says of a local transaction just begun. */
const BEGUN_STATUS = 3;

/** What mysql2 has made of a server's answer to BEGIN. It is the same each time, but its class is not exported. */
let known: ResultHeader | undefined;

export function keepBegunAnswer(header: ResultHeader | undefined): void {
  if (known === undefined && header?.serverStatus === BEGUN_STATUS) known = header;
}

/** The answer to a BEGIN that has not been sent yet; undefined as long as none has been seen. */
export function begunAnswer(): Outcome | undefined {
  if (!isResultHeader(known)) return undefined;
  const rows: unknown = Object.assign(Object.create(Object.getPrototypeOf(known) as object), known);
  return { rows, fields: undefined };
}
