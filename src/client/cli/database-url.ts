import type { ConnectionOptions } from 'mysql2';
import { GlobalTxError } from '../../protocol/errors.js';

/** Where a database is, as `--database` says it. */
export interface DatabaseAddress {
  readonly schema: string;
  readonly options: ConnectionOptions;
}

/**
 * Reads mysql://USER:PASSWORD@HOST:PORT/DATABASE; the password may stand in GLOBALTX_DATABASE_PASSWORD.
 * @throws GlobalTxError INVALID_OPTION
 */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const schema = decodeURIComponent(url?.pathname.slice(1) ?? '');
  if (url === undefined || !['mysql:', 'mariadb:'].includes(url.protocol) || schema === '') {
    throw new GlobalTxError(
      'INVALID_OPTION',
      '--database is written mysql://USER:PASSWORD@HOST:PORT/DATABASE',
    );
  }
  const password = decodeURIComponent(url.password) || (process.env.GLOBALTX_DATABASE_PASSWORD ?? '');
  const options = {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || 3306),
    user: decodeURIComponent(url.username),
    password,
    database: schema,
  };
  return { schema, options };
}
