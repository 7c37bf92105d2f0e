/**
 * The promise driver: everything that `mysql2/promise` exports, with connections, pools and clusters that take
 * part in global transactions.
 *
 * @example
 * import mysql from 'globaltx/mysql2/promise'; // was: 'mysql2/promise'
 */
import * as mysql from './promise-driver.js';

export * from './promise-driver.js';
export { mysql as default, mysql as 'module.exports' };
