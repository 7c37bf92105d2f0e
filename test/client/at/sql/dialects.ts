import type { SqlDialect } from '../../../../src/client/at/executor.js';

export const MYSQL: SqlDialect = { server: 'mysql', noBackslashEscapes: false, ansiQuotes: false };
export const MARIADB: SqlDialect = { ...MYSQL, server: 'mariadb' };
