// The first pages of mysql2's documentation: a connection, queries with and without placeholders, by callbacks.
import mysql from 'mysql2';

const connection = mysql.createConnection({ host: 'localhost', user: 'root', database: 'test' });

connection.query('SELECT * FROM `users` WHERE `name` = "Page" AND `age` > 45', (err, results, fields) => {
  console.log(err, results);
  console.log(fields.map(({ name, table }) => `${table}.${name}`));
});

connection.query('SELECT * FROM `users` WHERE `name` = ? AND `age` > ?', ['Josh', 10], (_err, results) => {
  console.log(results);
});

connection.execute(
  'SELECT * FROM `users` WHERE `name` = ? AND `age` > ?',
  ['Rick C-137', 53],
  (err, rows) => {
    console.log(err, rows);
  },
);

connection.query({ sql: 'SELECT `name` FROM `users`', rowsAsArray: true }, (_err, rows) => {
  console.log(rows);
});

connection.prepare('SELECT ? + ? AS sum', (err, statement) => {
  if (err) throw err;
  statement.execute([1, 2], (_error, rows, columns) => {
    console.log(rows, columns.length);
  });
  statement.close();
  connection.unprepare('SELECT ? + ? AS sum');
  connection.end();
});
