import assert from 'node:assert/strict';
import { GlobalTxError } from 'globaltx';
import plainMysql, { type Connection, type ResultSetHeader } from 'mysql2/promise';
import type { DatabaseServer } from '../support/database-server.js';
import { makeWorld, type World } from './world.js';

interface Case {
  readonly type: string;
  /** As SQL; some of them are there before. */
  readonly values: readonly string[];
  readonly only?: DatabaseServer['kind'];
}

/** Values that are stored as another than they are written as, beside some that are not. */
const CASES: readonly Case[] = [
  { type: 'TINYINT', values: ['1.5', "'5x'", '300', "'-1.5'", '2.5e0', "X'41'", 'TRUE', "''"] },
  { type: 'INT UNSIGNED AUTO_INCREMENT', values: ['1.6', "'7x'", '-5'] },
  { type: 'BIGINT UNSIGNED', values: ['-1', '18446744073709551616', '1e19', "'1e3'", '2.5'] },
  { type: 'DECIMAL(5,2)', values: ['1.005', '99999', "'x'", '-1e3', "'1.23x'"] },
  { type: 'FLOAT', values: ['0.1', '16777217', "'1e-3x'", '-0.0', '1e39'] },
  { type: 'FLOAT(7,3)', values: ['0.0005', '0.12345', '-1.0005', '123456', "'x'"] },
  { type: 'DOUBLE(12,2)', values: ['0.005', '1.255', '-2.675', '1e30', '0'] },
  { type: 'BIT(8)', values: ["'1'", '300', "b'101'", "'ab'", '7'] },
  { type: 'YEAR', values: ['0', "'0'", '69', "'70'", '2000', '1900', "'x'"] },
  { type: "ENUM('a', 'b', '3')", values: ['1.5', "'2'", "'3'", "'A '", "'none'", '2', "'   '"] },
  { type: "ENUM('x', '中') CHARACTER SET gbk", values: ["'ß'", "'中'", "'X'", "'x,中'"] },
  { type: "SET('x', '中') CHARACTER SET gbk", values: ["'ß'", "'中'", "'X'", "'x,中,ß'"] },
  { type: "SET('a', 'b', 'c d')", values: ['3', "'b,a'", "'C D'", "'x,a'", "'2'", '9', "'   '", "'b  ,a '"] },
  {
    type: `SET(${Array.from({ length: 64 }, (_, at) => `'m${at}'`).join(', ')})`,
    values: ['9223372036854775808', '18446744073709551615', "'m63,m0'"],
  },
  {
    type: 'VARCHAR(4) CHARACTER SET latin1',
    values: ["'toolong'", "'ä€☃'", '1.50', '1e2', "'ab   x'", "X'E4'"],
  },
  { type: 'CHAR(4) CHARACTER SET utf8mb4', values: ["'abc  '", "'abcdef'", "X'C3'", '12345', "'ß'"] },
  { type: 'BINARY(4)', values: ["'a'", "X'0102030405'", '1.5', "'ä'"] },
  { type: 'VARBINARY(3)', values: ["'abcd'", "X'00ff'", '12.5'] },
  { type: 'DATE', values: ["'2020-02-30'", "'2020-01-02 23:59:59.9'", '20200103', "'x'", "'0000-00-00'"] },
  { type: 'DATETIME', values: ["'2020-01-01 10:00:00.6'", "'2020-13-45'", '20200101101112', "'2020-00-10'"] },
  { type: 'TIMESTAMP', values: ["'2020-06-01 10:00:00.6'", "'1960-01-01'", "'x'", "'2021-01-01T01:02:03'"] },
  {
    type: 'TIMESTAMP(6)',
    values: ["'2038-01-20 10:00:00.999999'", "'1960-01-01 10:00:00.0120349'", '20500101101112.5', "'x'"],
  },
  { type: 'TIME(1)', values: ["'-100:00:00.16'", "'900:00:00'", "'x'", '101112.26', "'10:61:00'"] },
  { type: 'UUID', values: ["'123E4567-e89b-12d3-a456-426655440000'", "'x'"], only: 'mariadb' },
  { type: 'INET4', values: ["'1.2.3.4'", "'1.2.3'"], only: 'mariadb' },
  { type: 'INET6', values: ["'::FFFF:1.2.3.4'", "'2001:DB8:0:0::1'", "'x'"], only: 'mariadb' },
];

const MODES = ["'STRICT_ALL_TABLES'", "''"];

