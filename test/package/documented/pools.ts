// Connection pools: options, getConnection and release, events, and disposal at the end of a block.
import mysql, { type PoolOptions, type RowDataPacket } from 'mysql2/promise';

const access: PoolOptions = {
  host: 'localhost',
  user: 'root',
  database: 'test',
  waitForConnections: true,
  connectionLimit: 10,
  maxIdle: 10,
  idleTimeout: 60000,
  queueLimit: 0,
  enableKeepAlive: true,
  keepAliveInitialDelay: 0,
};
const pool = mysql.createPool(access);
pool.on('acquire', (connection) => console.log('acquired', typeof connection.threadId));
pool.on('release', (connection) => console.log('released', typeof connection.threadId));

const [rows] = await pool.query<RowDataPacket[]>('SELECT `name` FROM `users` ORDER BY `id` LIMIT 2');
console.log(rows);

const connection = await pool.getConnection();
await connection.query('SELECT 1');
connection.release();

{
  await using another = await pool.getConnection();
  console.log((await another.execute('SELECT ? AS value', ['x']))[0]);
}
await pool.end();

const cluster = mysql.createPoolCluster({ removeNodeErrorCount: 1, defaultSelector: 'RR' });
cluster.add({ host: 'localhost', user: 'root', database: 'test' });
cluster.add('MASTER', { host: 'localhost', user: 'root', database: 'test' });
cluster.add('SLAVE1', 'mysql://root@localhost:3306/test');
cluster.on('remove', (nodeId) => console.log('REMOVED NODE :', nodeId));
const master = await cluster.getConnection('MASTER');
console.log((await master.query('SELECT 2 AS two'))[0]);
master.release();
console.log((await cluster.of('SLAVE*', 'RANDOM').execute('SELECT 3 AS three'))[0]);
await cluster.end();
