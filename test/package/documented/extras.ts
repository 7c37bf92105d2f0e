// Extra features: named placeholders, typeCast, dates, nested tables, streams, events, formatting.
import mysql, { type TypeCastField } from 'mysql2';

const connection = mysql.createConnection({
  host: 'localhost',
  user: 'root',
  database: 'test',
  namedPlaceholders: true,
  dateStrings: ['DATE', 'DATETIME'],
});

connection.execute('SELECT :x + :y AS z', { x: 1, y: 2 }, (_err, rows) => console.log(rows));
connection.query('SELECT :x + :x AS z', { x: 1 }, (_err, rows) => console.log(rows));
connection.query('SELECT ? + ? AS z', [1, 1], (_err, rows) => console.log(rows));
connection.query(
  {
    sql: 'SELECT `id` = 1 AS `first`, `name` FROM `users` ORDER BY `id`',
    typeCast: (field: TypeCastField, next: () => unknown) =>
      field.name === 'first' ? field.string() === '1' : next(),
  },
  (_err, rows) => console.log(rows),
);
connection.query({ sql: 'SELECT * FROM `users` WHERE `id` = 1', nestTables: '_' }, (_err, rows) =>
  console.log(rows),
);
connection.query({ sql: 'SELECT SLEEP(2)', timeout: 100 }, (err) => console.log(err?.code));
connection.query("SELECT CAST('2024-02-29 10:00:00' AS DATETIME) AS at", (_err, rows) => console.log(rows));

const query = connection.query('SELECT `id` FROM `users` ORDER BY `id`');
query
  .on('error', (err) => console.error(err))
  .on('fields', (fields) => console.log('fields', Array.isArray(fields)))
  .on('result', (row) => console.log('row', row))
  .on('end', async () => {
    for await (const row of connection.query('SELECT `name` FROM `users` ORDER BY `id`').stream())
      console.log(row);
    connection.ping((err) => console.log('pong', err ?? 'well'));
    connection.changeUser({ user: 'root', database: 'test' }, (err) => console.log('changed', err ?? 'well'));
    connection.end(() => console.log('bye'));
  });

console.log(
  mysql.escape("it's"),
  mysql.escapeId('a.b'),
  mysql.format('SELECT ?? FROM ?? WHERE id = ?', ['a', 'b', 1]),
);
console.log(
  mysql.format('UPDATE t SET at = ?', [mysql.raw('NOW()')]),
  mysql.Types.LONG,
  typeof mysql.Charsets,
);
