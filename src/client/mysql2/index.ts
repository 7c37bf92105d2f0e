/**
 * The callback driver: everything that `mysql2` exports, with connections, pools and clusters that take part
 * in global transactions.
 *
 * @example
 * import mysql from 'globaltx/mysql2'; // was: 'mysql2'
 */
import * as mysql from './driver.js';

export * from './driver.js';
export { mysql as default, mysql as 'module.exports' };
