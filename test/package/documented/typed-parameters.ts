// Typed parameters of execute, and resetting a connection.
import mysql from 'mysql2/promise';

const { TypedParameter: T } = mysql;
const connection = await mysql.createConnection({
  host: 'localhost',
  user: 'root',
  database: 'test',
  supportBigNumbers: true,
});

await connection.execute(
  'CREATE TEMPORARY TABLE ledger (amount BIGINT UNSIGNED, raw VARBINARY(8), code VARCHAR(8))',
);
await connection.execute('INSERT INTO ledger VALUES (?, ?, ?)', [
  T.BIGINT.unsigned('18446744073709551615'),
  T.BLOB(Buffer.from([1, 2])),
  T.VARCHAR('007'),
]);
await connection.execute('INSERT INTO ledger (amount) VALUES (?)', [T.BIGINT(null)]);
console.log((await connection.execute('SELECT * FROM ledger LIMIT ?', [T.BIGINT(10)]))[0]);
try {
  T.TINYINT(300);
} catch (err) {
  console.log((err as Error).name);
}

await connection.query('SET @mark = 1');
await connection.reset();
console.log((await connection.query('SELECT @mark AS mark'))[0]);
await connection.end();
