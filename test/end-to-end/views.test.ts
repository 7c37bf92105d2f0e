import assert from 'node:assert/strict';
import { GlobalTxError, withoutTransaction } from 'globaltx';
import mysql, { type PoolConnection } from 'globaltx/mysql2/promise';
import { type Connection, createConnection } from 'mysql2/promise';
import { type Case, itBothWays } from './both-ways.js';
import { pause, result } from './local-work.js';
import { makeWorld, settled, type World } from './world.js';

type Work = (connection: PoolConnection) => Promise<unknown>;

const TABLES = [
  `CREATE TABLE account (
     id INT NOT NULL, part VARCHAR(5) COLLATE utf8mb4_general_ci NOT NULL, owner VARCHAR(20) UNIQUE, balance DECIMAL(10, 2) NOT NULL,
     ratio DOUBLE, doc JSON, seen TIMESTAMP(3) NULL, twice DECIMAL(12, 2) AS (balance * 2) STORED, PRIMARY KEY (part, id))`,
  `INSERT INTO account (id, part, owner, balance, ratio, doc, seen) VALUES
     (1, 'a', 'ada', 100, 0.1, '{"n": 9007199254740993}', '2024-02-29 12:00:00.5'), (2, 'a', 'bob', 50, NULL, NULL, NULL),
     (3, 'A', 'cleo', 0, 1e-300, '[]', NULL), (4, 'b', 'dan', 70, 3, '1', '2037-01-01 00:00:00')`,
  'CREATE TABLE entry (no INT PRIMARY KEY, id INT, part VARCHAR(5) COLLATE utf8mb4_general_ci, FOREIGN KEY (part, id) REFERENCES account (part, id) ON DELETE CASCADE)',
  "INSERT INTO entry VALUES (1, 1, 'a'), (2, 1, 'a'), (3, 4, 'b')",
  'CREATE VIEW rich AS SELECT * FROM account WHERE balance > 10',
  `CREATE VIEW named (\`key\`, sum, who, \`of\`, label) AS
     SELECT x.id, x.balance, x.owner, x.part, CONCAT(UPPER(x.owner), '!') FROM account AS x WHERE x.id BETWEEN 1 AND 9`,
  'CREATE VIEW above AS SELECT n.of AS house, sum AS money, n.key AS number, who FROM named n WHERE n.sum > 20',
  'CREATE VIEW checked AS SELECT id, part, balance FROM account WHERE balance < 60 WITH CHECK OPTION',
  'CREATE SQL SECURITY INVOKER VIEW invoked AS SELECT id, part, balance FROM account',
];

const CASES: readonly Case[] = [
  { name: 'an UPDATE', sql: "UPDATE rich SET balance = balance + 1, doc = '{}', ratio = -0e0 WHERE id = 1" },
  {
    name: 'an UPDATE that takes rows out of it',
    sql: 'UPDATE rich SET balance = ? WHERE part = ?',
    values: [1, 'a'],
  },
  {
    name: 'an UPDATE of renamed columns',
    sql: 'UPDATE named SET sum = sum * ?, who = NULL WHERE `of` = ?',
    values: [2, 'A'],
  },
  { name: 'an UPDATE by a computed column', sql: "UPDATE named SET sum = 0 WHERE label = 'BOB!'" },
  {
    name: 'an UPDATE of a view over it',
    sql: 'UPDATE above SET money = 33.5, who = UPPER(who) WHERE number < 3',
  },
  { name: 'an UPDATE with an alias', sql: "UPDATE above AS v SET v.money = 5 WHERE v.house = 'b'" },
  {
    name: 'an UPDATE with ORDER BY and LIMIT',
    sql: 'UPDATE above SET money = ? ORDER BY money DESC LIMIT 1',
    values: [9],
  },
  { name: 'an UPDATE by a subquery', sql: 'UPDATE rich SET balance = 12 WHERE id IN (SELECT id FROM entry)' },
  { name: 'an UPDATE to a value that is there', sql: "UPDATE above SET who = 'cleo' WHERE number = 1" },
  {
    name: 'an UPDATE IGNORE to a value that is there',
    sql: "UPDATE IGNORE above SET who = 'bob' WHERE number < 3",
  },
  { name: 'an UPDATE that a check allows', sql: 'UPDATE checked SET balance = 59 WHERE id = 2' },
  { name: 'an UPDATE that a check refuses', sql: 'UPDATE checked SET balance = balance + 20' },
  { name: 'an UPDATE IGNORE that a check refuses', sql: 'UPDATE IGNORE checked SET balance = balance + 20' },
  { name: 'an UPDATE with the rights of the invoker', sql: 'UPDATE invoked SET balance = 1' },
  { name: 'an UPDATE of no row', sql: 'UPDATE rich SET balance = 11 WHERE id = 77' },
  { name: 'a DELETE', sql: 'DELETE FROM rich WHERE id = ?', values: [2] },
  { name: 'a DELETE of rows with children', sql: 'DELETE FROM above' },
  { name: 'a DELETE with ORDER BY and LIMIT', sql: 'DELETE FROM named ORDER BY sum LIMIT 2' },
  {
    name: 'a DELETE by a value that is none of its type',
    sql: "DELETE FROM rich WHERE seen = 'never'",
    isolation: 'REPEATABLE READ',
  },
  {
    name: 'a DELETE with RETURNING',
    sql: 'DELETE FROM above WHERE number = 2 RETURNING who',
    only: 'mariadb',
  },
  { name: 'a DELETE by a column that is not there', sql: 'DELETE FROM rich WHERE nothing = 1' },
  {
    name: 'a locking read',
    sql: 'SELECT who, label FROM named WHERE sum > ? ORDER BY `key` FOR UPDATE',
    values: [20],
  },
  {
    name: 'a locking read with SKIP LOCKED',
    sql: 'SELECT * FROM above ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED',
  },
  { name: 'a shared read', sql: 'SELECT COUNT(*) AS c FROM rich LOCK IN SHARE MODE' },
];

