import assert from 'node:assert/strict';
import type { ResultSetHeader } from 'globaltx/mysql2/promise';
import { makeWorld, settled, type TestDatabase, type World } from './world.js';

const TABLES = [
  `CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, mail VARCHAR(30) NOT NULL UNIQUE, n INT, v INT DEFAULT 7)
    COLLATE utf8mb4_general_ci`,
  'CREATE TABLE places (id INT AUTO_INCREMENT, shelf VARCHAR(9), code INT UNIQUE, v INT, PRIMARY KEY (id, shelf))',
  "CREATE TABLE boxes (id INT AUTO_INCREMENT, shelf VARCHAR(9), colour CHAR(8) DEFAULT 'grey' UNIQUE, v INT, PRIMARY KEY (id, shelf))",
  'CREATE TABLE gauges (reading DOUBLE(12,2) PRIMARY KEY, v INT DEFAULT 3, half DOUBLE AS (reading / 2) STORED)',
  "CREATE TABLE marks (name CHAR(8) PRIMARY KEY, kind ENUM('', 'a', 'b c') UNIQUE, v INT)",
  'CREATE TABLE small (id TINYINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) UNIQUE, v INT)',
  'CREATE TABLE nearly (id TINYINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) UNIQUE, v INT)',
  'CREATE TABLE unused (id TINYINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, v INT)',
  'CREATE TABLE wide (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) UNIQUE, v INT)',
];

const ROWS = [
  'TRUNCATE TABLE users',
  'TRUNCATE TABLE places',
  'TRUNCATE TABLE boxes',
  "INSERT INTO boxes (shelf) VALUES ('b')",
  'TRUNCATE TABLE small',
  'TRUNCATE TABLE nearly',
  "INSERT INTO nearly VALUES (1, 'one', 1), (126, 'last but one', 1)",
  'TRUNCATE TABLE gauges',
  'TRUNCATE TABLE marks',
  "INSERT INTO marks VALUES ('a', 'b c', 1), ('b', 'a', 2)",
  'TRUNCATE TABLE unused',
  'TRUNCATE TABLE wide',
  "INSERT INTO wide VALUES (1, 'one', 1)",
  'INSERT INTO gauges (reading, v) VALUES (-0.01, NULL)',
  "INSERT INTO users (id, mail, n) VALUES (1, 'ann@x', 1), (2, 'bob@x', 2), (5, 'eve@x', 3)",
  "INSERT INTO small VALUES (1, 'one', 1), (127, 'last', 1)",
];

/** As Knex, TypeORM, Sequelize and Drizzle write them. */
const UPSERTS = [
  "INSERT INTO users (mail) VALUES ('zz@x'), ('ann@x'), ('yy@x') ON DUPLICATE KEY UPDATE n = 9",
  `INSERT INTO users (id, mail, n) VALUES (DEFAULT, 'ANN@x', 8), (DEFAULT, 'zz@x', 8)
    ON DUPLICATE KEY UPDATE mail = values(users.mail), n = VALUES(n), id = LAST_INSERT_ID(id)`,
  `INSERT INTO users (id, mail, n) VALUES (NULL, 'eve@x', 3), (NULL, 'bob@x', 9), (NULL, 'new@x', 1)
    ON DUPLICATE KEY UPDATE n = VALUES(n)`,
  `INSERT INTO users (id, mail, n) VALUES (1, 'ann@x', 8), (9, 'new@x', 8), (2, 'moved@x', 3)
    ON DUPLICATE KEY UPDATE id = VALUES(id), mail = VALUES(mail), n = VALUES(n)`,
  "INSERT INTO users (id, mail) VALUES (5, 'other@x') ON DUPLICATE KEY UPDATE id = VALUES(id), mail = VALUES(mail)",
  "INSERT INTO users (id, mail) VALUES (6, 'six@x') ON DUPLICATE KEY UPDATE id = VALUES(id), mail = VALUES(mail)",
  // Rows that meet one another, so that those behind them get other values than by their places in the text.
  "INSERT INTO users (mail) VALUES ('zz@x'), ('ZZ@x'), ('yy@x') ON DUPLICATE KEY UPDATE n = 9",
  "INSERT INTO places (shelf, code) VALUES ('a', 7), ('b', 7), ('c', NULL), ('d', 7), ('e', 8) ON DUPLICATE KEY UPDATE v = 1",
  "INSERT INTO users (mail) VALUES ('ann@x'), ('zz@x'), ('ZZ@x') ON DUPLICATE KEY UPDATE n = 9",
  "INSERT INTO users (mail, n) VALUES ('new@x', 4), ('ann@x', 5), ('new@x', 6) ON DUPLICATE KEY UPDATE n = VALUES(n)",
  // Both meet the same one, by a default and by the value that it is.
  "INSERT INTO boxes (shelf, colour) VALUES ('c', DEFAULT), ('d', 'grey') ON DUPLICATE KEY UPDATE shelf = shelf, v = 4",
  // A row that is deleted and inserted as it was.
  "REPLACE INTO marks SELECT * FROM marks WHERE name = 'a'",
  // It takes the last value of the counter.
  "REPLACE INTO nearly (name, v) VALUES ('one', 2)",
  // The server counts the row as changed though it is not.
  "INSERT INTO gauges (reading, v) VALUES ('-0.01', NULL) ON DUPLICATE KEY UPDATE v = VALUES(v)",
];

