import assert from 'node:assert/strict';
import type { ResultSetHeader } from 'globaltx/mysql2/promise';
import { type Connection, createConnection } from 'mysql2/promise';
import { itBothWays } from './both-ways.js';
import { makeWorld, settled, type World } from './world.js';

const TABLES = [
  'CREATE TABLE shifts (begins TIME NOT NULL UNIQUE, note VARCHAR(9))',
  "INSERT INTO shifts VALUES ('00:00:00', 'first'), ('08:00:00', 'second')",
  'CREATE TABLE lots (id BIGINT AUTO_INCREMENT, shelf VARCHAR(9) NOT NULL, v INT DEFAULT 7, PRIMARY KEY (id, shelf))',
  "INSERT INTO lots (shelf) VALUES ('')",
  'CREATE TABLE towns (name VARCHAR(20) COLLATE utf8mb4_swedish_ci PRIMARY KEY, v INT) CHARACTER SET utf8mb4',
  "INSERT INTO towns VALUES ('a', 1), ('lund', 1), ('åbo', 1), ('ö', 1)",
  'CREATE TABLE codes (code CHAR(9) CHARACTER SET latin1 PRIMARY KEY, v INT)',
  "INSERT INTO codes VALUES ('a', 1), ('b', 1)",
  'CREATE TABLE small (id TINYINT AUTO_INCREMENT PRIMARY KEY, code INT UNIQUE)',
  'INSERT INTO small VALUES (1, 8)',
  "CREATE TABLE visits (at TIMESTAMP NOT NULL DEFAULT '2021-01-01' PRIMARY KEY, note VARCHAR(9))",
  "INSERT INTO visits VALUES ('2021-05-05 05:05:05', 'one')",
  'CREATE TABLE counted (id MEDIUMINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, v INT)',
  'CREATE TABLE grown (n BIGINT PRIMARY KEY)',
  'INSERT INTO grown VALUES (3)',
  'CREATE TABLE scales (reading FLOAT(7,3) PRIMARY KEY, v INT)',
  'INSERT INTO scales VALUES (1.1, 1), (2.5, 2)',
  'CREATE TABLE wished (id INT, code INT)',
  'INSERT INTO wished VALUES (127, 8), (NULL, 9)',
];

const ADDRESSES = [
  'CREATE TABLE hosts (id INT PRIMARY KEY, address INET6 NOT NULL, spare UUID)',
  'CREATE TABLE devices (id INT PRIMARY KEY, device UUID NOT NULL)',
];