interface Refusal {
  readonly name: string;
  readonly view?: string;
  readonly sql: string;
  readonly construct: RegExp;
  readonly code?: string;
}

const REFUSED: readonly Refusal[] = [
  { name: 'a join', sql: 'UPDATE rich JOIN entry ON entry.id = rich.id SET balance = 1', construct: /view/ },
  {
    name: 'a key that is changed',
    sql: 'UPDATE named SET `key` = 8 WHERE `key` = 2',
    construct: /key column `id`/,
    code: 'STATEMENT_UNSUPPORTED',
  },
  {
    name: 'a column that is computed',
    sql: "UPDATE named SET label = 'x'",
    construct: /`label` through the view `named`/,
    code: 'STATEMENT_UNSUPPORTED',
  },
  {
    name: 'a view without the whole key',
    view: 'SELECT id, balance FROM account',
    sql: 'UPDATE v SET balance = 1',
    construct: /without the column `part`/,
  },
  {
    name: 'a key that is computed',
    view: 'SELECT id + 0 AS id, part, balance FROM account',
    sql: 'UPDATE v SET balance = 1',
    construct: /without the column `id`/,
  },
  {
    name: 'a view over a join',
    view: 'SELECT a.id, a.part, a.balance FROM account a JOIN entry e ON e.id = a.id',
    sql: 'UPDATE v SET balance = 1',
    construct: /join/,
  },
  {
    name: 'a view over a table and a subquery',
    view: 'SELECT a.id, a.part, a.balance FROM account a, (SELECT 1 AS one) o',
    sql: 'UPDATE v SET balance = 1',
    construct: /join|JOIN/,
  },
  {
    name: 'a view with a subquery',
    view: 'SELECT id, part, balance FROM account a WHERE id IN (SELECT id FROM entry)',
    sql: 'UPDATE v SET balance = 1',
    construct: /subquery/,
  },
  {
    name: 'a view with LIMIT',
    view: 'SELECT id, part, balance FROM account LIMIT 2',
    sql: 'SELECT * FROM v FOR UPDATE',
    construct: /LIMIT/,
  },
  {
    name: 'a view with ORDER BY',
    view: 'SELECT id, part, balance FROM account ORDER BY balance',
    sql: 'DELETE FROM v',
    construct: /ORDER/,
  },
  {
    name: 'a view with DISTINCT',
    view: 'SELECT DISTINCT id, part FROM account',
    sql: 'SELECT * FROM v FOR UPDATE',
    construct: /DISTINCT|distinct/,
  },
  {
    name: 'a view with GROUP BY',
    view: 'SELECT id, part FROM account GROUP BY part, id',
    sql: 'SELECT * FROM v FOR UPDATE',
    construct: /GROUP/,
  },
  {
    name: 'a view with an aggregate',
    view: 'SELECT MAX(id) AS id, MAX(part) AS part FROM account',
    sql: 'SELECT * FROM v FOR UPDATE',
    construct: /aggregate/,
  },
  {
    name: 'a view over a UNION',
    view: 'SELECT id, part FROM account UNION SELECT id, part FROM entry',
    sql: 'SELECT * FROM v FOR UPDATE',
    construct: /UNION/,
  },
  {
    name: 'a view with a changing condition',
    view: 'SELECT id, part, balance FROM account WHERE RAND() < 2',
    sql: 'UPDATE v SET balance = 1',
    construct: /changing value/,
  },
  {
    name: 'a view that calls a stored function',
    view: 'SELECT id, part, balance FROM account WHERE sneaky(id) > 0',
    sql: 'SELECT * FROM v FOR UPDATE',
    construct: /stored function/,
  },
  {
    name: 'a view with a backslash',
    view: "SELECT id, part, balance FROM account WHERE owner <> '\\\\'",
    sql: 'UPDATE v SET balance = 1',
    construct: /backslash/,
  },
  {
    name: 'a view with a condition beside a FLOAT, bound to its rows',
    view: 'SELECT id, v FROM floating WHERE f > 0',
    sql: 'UPDATE v SET v = 1 LIMIT 1',
    construct: /FLOAT/,
  },
  {
    name: 'a view of a table with a trigger',
    view: 'SELECT id, v FROM watched',
    sql: 'UPDATE v SET v = 1',
    construct: /watcher/,
  },
  {
    name: 'a view of a table of another engine',
    view: 'SELECT id, v FROM old',
    sql: 'UPDATE v SET v = 1',
    construct: /MyISAM/,
  },
];

