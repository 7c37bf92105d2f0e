// Types of results: RowDataPacket, ResultSetHeader, several result sets, rows as arrays, procedure calls.
import mysql, {
  type ConnectionOptions,
  type FieldPacket,
  type ProcedureCallPacket,
  type QueryOptions,
  type QueryResult,
  type ResultSetHeader,
  type RowDataPacket,
} from 'mysql2/promise';

const access: ConnectionOptions = {
  host: 'localhost',
  user: 'root',
  database: 'test',
  multipleStatements: true,
};
const connection = await mysql.createConnection(access);

interface User extends RowDataPacket {
  id: number;
  name: string;
}
const [users] = await connection.query<User[]>('SELECT `id`, `name` FROM `users` ORDER BY `id`');
for (const user of users) console.log(user.id, user.name.toUpperCase());

const options: QueryOptions = { sql: 'SELECT `id` FROM `users` ORDER BY `id`', rowsAsArray: true };
const [asArrays, fields]: [RowDataPacket[], FieldPacket[]] = await connection.query<RowDataPacket[]>(options);
console.log(
  asArrays.map((row) => row[0]),
  fields[0]?.name,
);

const [sets] = await connection.query<RowDataPacket[][]>('SELECT 1 AS a; SELECT 2 AS b');
console.log(sets.map((set) => set[0]));

const [inserted] = await connection.execute<ResultSetHeader>(
  'INSERT INTO `users` (`name`, `age`) VALUES (?, ?), (?, ?)',
  ['Ann', 1, 'Bob', 2],
);
console.log(inserted.affectedRows, inserted.insertId, inserted.info);
const [updated]: [ResultSetHeader, FieldPacket[]] = await connection.query<ResultSetHeader>(
  'UPDATE `users` SET `age` = 3 WHERE `age` < 3',
);
console.log(updated.affectedRows, updated.changedRows);
const [deleted] = await connection.execute<ResultSetHeader>('DELETE FROM `users` WHERE `age` = ?', [3]);
console.log(deleted.affectedRows);

await connection.query('DROP PROCEDURE IF EXISTS `myProcedure`');
await connection.query(
  'CREATE PROCEDURE `myProcedure`() BEGIN SELECT `name` FROM `users` ORDER BY `id`; END',
);
const [[names]] = (await connection.query<ProcedureCallPacket<User[]>>('CALL myProcedure()')) as [
  [User[], ResultSetHeader],
  FieldPacket[],
];
console.log(names.map(({ name }) => name));

class Repository {
  async all<Row extends QueryResult>(sql: string): Promise<Row> {
    const [result] = await connection.query<Row>(sql);
    return result;
  }
}
console.log((await new Repository().all<User[]>('SELECT * FROM `users`')).length);
await connection.end();