describe('an upsert of rows of which some are there already', () => {
  const undo = new Error('undo it');
  let world: World;

  before(async () => {
    world = await makeWorld({ tables: TABLES });
  });

  after(() => world.close());

  beforeEach(() => Promise.all([world.first.execute(ROWS), world.second.execute(ROWS)]));

  async function perform({ pool }: TestDatabase, sql: string): Promise<unknown> {
    const [{ affectedRows, insertId, info }] = await pool.query<ResultSetHeader>(sql);
    return { affectedRows, insertId, info };
  }

  async function rows({ pool }: TestDatabase): Promise<unknown> {
    const users = (await pool.query('SELECT * FROM users ORDER BY id'))[0];
    return [users, (await pool.query('SELECT * FROM places ORDER BY id'))[0]];
  }

  for (const sql of UPSERTS) {
    it(`answers as plain mysql2 does, and is undone: ${sql.replace(/\s+/g, ' ')}`, async () => {
      const before = await world.first.dump();
      const undone = world.gtx.run({ name: 'undone' }, async () => {
        await perform(world.first, sql);
        throw undo;
      });
      await assert.rejects(undone, (error) => error === undo);
      await settled(world);
      assert.equal(await world.first.dump(), before);
      await world.first.execute(ROWS);
      const answer = await world.gtx.run({ name: 'kept' }, () => perform(world.first, sql));
      assert.deepEqual(answer, await perform(world.second, sql));
      assert.deepEqual(await rows(world.first), await rows(world.second));
    });
  }

  it('is not taken in by a LAST_INSERT_ID() of the statement before it, where none of its own keys is generated', async () => {
    const statements = [
      "INSERT INTO users (mail) VALUES ('first@x')",
      // The second row meets the first one.
      "INSERT INTO users (id, mail, n) VALUES (9, 'zz@x', 8), (NULL, 'ZZ@x', 9) ON DUPLICATE KEY UPDATE n = VALUES(n)",
    ];
    const both = async ({ pool }: TestDatabase) => {
      const connection = await pool.getConnection();
      try {
        return await Promise.all(statements.map((sql) => connection.query(sql)));
      } finally {
        connection.release();
      }
    };
    const before = await world.first.dump();
    const undone = world.gtx.run({ name: 'undone' }, async () => {
      await both(world.first);
      throw undo;
    });
    await assert.rejects(undone, (error) => error === undo);
    await settled(world);
    assert.equal(await world.first.dump(), before);
    await world.first.execute(ROWS);
    const [kept, plain] = [
      await world.gtx.run({ name: 'kept' }, () => both(world.first)),
      await both(world.second),
    ];
    assert.deepEqual(
      kept.map(([header]) => header),
      plain.map(([header]) => header),
    );
    assert.deepEqual(await rows(world.first), await rows(world.second));
  });

  for (const sql of [
    "INSERT INTO users (mail) VALUES ('ann@x'), ('zz@x') ON DUPLICATE KEY UPDATE mail = LOWER(mail)",
    "INSERT INTO users (id, mail) VALUES (1, 'x@x'), (77, 'bob@x') ON DUPLICATE KEY UPDATE id = VALUES(id)",
    "INSERT INTO users (mail) VALUES ('ann@x') ON DUPLICATE KEY UPDATE id = VALUES(id)",
    // The counter is at its end: what is new, or there already, meets the last row by its key.
    "INSERT INTO small (name, v) VALUES ('one', 2) ON DUPLICATE KEY UPDATE v = VALUES(v)",
    // Their rows may have its last value.
    "INSERT INTO nearly (name, v) VALUES ('one', 2), ('new', 3) ON DUPLICATE KEY UPDATE v = VALUES(v)",
    "REPLACE INTO nearly (name, v) VALUES ('new', 2), ('newer', 3)",
    "REPLACE INTO small (name, v) VALUES ('one', 2)",
    // The one that is given is the last value of the counter.
    "INSERT INTO users (id, mail) VALUES (2147483647, 'a@x'), (0, 'b@x'), (DEFAULT, 'c@x') ON DUPLICATE KEY UPDATE n = 1",
    "REPLACE INTO users (id, mail) VALUES (2147483647, 'a@x'), (DEFAULT, 'c@x')",
    "INSERT INTO small (name, v) VALUES ('one', 2), ('last', 5) ON DUPLICATE KEY UPDATE v = VALUES(v)",
    "INSERT INTO small (name, v) VALUES ('new', 2), ('newer', 5) ON DUPLICATE KEY UPDATE v = VALUES(v)",
    "INSERT INTO small (name, v) VALUES ('one', 2), ('new', 3) ON DUPLICATE KEY UPDATE v = VALUES(v)",
    "INSERT INTO small (name, v) VALUES ('one', 2), ('new', 3) ON DUPLICATE KEY UPDATE name = VALUES(name)",
  ]) {
    it(`is refused where they could not be: ${sql}`, async () => {
      await assert.rejects(
        world.gtx.run({ name: 'refused' }, () => perform(world.first, sql)),
        { code: 'STATEMENT_UNSUPPORTED' },
      );
    });
  }

  for (const sql of [
    "INSERT INTO users (mail) VALUES ('zz@x') ON DUPLICATE KEY UPDATE nothing = 1",
    "INSERT INTO users (mail) VALUES ('zz@x') ON DUPLICATE KEY UPDATE n = nothing",
    "INSERT INTO users SET mail = 'zz@x' ON DUPLICATE KEY UPDATE n = unknown_function(n)",
    "INSERT INTO users (mail, n) VALUES ('zz@x', (SELECT v FROM small)) ON DUPLICATE KEY UPDATE n = 1",
  ]) {
    it(`fails as in plain mysql2 where it meets none and cannot run: ${sql}`, async () => {
      const plain = await perhaps(world.second, sql);
      assert.match(String(plain), /^ER_/);
      await world.gtx.run({ name: 'failed' }, async () => {
        assert.equal(await perhaps(world.first, sql), plain);
      });
    });
  }

  async function perhaps(database: TestDatabase, sql: string): Promise<unknown> {
    try {
      return await perform(database, sql);
    } catch (error) {
      return (error as { code?: unknown }).code;
    }
  }

  it('puts each bound value where the application has put it', async () => {
    const sql = 'INSERT INTO users (mail, n) VALUES (?, ?) ON DUPLICATE KEY UPDATE n = ?, mail = ?';
    for (const values of [
      ['new@x', 4, 5, 'newer@x'],
      ['ann@x', 4, 5, 'anne@x'],
    ]) {
      await world.gtx.run({ name: 'bound' }, () => world.first.pool.execute(sql, values));
      await world.second.pool.execute(sql, values);
      assert.deepEqual(await rows(world.first), await rows(world.second));
    }
  });

  it('meets the last row of a counter at its end as in plain mysql2, where it meets it by another value, too', async () => {
    const sql = "INSERT INTO small (name, v) VALUES ('last', 2) ON DUPLICATE KEY UPDATE v = VALUES(v)";
    const before = await world.first.dump();
    const plain = await perhaps(world.second, sql);
    const undone = world.gtx.run({ name: 'undone' }, async () => {
      assert.deepEqual(await perhaps(world.first, sql), plain);
      throw undo;
    });
    await assert.rejects(undone, (error) => error === undo);
    await settled(world);
    assert.equal(await world.first.dump(), before);
  });

  for (const verb of ['INSERT', 'REPLACE']) {
    it(`leaves the counter where it was, where rows of ${verb} are refused that meet one another`, async () => {
      const ending = verb === 'INSERT' ? 'ON DUPLICATE KEY UPDATE v = VALUES(v)' : '';
      const connection = await world.first.pool.getConnection();
      try {
        await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
        await assert.rejects(
          world.gtx.run({ name: 'refused' }, () =>
            connection.query(`${verb} INTO unused (id, v) VALUES (?, 1), (255, 2) ${ending}`, ['255']),
          ),
          { code: 'STATEMENT_UNSUPPORTED' },
        );
      } finally {
        connection.destroy();
      }
      await perform(world.first, 'INSERT INTO unused (v) VALUES (3), (4)');
      const [ids] = await world.first.pool.query('SELECT id FROM unused ORDER BY id');
      assert.deepEqual(ids, [{ id: 1 }, { id: 2 }]);
    });
  }

  for (const sql of [
    "INSERT INTO wide (name, v) VALUES ('one', 2) ON DUPLICATE KEY UPDATE v = VALUES(v)",
    "INSERT INTO wide (name, v) VALUES ('one', 2), ('new', 3) ON DUPLICATE KEY UPDATE v = VALUES(v)",
    "REPLACE INTO wide (name, v) VALUES ('one', 2)",
  ]) {
    it(`is undone where differences are signed (NO_UNSIGNED_SUBTRACTION): ${sql}`, async () => {
      const before = await world.first.dump();
      const connection = await world.first.pool.getConnection();
      try {
        await connection.query("SET sql_mode = 'NO_UNSIGNED_SUBTRACTION'");
        const undone = world.gtx.run({ name: 'undone' }, async () => {
          await connection.query(sql);
          throw undo;
        });
        await assert.rejects(undone, (error) => error === undo);
      } finally {
        connection.destroy();
      }
      await settled(world);
      assert.equal(await world.first.dump(), before);
    });
  }
});
