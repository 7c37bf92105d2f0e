/**
 * A service of its own for tests: `node worker-process.js COORDINATOR PORT DATABASE [SQL]`. With SQL it writes in a
 * global transaction, says so, and never ends it; without, it only has its pool. It lives until it is killed.
 */
import { currentTransaction, GlobalTx } from 'globaltx';
import mysql from 'globaltx/mysql2/promise';

const [coordinator, port, database, sql] = process.argv.slice(2);
const gtx = await GlobalTx.connect({ coordinator: coordinator!, application: 'worker' });
const pool = mysql.createPool({ host: '127.0.0.1', port: Number(port), user: 'root', database: database! });
if (sql === undefined) {
  console.log('ready');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
} else {
  await gtx.run({ name: 'never ends', timeout: 1_000 }, async () => {
    await pool.query(sql);
    console.log(`written ${currentTransaction()?.xid}`);
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  });
}