describe('a view of one table', () => {
  let world: World;
  let outside: Connection;

  before(async () => {
    world = await makeWorld({
      tables: [
        ...TABLES,
        'CREATE FUNCTION sneaky(x INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN UPDATE entry SET no = no + 100; RETURN x; END',
        'CREATE TABLE floating (id INT PRIMARY KEY, v INT, f FLOAT)',
        'CREATE TABLE watched (id INT PRIMARY KEY, v INT)',
        'CREATE TRIGGER watcher AFTER UPDATE ON watched FOR EACH ROW SET @seen = 1',
        'CREATE TABLE old (id INT PRIMARY KEY, v INT) ENGINE=MyISAM',
      ],
    });
    outside = await createConnection(world.first.server.options(world.first.name));
    await outside.query('SET SESSION lock_wait_timeout = 20');
  });

  after(async () => {
    await outside.end();
    await world.close();
  });

  /** Runs work in a local transaction of a global one that is rolled back. */
  async function inGlobal(work: Work): Promise<void> {
    const wanted = new Error('roll it back');
    const run = world.gtx.run({ name: 'views' }, async () => {
      const connection = await world.first.pool.getConnection();
      try {
        await connection.beginTransaction();
        await work(connection);
        await connection.commit();
      } finally {
        await connection.rollback();
        connection.release();
      }
      throw wanted;
    });
    await run.catch((error: unknown) => {
      if (error !== wanted) throw error;
    });
    await settled(world);
  }

  /** The same of work that must leave every byte what it was. */
  async function takenBack(work: Work): Promise<void> {
    const before = await world.first.dump();
    await inGlobal(work);
    assert.equal(await world.first.dump(), before);
  }

  async function refused(sql: string, code: string, construct: RegExp): Promise<void> {
    await takenBack(async (connection) => {
      await connection.query('UPDATE account SET ratio = 1');
      const error = await connection.query(sql).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof GlobalTxError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.construct ?? '', construct);
      await connection.query('UPDATE account SET ratio = 2');
    });
  }

  describe('gives what plain mysql2 gives, and is taken back to the byte:', () => {
    itBothWays(() => world, ['account', 'entry'], CASES);
  });

  it('finds its rows by keys of many types', async () => {
    await world.first.execute([
      `CREATE TABLE odd (e ENUM('a','b'), s SET('x','y'), t TIMESTAMP(3), y YEAR, b BIT(5), c CHAR(5) CHARACTER SET latin1, d DECIMAL(5, 2),
         raw VARBINARY(9), at DATETIME(6), span TIME, n BIGINT UNSIGNED, v INT, PRIMARY KEY (e, s, t, y, b, c, d, raw, at, span, n))`,
      `INSERT INTO odd VALUES
         ('a', 'x,y', '2024-10-27 01:30:00.5', 2000, 3, 'é ', 1.5, X'00FF', '2024-01-01 00:00:00.000001', '-838:00:00', 18446744073709551615, 1),
         ('b', '', '2024-01-01 00:00:00', 1999, 0, '', -1.5, '', '1000-01-01', '00:00:00', 0, 2)`,
      'CREATE VIEW odd_view AS SELECT n AS k11, span AS k10, at AS k9, raw AS k8, d AS k7, c AS k6, b AS k5, y AS k4, t AS k3, s AS k2, e AS k1, v AS w FROM odd',
    ]);
    for (const sql of [
      'UPDATE odd_view SET w = 9',
      'DELETE FROM odd_view ORDER BY k11 LIMIT 1',
      'DELETE FROM odd_view WHERE w = 1',
    ]) {
      await takenBack((connection) => connection.query(sql));
    }
    await takenBack((connection) => connection.query('SELECT w FROM odd_view FOR UPDATE'));
  });

  it('finds its rows by the time that is none', async () => {
    const { first, gtx } = world;
    await first.execute([
      "SET sql_mode = ''",
      'CREATE TABLE never (t TIMESTAMP(6) NOT NULL PRIMARY KEY, v INT)',
      "INSERT INTO never VALUES ('0000-00-00 00:00:00', 1), ('2024-01-01 00:00:00.5', 2)",
      'CREATE VIEW never_view AS SELECT v AS w, t AS moment FROM never',
    ]);
    await takenBack((connection) => connection.query('UPDATE never_view SET w = 9'));
    await takenBack((connection) => connection.query('DELETE FROM never_view ORDER BY w LIMIT 1'));
    await takenBack(async (connection) => {
      await connection.query('SELECT w FROM never_view WHERE w = 1 FOR UPDATE');
      await connection.commit();
      const other = withoutTransaction(() =>
        gtx.run({ name: 'other', lockWait: 200 }, () => first.pool.query('UPDATE never SET v = 8')),
      );
      assert.equal(await result(other), 'LOCK_WAIT_TIMEOUT');
    });
  });

  it('is committed with its changes', async () => {
    const { first, gtx } = world;
    const before = await first.dump();
    await gtx.run({ name: 'kept' }, () =>
      first.pool.query('UPDATE above SET money = money + 1 WHERE number = 2'),
    );
    await settled(world);
    await first.execute("UPDATE account SET balance = balance - 1 WHERE part = 'a' AND id = 2");
    assert.equal(await first.dump(), before);
  });

  it('is written in a session that updates no table as a whole', async () => {
    const connection = await world.first.pool.getConnection();
    await connection.query('SET SESSION sql_safe_updates = 1');
    // Another table than those whose privileges have been looked at.
    await world.first.execute([
      'CREATE TABLE safe (id INT PRIMARY KEY, v INT)',
      'INSERT INTO safe VALUES (1, 1)',
      'CREATE VIEW safe_view AS SELECT * FROM safe',
    ]);
    const write = () => connection.query('UPDATE safe_view SET v = 2 WHERE id = 1');
    await world.gtx.run({ name: 'safe' }, write);
    const [rows] = await world.first.pool.query('SELECT v FROM safe');
    assert.deepEqual(rows, [{ v: 2 }]);
    connection.destroy();
  });

  it('is written by turns with its table', async () => {
    await takenBack(async (connection) => {
      await connection.query('UPDATE rich SET balance = 20');
      await connection.query("UPDATE account SET owner = 'eve' WHERE id = 4");
      await connection.query("DELETE FROM named WHERE who = 'eve'");
      await connection.query("INSERT INTO account (id, part, owner, balance) VALUES (4, 'B', 'fay', 44)");
      await connection.query('UPDATE above SET money = 99');
    });
  });

  it('and its table are locked by the same keys', async () => {
    const { first, gtx } = world;
    const statements = [
      'UPDATE above SET money = money + 1 WHERE number = 2',
      'SELECT who FROM above WHERE number = 2 FOR UPDATE',
    ];
    for (const sql of statements) {
      await gtx.run({ name: 'holder' }, async () => {
        await first.pool.query(sql);
        const other = withoutTransaction(() =>
          gtx.run({ name: 'other', lockWait: 200 }, () =>
            first.pool.query("UPDATE account SET ratio = 8 WHERE part = 'A' AND id = 2"),
          ),
        );
        assert.equal(await result(other), 'LOCK_WAIT_TIMEOUT', sql);
        await withoutTransaction(() =>
          gtx.run({ name: 'free', lockWait: 200 }, () =>
            first.pool.query('UPDATE account SET ratio = 8 WHERE id = 3'),
          ),
        );
      });
    }
    await first.execute('UPDATE account SET balance = 50 WHERE id = 2');
    await first.execute('UPDATE account SET ratio = 1e-300 WHERE id = 3');
  });

  it('takes no row back that came between the reading and the statement, under READ COMMITTED', async () => {
    const { first } = world;
    let done = false;
    const outsider = (async () => {
      for (let at = 100; !done; at++) {
        await pause(2);
        await first.execute(`INSERT INTO account (id, part, balance) VALUES (${at}, 'c', 30)`);
      }
    })();
    await inGlobal(async (connection) => {
      await connection.rollback();
      await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      for (let times = 0; times < 15; times++)
        await connection.query("UPDATE rich SET ratio = 5 WHERE part = 'c'");
      await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      done = true;
      await outsider;
    });
    const [rows] = await first.pool.query(
      "SELECT COUNT(*) AS count, COUNT(ratio) AS changed FROM account WHERE part = 'c'",
    );
    const [{ count = 0, changed = 0 } = {}] = rows as { count: number; changed: number }[];
    assert.ok(count > 1, 'nothing came in between');
    assert.equal(changed, 0);
    await first.execute("DELETE FROM account WHERE part = 'c'");
  });

  describe('that is altered by another connection is noticed at the next statement:', () => {
    const BASE = 'CREATE TABLE thing (id INT PRIMARY KEY, code INT NOT NULL UNIQUE, a INT, b INT)';
    const MADE = 'CREATE OR REPLACE VIEW seen AS SELECT id, a FROM thing WHERE b < 10';

    beforeEach(async () => {
      await world.first.execute([
        'DROP VIEW IF EXISTS seen, inner_seen',
        'DROP TABLE IF EXISTS thing',
        BASE,
        'INSERT INTO thing VALUES (1, 10, 100, 1), (2, 20, 200, 2), (3, 30, 300, 30)',
        MADE,
      ]);
    });

    const ALTERED: readonly (readonly [name: string, alter: string, sql: string])[] = [
      [
        'another condition',
        'ALTER VIEW seen AS SELECT id, a FROM thing WHERE b > 1',
        'UPDATE seen SET a = a + 1',
      ],
      [
        'another column under the name',
        'ALTER VIEW seen AS SELECT id, b AS a FROM thing',
        'UPDATE seen SET a = a + 1',
      ],
      [
        'another name of the key',
        'ALTER VIEW seen AS SELECT id AS no, a FROM thing',
        'DELETE FROM seen WHERE no = 2',
      ],
      ['more columns', 'ALTER VIEW seen AS SELECT * FROM thing', 'UPDATE seen SET b = 77'],
      [
        'more columns of the table',
        'ALTER TABLE thing ADD COLUMN c INT NOT NULL DEFAULT 5',
        'DELETE FROM seen',
      ],
      [
        'another type of the key',
        'ALTER TABLE thing MODIFY id VARCHAR(9) NOT NULL',
        "UPDATE seen SET a = 7 WHERE id = '2'",
      ],
      ['a row that it shows now', 'INSERT INTO thing VALUES (4, 40, 400, 4)', 'DELETE FROM seen'],
    ];
    for (const [name, alter, sql] of ALTERED) {
      it(name, async () => {
        await takenBack((connection) => connection.query('UPDATE seen SET a = 1'));
        await world.first.execute(alter);
        await takenBack((connection) => connection.query(sql));
      });
    }

    it('a key that it shows under the name of another column is refused', async () => {
      await takenBack((connection) => connection.query('UPDATE seen SET a = 1'));
      await world.first.execute('ALTER VIEW seen AS SELECT id, id AS a FROM thing');
      await refused('UPDATE seen SET a = 9 WHERE id = 1', 'STATEMENT_UNSUPPORTED', /key column `id`/);
    });

    it('a condition that changes, in a view below it, is refused', async () => {
      await world.first.execute([
        'CREATE VIEW inner_seen AS SELECT id, a FROM thing',
        'CREATE OR REPLACE VIEW seen AS SELECT id, a FROM inner_seen',
      ]);
      await takenBack((connection) => connection.query('UPDATE seen SET a = 1'));
      await world.first.execute('ALTER VIEW inner_seen AS SELECT id, a FROM thing WHERE RAND() < 0.5');
      await refused('UPDATE seen SET a = 9', 'TABLE_UNSUPPORTED', /changing value/);
      await refused('SELECT * FROM seen FOR UPDATE', 'TABLE_UNSUPPORTED', /changing value/);
    });

    it('a table in its place', async () => {
      await world.first.execute('CREATE VIEW swapped AS SELECT id, a FROM thing');
      await takenBack((connection) => connection.query('UPDATE swapped SET a = 1'));
      await world.first.execute([
        'DROP VIEW swapped',
        'CREATE TABLE swapped (id INT PRIMARY KEY, a INT)',
        'INSERT INTO swapped VALUES (1, 1)',
      ]);
      await takenBack((connection) => connection.query('UPDATE swapped SET a = 5'));
      await world.first.execute('DROP TABLE swapped');
    });

    for (const alter of [
      'ALTER VIEW seen AS SELECT id, b AS a FROM thing',
      'ALTER TABLE thing ADD INDEX (b)',
    ]) {
      it(`while a local transaction has written it ${alter} waits, and holds nobody up`, async () => {
        const before = await rowsOfThing();
        let altered: Promise<unknown> | undefined;
        await inGlobal(async (connection) => {
          await connection.query('UPDATE seen SET a = 1 WHERE id = 1');
          altered = result(outside.query(alter));
          await pause(200);
          await connection.query('UPDATE seen SET a = 2 WHERE id = 2');
          await connection.query('SELECT * FROM seen FOR UPDATE');
          const [rows] = await connection.query('SELECT a FROM thing ORDER BY id');
          assert.deepEqual(rows, [{ a: 1 }, { a: 2 }, { a: 300 }]);
        });
        assert.equal(await altered, 'done');
        assert.deepEqual(await rowsOfThing(), before);
      });
    }

    async function rowsOfThing(): Promise<unknown> {
      const [rows] = await world.first.pool.query('SELECT id, code, a, b FROM thing ORDER BY id');
      return rows;
    }
  });

  describe('is refused before it runs, and the local transaction stands:', () => {
    for (const { name, view, sql, construct, code = 'TABLE_UNSUPPORTED' } of REFUSED) {
      it(name, async () => {
        if (view !== undefined) await world.first.execute(`CREATE OR REPLACE VIEW v AS ${view}`);
        await refused(sql, code, construct);
      });
    }

    it('a temporary table under its name, or under that of its table', async () => {
      for (const name of ['rich', 'account']) {
        const connection = await world.first.pool.getConnection();
        await connection.query(`CREATE TEMPORARY TABLE ${name} (id INT PRIMARY KEY, part INT, balance INT)`);
        const written = world.gtx.run({ name: 'hidden' }, () =>
          connection.query('UPDATE rich SET balance = 1'),
        );
        await assert.rejects(written, { code: 'TABLE_UNSUPPORTED', construct: /temporary table/ });
        connection.destroy();
      }
    });

    it('a table that the account may not write by itself', async () => {
      const { first, gtx } = world;
      const user = first.name.slice(-30);
      await first.execute([
        `CREATE USER '${user}'@'%'`,
        `GRANT ALL ON ${first.name}.undo_log TO '${user}'@'%'`,
        `GRANT ALL ON ${first.name}.globaltx_resource TO '${user}'@'%'`,
        `GRANT SELECT, UPDATE ON ${first.name}.rich TO '${user}'@'%'`,
      ]);
      const own = await mysql.createConnection({ ...first.server.options(first.name), user });
      const write = () =>
        gtx.run({ name: 'by right of the view' }, () => own.query('UPDATE rich SET balance = 90'));
      await assert.rejects(write, {
        code: 'TABLE_UNSUPPORTED',
        construct: /view (whose definition|that) the account may not see/,
      });
      await first.execute(`GRANT SHOW VIEW ON ${first.name}.rich TO '${user}'@'%'`);
      await assert.rejects(write, { code: 'TABLE_UNSUPPORTED', construct: /may not read and write/ });
      await first.execute(`GRANT SELECT, UPDATE ON ${first.name}.account TO '${user}'@'%'`);
      await pause(100);
      await assert.rejects(write, { code: 'TABLE_UNSUPPORTED', construct: /may not read and write/ });
      await own.end();
      await first.execute(`DROP USER '${user}'@'%'`);
    });
  });
});