describe('a statement that another runs in the place of', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({ tables: TABLES });
    if (world.first.server.kind === 'mariadb') await world.first.execute(ADDRESSES);
  });

  after(() => world.close());

  itBothWays(
    () => world,
    [],
    [
      'INSERT INTO devices SELECT id, address FROM hosts ORDER BY id LIMIT 2',
      'REPLACE INTO devices SELECT id, address FROM hosts ORDER BY id LIMIT 2',
      "INSERT INTO devices SELECT 1, CAST('::1' AS INET6) FROM DUAL LIMIT 2",
    ].map((sql) => ({
      name: `puts no value where its type cannot go: ${sql}`,
      sql,
      only: 'mariadb',
    })),
  );

  /** How many rows the statements affect in one session, and what they leave; the server keeps nothing of it. */
  async function perform(
    connection: Pick<Connection, 'query' | 'beginTransaction'>,
    session: string,
    statements: readonly string[],
  ): Promise<unknown> {
    await connection.query(session);
    await connection.beginTransaction();
    const seen: unknown[] = [];
    for (const sql of statements) {
      const answered = connection.query<ResultSetHeader>(sql).then(([{ affectedRows }]) => affectedRows);
      seen.push(await answered.catch(({ code, errno, message }) => ({ code, errno, message })));
    }
    for (const table of ['shifts', 'lots', 'towns', 'codes', 'scales', 'visits', 'grown'])
      seen.push((await connection.query(`SELECT * FROM ${table}`))[0]);
    return seen;
  }

  async function checkAsPlain(session: string, statements: readonly string[]): Promise<void> {
    const { first, gtx } = world;
    const plain = await createConnection(first.server.options(first.name));
    const wanted = await perform(plain, session, statements);
    await plain.rollback();
    await plain.end();
    const before = await first.dump();
    const rolledBack = gtx.run(async () => {
      const connection = await first.pool.getConnection();
      try {
        assert.deepEqual(await perform(connection, session, statements), wanted);
        await connection.commit();
      } finally {
        connection.destroy();
      }
      throw new Error('undo it');
    });
    await assert.rejects(rolledBack, { message: 'undo it' });
    await settled(world);
    assert.equal(await first.dump(), before);
  }

  it('says what the server says first of types that do not go together', async () => {
    if (world.first.server.kind !== 'mariadb') return;
    await checkAsPlain('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ', [
      'UPDATE hosts SET address = spare WHERE spare IN (SELECT address FROM (SELECT address FROM hosts) AS h) ORDER BY id',
    ]);
  });

  it('changes no row under READ COMMITTED that its own condition would not find', () =>
    checkAsPlain('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', [
      "UPDATE shifts SET note = 'x' WHERE begins = X'41'",
      "DELETE FROM shifts WHERE begins = X'41'",
      "UPDATE shifts SET note = 'y' WHERE begins = '08:00:00'",
      "UPDATE visits SET note = 'x' WHERE at = '5x'",
      "UPDATE visits SET note = 'y' WHERE at = '2021-05-05 05:05:05'",
    ]));

  it('changes the rows that its own condition is as true of as their keys are', () =>
    checkAsPlain('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', [
      "UPDATE codes SET v = 2 WHERE code = X'41' -- A",
      "UPDATE codes SET v = 3 WHERE code IN (X'41', X'42') ORDER BY code LIMIT 1",
      "UPDATE codes c JOIN shifts ON note = 'second' SET c.v = 4 WHERE code = X'41'",
      "DELETE FROM codes WHERE code = X'41'",
    ]));

  it('only warns of what is no number where it has an order, as without a LIMIT', () =>
    checkAsPlain('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', [
      "UPDATE shifts SET note = NULL WHERE COALESCE(note, note) <= 0 AND begins < '07:00:00' ORDER BY begins",
      "UPDATE shifts SET note = 'x' WHERE COALESCE(note, note) <= 0 AND begins > '07:00:00' ORDER BY begins LIMIT 1",
    ]));

  it('fails in its own words where its new key has no room', () =>
    checkAsPlain('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ', [
      'UPDATE grown SET n = n * 9223372036854775807 WHERE n = 3',
      'UPDATE grown SET n = n * 2 WHERE n = 3',
    ]));

  it('changes the rows under READ COMMITTED that its own condition finds by the index of a FLOAT', () =>
    checkAsPlain('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', [
      "UPDATE scales SET v = 7 WHERE reading = '1.1'",
      "DELETE FROM scales WHERE reading = '1.1'",
    ]));

  it('finds what lies between two ends that are one for the connection, and not for the column', () =>
    checkAsPlain('SET NAMES utf8mb4', [
      "UPDATE towns SET v = 2 WHERE name BETWEEN 'A' AND 'ä'",
      "UPDATE towns SET v = 3 WHERE name BETWEEN 'A' AND 'a'",
      "DELETE FROM towns WHERE v = 2 AND name BETWEEN 'A' AND 'ä' AND name BETWEEN 'A' AND 'z'",
    ]));

  it('takes no row of before for one whose key is generated, where 0 is a value like others', () =>
    checkAsPlain("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'", [
      'INSERT INTO lots (id) VALUES (0), (0) ON DUPLICATE KEY UPDATE v = 0',
      'INSERT IGNORE INTO lots (id) VALUES (0), (0)',
      'INSERT INTO counted (v) VALUES (1)',
      'REPLACE INTO counted (id, v) VALUES (-1, 2)',
      'INSERT IGNORE INTO counted (id, v) VALUES (-1, 3)',
    ]));

  it('is refused where it would leave out other rows at the end of the AUTO_INCREMENT counter', async () => {
    const { first, gtx } = world;
    const before = await first.dump();
    await gtx.run(() =>
      assert.rejects(first.pool.query('INSERT IGNORE INTO small SELECT id, code FROM wished'), {
        code: 'STATEMENT_UNSUPPORTED',
      }),
    );
    assert.equal(await first.dump(), before);
  });
});
