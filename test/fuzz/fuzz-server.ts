import { PrivateServer } from '../support/servers.js';
import { BINARY_LOG_ARGUMENTS } from './binary-log.js';

/** A server for runs: quick at making and dropping tables, and with a binary log to check them by. */
export function fuzzServer(): Promise<PrivateServer> {
  return PrivateServer.start({
    flushLogAtCommit: 0,
    binaryLog: true,
    arguments: [
      // A run makes and drops a dozen tables; nothing of them has to survive a power cut.
      '--innodb-flush-method=nosync',
      '--innodb-file-per-table=OFF',
      // Statistics that change behind one of two twins would have their statements read by different indexes.
      '--innodb-stats-auto-recalc=OFF',
      ...BINARY_LOG_ARGUMENTS,
    ],
  });
}
