import { type Connection, createConnection, type FieldPacket } from 'mysql2/promise';
import type { RawResult, SqlExecutor } from '../../../../src/client/at/executor.js';
import { keyIndexHint } from '../../../../src/client/at/image/key-condition.js';
import { type ImagePlan, type ImageRow, planImage } from '../../../../src/client/at/image/plan.js';
import type { TableDefinition } from '../../../../src/client/at/table/definition.js';
import { loadTable } from '../../../../src/client/at/table/load.js';
import type { DatabaseServer } from '../../../support/servers.js';

/** One connection, with rows as the bytes that the server sent. */
export class RawSession implements SqlExecutor {
  readonly connection: Connection;
  readonly #database: string;

  private constructor(connection: Connection, database: string) {
    this.connection = connection;
    this.#database = database;
  }

  static async open(
    server: DatabaseServer,
    database: string,
    settings: readonly string[] = [],
  ): Promise<RawSession> {
    const connection = await createConnection({ ...server.options(database), charset: 'utf8mb4' });
    for (const setting of settings) await connection.query(setting);
    return new RawSession(connection, database);
  }

  async query(sql: string): Promise<RawResult> {
    const [rows, fields] = await this.connection.query({
      sql,
      rowsAsArray: true,
      typeCast: (field: { buffer(): Buffer | null }) => field.buffer(),
    });
    if (!Array.isArray(rows))
      return { fields: [], rows: [], affectedRows: rows.affectedRows, warningStatus: 0 };
    return {
      fields: (fields as FieldPacket[]).map((field) => ({
        name: field.name,
        columnType: field.columnType ?? -1,
        columnLength: field.columnLength ?? 0,
        characterSet: field.characterSet ?? 0,
        flags: Number(field.flags),
        decimals: field.decimals ?? 0,
      })),
      rows: rows as unknown as (Buffer | null)[][],
      affectedRows: 0,
      warningStatus: 0,
    };
  }

  /** One column of text. */
  async texts(sql: string): Promise<(string | null)[]> {
    return (await this.query(sql)).rows.map(([value]) => value?.toString('utf8') ?? null);
  }

  async table(name: string): Promise<TableDefinition> {
    const definition = await loadTable(this, this.#database, name);
    if (definition === undefined) throw new Error(`No table ${name}.`);
    return definition;
  }

  /** Reads the image of a table. */
  async image(table: TableDefinition, rest = '', plan?: ImagePlan): Promise<ImageRow[]> {
    const by = plan ?? planImage(table);
    const sql = `SELECT ${by.selectList('t')} FROM \`${table.name}\` AS t ${rest}`;
    return by.decode(await this.query(sql));
  }

  /** Reads rows by a condition on their keys. */
  find(table: TableDefinition, condition: string): Promise<ImageRow[]> {
    return this.image(table, `${keyIndexHint(table)} WHERE ${condition} FOR UPDATE`);
  }

  async close(): Promise<void> {
    await this.connection.end();
  }
}

/** The settings of a session that restores rows. */
export const RESTORING = [
  'SET NAMES utf8mb4',
  "SET time_zone = '+00:00', sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
];

/** Sessions as applications have them, and none of which may change an image. */
export const APPLICATION_SETTINGS: Readonly<Record<string, readonly string[]>> = {
  'default settings': [],
  'another collation': ['SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci'],
  'a binary collation': ['SET NAMES utf8mb4 COLLATE utf8mb4_bin'],
  'SET NAMES latin1': ['SET NAMES latin1'],
  'SET NAMES gbk': ['SET NAMES gbk'],
  'SET NAMES binary': ['SET NAMES binary'],
  'results as they are stored': ['SET character_set_results = NULL'],
  'binary results': ['SET character_set_results = binary'],
  'CHAR padded to its length': ["SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'"],
  'strict dates in a zone west': [
    "SET sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,IGNORE_SPACE'",
    "SET time_zone = '-11:30'",
  ],
  'a zone east': ["SET time_zone = '+13:00'", "SET sql_mode = 'ANSI,TRADITIONAL'"],
};

/** What only MariaDB has: empty strings that are NULL, and functions that behave in another way. */
const MARIADB_SETTINGS: Readonly<Record<string, readonly string[]>> = {
  'sql_mode of Oracle': ["SET sql_mode = 'ORACLE,EMPTY_STRING_IS_NULL'"],
};

/** One open session for each kind of application. */
export async function openApplications(
  server: DatabaseServer,
  database: string,
  settings: Readonly<Record<string, readonly string[]>> = APPLICATION_SETTINGS,
): Promise<ReadonlyMap<string, RawSession>> {
  const sessions = new Map<string, RawSession>();
  const all = server.kind === 'mariadb' ? { ...settings, ...MARIADB_SETTINGS } : settings;
  for (const [name, statements] of Object.entries(all)) {
    sessions.set(name, await RawSession.open(server, database, statements));
  }
  return sessions;
}

export async function closeAll(sessions: ReadonlyMap<string, RawSession>): Promise<void> {
  for (const session of sessions.values()) await session.close();
}
