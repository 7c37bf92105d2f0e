// The promise wrapper: mysql2/promise, and .promise() of what callbacks use.
import callbacks from 'mysql2';
import mysql from 'mysql2/promise';

const connection = await mysql.createConnection({ host: 'localhost', user: 'root', database: 'test' });
const [rows, fields] = await connection.execute('SELECT * FROM `users` WHERE `age` > ?', [50]);
console.log(rows, fields.length);
try {
  await connection.query('SELECT nothing FROM `users`');
} catch (err) {
  const { code, errno, sqlState, sqlMessage } = err as callbacks.QueryError & { sqlMessage?: string };
  console.log(code, errno, sqlState, sqlMessage);
}
await connection.beginTransaction();
await connection.query("UPDATE users SET age = age + 1 WHERE name = 'Josh'");
await connection.rollback();
await connection.end();

const pool = callbacks.createPool({ host: 'localhost', user: 'root', database: 'test' });
const promisePool = pool.promise();
const [found] = await promisePool.query<mysql.RowDataPacket[]>('SELECT `age` FROM `users` WHERE `name` = ?', [
  'Josh',
]);
console.log(found[0]?.age);
await promisePool.end();

const single = callbacks.createConnection('mysql://root@localhost:3306/test');
console.log((await single.promise().query('SELECT 1 + 1 AS two'))[0]);
single.end();
