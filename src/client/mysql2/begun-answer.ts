import type { SqlDialect } from '../at/executor.js';
import type { Outcome } from './connection-line.js';
import type { ResultHeader } from './core.js';

/** SERVER_STATUS_IN_TRANS and SERVER_STATUS_AUTOCOMMIT: what the server says of a local transaction just begun. */
const BEGUN_STATUS = 3;
/** SERVER_SESSION_STATE_CHANGED, which MySQL says of each BEGIN outside of a local transaction, without saying what. */
const STATE_CHANGED = 0x4000;

/** What mysql2 has made of each server's answer to BEGIN. It is the same each time, but its class is not exported. */
const known = new Map<SqlDialect['server'], ResultHeader>();

/** @param header the answer to a BEGIN outside of any local transaction */
export function keepBegunAnswer(server: SqlDialect['server'], header: ResultHeader | undefined): void {
  if (header === undefined || known.has(server)) return;
  if ((header.serverStatus & ~STATE_CHANGED) === BEGUN_STATUS && saysNothingMore(header))
    known.set(server, copyOf(header));
}

/** The application may do with an answer as it likes. */
function copyOf(header: ResultHeader): ResultHeader {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(header) as object) as ResultHeader, header);
  if (header.stateChanges !== undefined) copy.stateChanges = structuredClone(header.stateChanges);
  return copy;
}

/** Session tracking that the application has switched on would say more, and not the same each time. */
function saysNothingMore({ stateChanges }: ResultHeader): boolean {
  if (stateChanges === undefined) return true;
  const { systemVariables, schema, gtids, trackStateChange } = stateChanges;
  return (
    Object.keys(systemVariables).length === 0 &&
    schema === null &&
    gtids.length === 0 &&
    trackStateChange === null
  );
}

/** The answer to a BEGIN that has not been sent yet; undefined as long as none has been seen. */
export function begunAnswer(server: SqlDialect['server']): Outcome | undefined {
  const header = known.get(server);
  return header && { rows: copyOf(header), fields: undefined };
}
