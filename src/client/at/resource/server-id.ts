import { createHash } from 'node:crypto';
import type { SqlDialect, SqlExecutor } from '../executor.js';

type ServerKind = SqlDialect['server'];

/** Which of the two servers answers; MariaDB names itself in its version, whatever stands before it. */
export async function readServerKind(executor: SqlExecutor): Promise<ServerKind> {
  const { rows } = await executor.query('SELECT VERSION()');
  return /mariadb/i.test(String(rows[0]?.[0])) ? 'mariadb' : 'mysql';
}

/**
 * MySQL's own name for a server lies in its data directory. MariaDB has none that is always unique:
 * @@server_uid comes from the network card's address and the port, which containers on two machines may
 * share, so where the server runs and keeps its data is added.
 */
export async function readServerId(executor: SqlExecutor, server: ServerKind): Promise<string> {
  if (server === 'mysql') {
    const { rows } = await executor.query('SELECT @@server_uuid');
    return String(rows[0]?.[0]);
  }
  // Older versions of MariaDB have no @@server_uid, and naming it there is an error.
  const { rows } = await executor.query(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uid', 'hostname', 'port', 'datadir', 'server_id')",
  );
  const facts = rows.map(([name, value]) => `${name}=${value}`).sort();
  return `mariadb-${createHash('sha256').update(facts.join('\n')).digest('hex').slice(0, 32)}`;
}
