import type { ConnectionOptions, RowDataPacket } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';

/** The tables of globaltx itself; whether they are there depends on whether a test has used a transaction. */
export const OWN_TABLES: readonly string[] = ['undo_log', 'globaltx_resource'];

interface Column extends RowDataPacket {
  name: string;
  type: string;
}

/** An expression whose ASCII text tells every two different stored values of the column apart. */
export function exactly({ name, type }: { readonly name: string; readonly type: string }): string {
  const column = quote(name);
  switch (type) {
    case 'float':
      // A FLOAT is shown with six digits; as a DOUBLE it has all of them.
      return `CONCAT(${column} + 0e0)`;
    case 'enum':
    case 'set':
      // The number too: the empty string is also how an invalid value is shown.
      return `CONCAT(${column} + 0, ':', HEX(${column}))`;
    case 'char':
    case 'varchar':
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
    case 'bit':
    case 'point':
    case 'linestring':
    case 'polygon':
    case 'geometry':
    case 'multipoint':
    case 'multilinestring':
    case 'multipolygon':
    case 'geometrycollection':
    case 'geomcollection':
    case 'vector':
      // The stored bytes, in the column's own character set.
      return `HEX(${column})`;
    default:
      return `HEX(CONCAT(${column}))`;
  }
}

function quote(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/**
 * Everything that a database holds as text, in an order of its own: definitions (without the AUTO_INCREMENT
 * counter, which no rollback sets back), triggers, and every row with every stored byte.
 * @param except tables to leave out; default: those of globaltx itself
 */
export async function dump(
  server: ConnectionOptions,
  database: string,
  { except = OWN_TABLES }: { except?: readonly string[] } = {},
): Promise<string> {
  const connection = await createConnection({
    ...server,
    database,
    charset: 'utf8mb4',
    timezone: 'Z',
    rowsAsArray: false,
  });
  try {
    await connection.query("SET time_zone = '+00:00', sql_mode = ''");
    const lines: string[] = [];
    const [tables] = await connection.query<RowDataPacket[]>(
      'SELECT TABLE_NAME AS name, TABLE_TYPE AS type FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?',
      [database],
    );
    const names = tables.map((table) => table as { name: string; type: string }).sort(byName);
    for (const { name, type } of names) {
      if (except.includes(name)) continue;
      const [created] = await connection.query<RowDataPacket[]>(`SHOW CREATE TABLE ${quote(name)}`);
      const ddl = Object.values(created[0] ?? {})[1] as string;
      lines.push(`== ${name}`, ddl.replace(/ AUTO_INCREMENT=\d+/, ''));
      if (type !== 'BASE TABLE') continue;
      const [columns] = await connection.query<Column[]>(
        `SELECT COLUMN_NAME AS name, DATA_TYPE AS type FROM information_schema.COLUMNS
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
        [database, name],
      );
      const [rows] = await connection.query<RowDataPacket[][]>({
        sql: `SELECT ${columns.map(exactly).join(', ')} FROM ${quote(name)}`,
        rowsAsArray: true,
      });
      lines.push(...rows.map((row) => row.map((value) => value ?? 'NULL').join(' | ')).sort());
    }
    const [triggers] = await connection.query<RowDataPacket[]>(
      `SELECT TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS tableName, ACTION_STATEMENT AS body
       FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? ORDER BY TRIGGER_NAME`,
      [database],
    );
    for (const { name, tableName, body } of triggers) lines.push(`== trigger ${name} on ${tableName}`, body);
    return `${lines.join('\n')}\n`;
  } finally {
    await connection.end();
  }
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}