function statements({ type, values }: Case): readonly string[] {
  const [one, two] = values;
  return [
    ...values.flatMap((value) => [
      `INSERT INTO converted (k, n) VALUES (${value}, 1)`,
      `INSERT IGNORE INTO converted (k, n) VALUES (${value}, 2)`,
      `INSERT INTO converted (k, n) VALUES (${value}, 3) ON DUPLICATE KEY UPDATE n = n + 1`,
      `REPLACE INTO converted (k, n) VALUES (${value}, 4)`,
    ]),
    `REPLACE INTO converted (k, n) VALUES (${one}, 5), (${two}, 6)`,
    `INSERT INTO converted (k, n) VALUES (${two}, 5), (${two}, 6) ON DUPLICATE KEY UPDATE n = n + 1`,
    `DELETE FROM converted WHERE n IN (6, 7)`,
    `INSERT INTO converted (k, n) VALUES (${two}, 5), (${two}, 6) ON DUPLICATE KEY UPDATE n = n + 1`,
    `DELETE FROM converted WHERE n = 6`,
    `INSERT INTO converted (k, n) SELECT ${two}, 7`,
    // NULL may mean now there, which is refused.
    ...(type.startsWith('TIMESTAMP')
      ? []
      : [`INSERT IGNORE INTO converted (k, n) VALUES (NULL, 8), (${one}, 9)`]),
  ];
}

async function outcome(connection: Connection, sql: string): Promise<string> {
  try {
    const [header] = await connection.query<ResultSetHeader>(sql);
    return `${sql}: ${header.affectedRows} rows, id ${header.insertId}, ${header.warningStatus} warnings`;
  } catch (error) {
    if (error instanceof GlobalTxError) return `${sql}: ${error.code} ${error.construct}`;
    return `${sql}: ${(error as { code?: string }).code}`;
  }
}

describe('a value that its key column stores as another', () => {
  let world: World;
  const rolledBack = new Error('roll it back');

  afterEach(async () => {
    for (const database of [world.first, world.second])
      await database.execute(`DROP TABLE IF EXISTS ${tableName()}`);
  });

  before(async () => {
    world = await makeWorld({ tables: ['CREATE TABLE converted (k INT PRIMARY KEY, n INT)'] });
  });

  after(() => world.close());

  async function inside(work: (connection: Connection) => Promise<void>, sqlMode: string): Promise<void> {
    await world.gtx.run(async () => {
      const connection = await world.first.pool.getConnection();
      try {
        await connection.query(`SET NAMES utf8mb4, SESSION sql_mode = ${sqlMode}`);
        await work(connection);
      } finally {
        connection.destroy();
      }
    });
  }

  let number = 0;
  const tableName = () => `converted_${number}`;
  for (const each of CASES) {
    for (const sqlMode of MODES) {
      it(`is inserted, met and undone: ${each.type.slice(0, 40)} under sql_mode ${sqlMode}`, async function () {
        this.timeout(120_000);
        const { first, second } = world;
        if (each.only !== undefined && first.server.kind !== each.only) return;
        number += 1;
        const table = tableName();
        for (const database of [first, second]) {
          await database.execute([
            "SET sql_mode = ''",
            `CREATE TABLE ${table} (k ${each.type} NOT NULL PRIMARY KEY, n INT)`,
            `INSERT IGNORE INTO ${table} VALUES (${each.values[0]}, 0)`,
          ]);
        }
        const texts = statements(each).map((sql) => sql.replaceAll('converted', table));
        const before = await first.dump();
        await inside(async (connection) => {
          for (const sql of texts) await outcome(connection, sql);
          throw rolledBack;
        }, sqlMode).catch((error: unknown) => {
          if (error !== rolledBack) throw error;
        });
        assert.equal(await first.dump(), before);
        for (const database of [first, second]) {
          // No rollback sets a counter back.
          if (each.type.includes('AUTO_INCREMENT'))
            await database.execute(`ALTER TABLE ${table} AUTO_INCREMENT = 1`);
        }
        const ours: string[] = [];
        await inside(async (connection) => {
          for (const sql of texts) ours.push(await outcome(connection, sql));
        }, sqlMode);
        const plain = await plainMysql.createConnection(second.server.options(second.name));
        try {
          await plain.query(`SET NAMES utf8mb4, SESSION sql_mode = ${sqlMode}`);
          const theirs: string[] = [];
          for (const sql of texts) theirs.push(await outcome(plain, sql));
          assert.deepEqual(ours, theirs);
        } finally {
          await plain.end();
        }
        assert.equal(await first.dump(), await second.dump());
      });
    }
  }
});
