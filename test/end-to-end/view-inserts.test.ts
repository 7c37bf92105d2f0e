import assert from 'node:assert/strict';
import { GlobalTxError, withoutTransaction } from 'globaltx';
import mysql, { type PoolConnection } from 'globaltx/mysql2/promise';
import { type Connection, createConnection } from 'mysql2/promise';
import { pause, result } from './local-work.js';
import { CASES, type Case, TABLES } from './view-insert-cases.js';
import { makeWorld, OWN_TABLES, settled, type TestDatabase, type World } from './world.js';

type Work = (connection: PoolConnection) => Promise<unknown>;
type Session = Pick<Connection, 'query' | 'execute'>;

/** Of one database alone. */
const ALTERED_TABLES = ['seen', 'inner_seen', 'thing', 'other_thing'];
const BASES = ['account', 'entry', 'item', 'slot', 'stock', 'needy'];

const nameOf = ({ sql, mode }: Case) => `${sql}${mode === undefined ? '' : ', not in strict mode'}`;

/** What a session sees of a statement, and what it leaves in the tables. */
async function seen(session: Session, { sql, values }: Case, database: TestDatabase): Promise<unknown> {
  await session.query('SELECT LAST_INSERT_ID(0)');
  const anywhere = (text: unknown) => String(text).replaceAll(database.name, 'here');
  const all: Record<string, unknown> = {};
  try {
    const [answer, fields] = await (values === undefined
      ? session.query(sql)
      : session.execute(sql, Array.from(values)));
    if (Array.isArray(answer)) {
      Object.assign(all, {
        answer,
        names: (fields as unknown as { name: string }[]).map(({ name }) => name),
      });
    } else {
      const { affectedRows, insertId, info, warningStatus } = answer as unknown as Record<string, unknown>;
      Object.assign(all, { affectedRows, insertId, info, warningStatus });
      const [warnings] = await session.query('SHOW WARNINGS');
      all.warnings = (warnings as { Code: number; Message: string }[]).map(({ Code, Message }) => [
        Code,
        anywhere(Message),
      ]);
    }
  } catch (error) {
    const { code, errno, sqlState, sqlMessage } = error as Record<string, unknown>;
    if (errno === undefined) throw error;
    Object.assign(all, { code, errno, sqlState, sqlMessage: anywhere(sqlMessage) });
  }
  const [ids] = await session.query('SELECT LAST_INSERT_ID() AS id');
  all.ids = ids;
  for (const table of BASES) {
    const [rows] = await session.query(`SELECT * FROM ${table} ORDER BY 1, 2`);
    all[table] = rows;
  }
  return all;
}

describe('an INSERT into a view', () => {
  let world: World;
  let outside: Connection;

  before(async () => {
    world = await makeWorld({
      tables: [
        ...TABLES,
        `CREATE TABLE token (id CHAR(36) PRIMARY KEY DEFAULT (UUID()), name VARCHAR(9) UNIQUE, secret CHAR(36) DEFAULT (UUID()) UNIQUE)`,
        "INSERT INTO token VALUES ('one', 'a', 'x'), ('two', 'b', 'y')",
        'CREATE VIEW tokens AS SELECT secret AS hush, name AS label, id AS no FROM token',
        'CREATE VIEW some_tokens AS SELECT name AS label, id AS no FROM token',
        'CREATE VIEW shouted AS SELECT id, v, v + 1 AS more FROM slot',
        'CREATE VIEW doubled AS SELECT id, v, v AS again FROM slot',
        'CREATE TABLE watched (id INT PRIMARY KEY, v INT)',
        'CREATE TRIGGER watcher AFTER INSERT ON watched FOR EACH ROW SET @seen = 1',
        'CREATE VIEW watching AS SELECT v, id FROM watched',
      ],
    });
    outside = await createConnection(world.first.server.options(world.first.name));
    await outside.query('SET SESSION lock_wait_timeout = 20');
  });

  after(async () => {
    await outside.end();
    await world.close();
  });

  /** Runs work on a connection of a global transaction, which is then rolled back or not. */
  async function inGlobal(work: Work, keep: boolean): Promise<void> {
    const wanted = new Error('roll it back');
    const run = world.gtx.run({ name: 'view inserts' }, async () => {
      const connection = await world.first.pool.getConnection();
      try {
        await work(connection);
      } finally {
        await connection.rollback();
        await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
        connection.release();
      }
      if (!keep) throw wanted;
    });
    await run.catch((error: unknown) => {
      if (error !== wanted) throw error;
    });
    await settled(world);
  }

  async function locally(connection: PoolConnection, work: Work): Promise<void> {
    await connection.beginTransaction();
    await work(connection);
    await connection.commit();
  }

  /** The same of work that must leave every byte what it was. */
  async function takenBack(work: Work): Promise<void> {
    const before = await world.first.dump();
    await inGlobal(work, false);
    assert.equal(await world.first.dump(), before);
  }

  async function refused(sql: string, code: string, construct: RegExp): Promise<void> {
    await takenBack((connection) =>
      locally(connection, async () => {
        await connection.query('UPDATE account SET ratio = 1');
        const error = await connection.query(sql).catch((thrown: unknown) => thrown);
        assert.ok(error instanceof GlobalTxError, String(error));
        assert.equal(error.code, code, error.message);
        assert.match(error.construct ?? '', construct);
        await connection.query('UPDATE account SET ratio = 2');
      }),
    );
  }

  const legal = ({ only }: Case) => only === undefined || only === world.first.server.kind;

  /** Both databases count from the same number. */
  async function counters({ sql }: Case): Promise<void> {
    if (!/goods|wares|dear|sold|numbered/.test(sql)) return;
    for (const database of [world.first, world.second]) {
      await database.execute([
        'ALTER TABLE item AUTO_INCREMENT = 100',
        'ALTER TABLE stock AUTO_INCREMENT = 100',
      ]);
    }
  }

  /** The statement in the other database, which has the same rows, on plain mysql2. */
  async function plainly(one: Case, isolation: string, keep: boolean): Promise<unknown> {
    const { second } = world;
    const connection = await createConnection(second.server.options(second.name));
    try {
      await connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
      if (one.mode !== undefined) await connection.query('SET SESSION sql_mode = ?', [one.mode]);
      await connection.beginTransaction();
      const answer = await seen(connection, one, second);
      await (keep ? connection.commit() : connection.rollback());
      return answer;
    } finally {
      await connection.end();
    }
  }

  async function compare(one: Case, isolation: string, auto: boolean, keep: boolean): Promise<void> {
    await counters(one);
    const expected = await plainly(one, isolation, keep);
    let actual: unknown;
    await inGlobal(async (connection) => {
      const work = async () => {
        actual = await seen(connection as unknown as Connection, one, world.first);
      };
      const [[{ mode } = { mode: '' }]] = (await connection.query(
        'SELECT @@sql_mode AS mode',
      )) as unknown as [{ mode: string }[]];
      await connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
      if (one.mode !== undefined) await connection.query('SET SESSION sql_mode = ?', [one.mode]);
      await (auto ? work() : locally(connection, work));
      await connection.query('SET SESSION sql_mode = ?', [mode]);
    }, keep);
    assert.deepEqual(actual, expected, one.sql);
  }

  describe('gives what plain mysql2 gives, and is taken back to the byte:', () => {
    for (const one of CASES) {
      it(nameOf(one), async () => {
        if (!legal(one)) return;
        const before = await world.first.dump();
        await compare(one, 'REPEATABLE READ', true, false);
        assert.equal(await world.first.dump(), before, 'autocommit');
        await compare(one, one.repeatable ? 'REPEATABLE READ' : 'READ COMMITTED', false, false);
        assert.equal(await world.first.dump(), before, 'in a local transaction');
      });
    }
  });

  describe('takes its computed keys from one evaluation:', () => {
    it('of a default and of an expression', async () => {
      const before = await world.first.dump();
      await world.gtx.run({ name: 'kept' }, () =>
        world.first.pool.query("INSERT INTO tokens (label) VALUES ('c')"),
      );
      await settled(world);
      const [rows] = await world.first.pool.query(
        "SELECT LENGTH(id) AS id, LENGTH(secret) AS secret FROM token WHERE name = 'c'",
      );
      assert.deepEqual(rows, [{ id: 36, secret: 36 }]);
      await world.first.execute("DELETE FROM token WHERE name = 'c'");
      assert.equal(await world.first.dump(), before);
      for (const sql of [
        "INSERT INTO some_tokens (label) VALUES ('c'), ('d')",
        "INSERT INTO some_tokens VALUES ('c', UUID()), ('d', DEFAULT)",
        "INSERT INTO tokens (label, no) SELECT CONCAT(name, '!'), UUID() FROM token",
        "INSERT IGNORE INTO tokens (label) VALUES ('a'), ('c')",
        "INSERT IGNORE INTO tokens (label, hush) VALUES ('c', 'x'), ('d', UUID())",
        "REPLACE INTO tokens (label) VALUES ('a'), ('c')",
        "INSERT INTO tokens (label) VALUES ('a') ON DUPLICATE KEY UPDATE label = 'q', hush = UUID()",
        "INSERT INTO tokens VALUES (DEFAULT, 'a', DEFAULT), ('x', 'c', DEFAULT) ON DUPLICATE KEY UPDATE hush = UUID()",
      ]) {
        await takenBack(async (connection) => {
          const [{ affectedRows }] = (await connection.query(sql)) as unknown as [{ affectedRows: number }];
          assert.ok(affectedRows > 0, sql);
        });
      }
    });
  });

  it('is taken back by turns with statements on its table, and by a savepoint', async () => {
    await takenBack((connection) =>
      locally(connection, async () => {
        await connection.query("INSERT INTO named VALUES (8, 5, 'eve', 'q')");
        await connection.query("UPDATE account SET balance = balance + 40 WHERE owner = 'eve'");
        await connection.query("DELETE FROM above WHERE who = 'eve'");
        await connection.query("INSERT INTO account (id, part, owner) VALUES (8, 'Q', 'fay')");
        await connection.query('SAVEPOINT here');
        await connection.query("INSERT INTO rich (id, part, owner) VALUES (8, 'r', 'gus')");
        await connection.query(
          "INSERT INTO named VALUES (1, 1, 'x', 'a') ON DUPLICATE KEY UPDATE who = 'hal'",
        );
        await connection.query('ROLLBACK TO here');
        await connection.query("INSERT INTO checked VALUES (9, 'r', 1, 'gus')");
      }),
    );
  });

  describe('and its table are locked by the same keys:', () => {
    const HELD: readonly (readonly [sql: string, other: string, free: string])[] = [
      [
        "INSERT INTO named VALUES (8, 5, NULL, 'q')",
        "UPDATE account SET ratio = 8 WHERE part = 'Q' AND id = 8",
        'UPDATE account SET ratio = 1e-300 WHERE id = 3',
      ],
      [
        "INSERT IGNORE INTO named VALUES (1, 5, NULL, 'A')",
        "UPDATE account SET ratio = 8 WHERE part = 'a' AND id = 1",
        'UPDATE account SET ratio = 1e-300 WHERE id = 3',
      ],
      [
        "INSERT INTO named VALUES (8, 5, 'ada', 'q') ON DUPLICATE KEY UPDATE sum = 1",
        "UPDATE account SET ratio = 8 WHERE part = 'a' AND id = 1",
        'UPDATE account SET ratio = 1e-300 WHERE id = 3',
      ],
      [
        'INSERT IGNORE INTO slots VALUES (9, 9)',
        'UPDATE slot SET v = 8 WHERE id = 2',
        'UPDATE slot SET v = 1 WHERE id = 1',
      ],
      [
        'REPLACE INTO slots VALUES (9, 9)',
        'INSERT INTO slot VALUES (2, 2, 7, NULL)',
        'UPDATE slot SET v = 1 WHERE id = 1',
      ],
      [
        "INSERT INTO entries VALUES ('b', 9, 4)",
        "UPDATE account SET ratio = 8 WHERE part = 'b'",
        'UPDATE account SET ratio = 1e-300 WHERE id = 3',
      ],
    ];
    for (const [sql, other, free] of HELD) {
      it(sql, async () => {
        const { first, gtx } = world;
        await takenBack(async (connection) => {
          await connection.query(sql);
          const meanwhile = (name: string, text: string) =>
            withoutTransaction(() => gtx.run({ name, lockWait: 200 }, () => first.pool.query(text)));
          assert.equal(await result(meanwhile('other', other)), 'LOCK_WAIT_TIMEOUT');
          await meanwhile('free', free);
        });
      });
    }

    it('and the other way round', async () => {
      const { first, gtx } = world;
      const statements: readonly (readonly [string, string])[] = [
        ['DELETE FROM entry WHERE no = 3', "INSERT INTO entries VALUES ('b', 3, 4)"],
        ["UPDATE account SET owner = 'ivy' WHERE id = 2", "INSERT INTO named VALUES (8, 5, 'bob', 'q')"],
        ['UPDATE slot SET v = 9 WHERE place = 5', 'INSERT IGNORE INTO slots VALUES (9, 9)'],
      ];
      for (const [sql, other] of statements) {
        await takenBack(async (connection) => {
          await connection.query(sql);
          const meanwhile = withoutTransaction(() =>
            gtx.run({ name: 'other', lockWait: 200 }, () => first.pool.query(other)),
          );
          assert.equal(await result(meanwhile), 'LOCK_WAIT_TIMEOUT', other);
        });
      }
    });
  });

  describe('that is altered by another connection is noticed at the next statement:', () => {
    beforeEach(async () => {
      await world.first.execute([
        'DROP VIEW IF EXISTS seen, inner_seen',
        'DROP TABLE IF EXISTS thing, other_thing',
        'CREATE TABLE thing (id INT PRIMARY KEY, code INT NOT NULL DEFAULT 50 UNIQUE, a INT, b INT)',
        'INSERT INTO thing VALUES (1, 10, 100, 1), (2, 20, 200, 2), (3, 50, 300, 30)',
        'CREATE TABLE other_thing LIKE thing',
        'INSERT INTO other_thing VALUES (7, 50, 1, 1), (1, 60, 2, 2)',
        'CREATE VIEW inner_seen AS SELECT id, a, b, code FROM thing',
        'CREATE VIEW seen AS SELECT id, code, a FROM inner_seen WHERE b IS NULL OR b < 40',
      ]);
    });

    const ALTERED: readonly (readonly [name: string, alter: string, sql: string])[] = [
      [
        'columns in another order',
        'ALTER VIEW seen AS SELECT code, id, a FROM inner_seen',
        'REPLACE INTO seen VALUES (20, 9, 1)',
      ],
      [
        'another column under a name',
        'ALTER VIEW seen AS SELECT id, b AS code, code AS a FROM inner_seen',
        'INSERT IGNORE INTO seen VALUES (9, 9, 20), (10, 10, 11)',
      ],
      [
        'another column under a name of the view below it',
        'ALTER VIEW inner_seen AS SELECT code AS id, a, b, id AS code FROM thing',
        'REPLACE INTO seen VALUES (20, 1, 1)',
      ],
      ['fewer columns', 'ALTER VIEW seen AS SELECT id, a FROM inner_seen', 'REPLACE INTO seen VALUES (9, 9)'],
      [
        'another table below it',
        'ALTER VIEW inner_seen AS SELECT id, a, b, code FROM other_thing',
        'REPLACE INTO seen VALUES (1, 50, 5)',
      ],
      [
        'a check',
        'ALTER VIEW seen AS SELECT id, code, a FROM thing WHERE a < 5 WITH CHECK OPTION',
        'INSERT IGNORE INTO seen VALUES (9, 9, 9), (8, 8, 1)',
      ],
      [
        'another key of the table',
        'ALTER TABLE thing DROP PRIMARY KEY, ADD PRIMARY KEY (code)',
        'REPLACE INTO seen VALUES (1, 50, 1), (1, 51, 1)',
      ],
      [
        'another unique column of the table',
        'ALTER TABLE thing ADD UNIQUE (a)',
        'INSERT IGNORE INTO seen VALUES (9, 9, 100), (10, 8, 7)',
      ],
      [
        'more columns of the table',
        'ALTER TABLE thing ADD COLUMN c INT NOT NULL DEFAULT 5',
        'INSERT INTO seen VALUES (9, 9, 9)',
      ],
      [
        'another default of the table',
        'ALTER TABLE thing ALTER code SET DEFAULT 20',
        'REPLACE INTO seen (id) VALUES (9)',
      ],
    ];
    for (const [name, alter, sql] of ALTERED) {
      it(name, async () => {
        await takenBack((connection) => connection.query('INSERT INTO seen VALUES (99, 99, 99)'));
        await world.first.execute(alter);
        await takenBack((connection) => connection.query(sql));
      });
    }

    it('a column that is computed now is refused', async () => {
      await takenBack((connection) => connection.query('INSERT INTO seen VALUES (99, 99, 99)'));
      await world.first.execute('ALTER VIEW seen AS SELECT id, code, a + 1 AS a FROM inner_seen');
      await refused('INSERT INTO seen (id, code) VALUES (98, 98)', 'STATEMENT_UNSUPPORTED', /computed/);
    });

    it('a table in its place', async () => {
      await world.first.execute('CREATE VIEW swapped AS SELECT * FROM seen');
      await takenBack((connection) => connection.query('INSERT INTO swapped VALUES (99, 99, 99)'));
      await world.first.execute([
        'DROP VIEW swapped',
        'CREATE TABLE swapped (a INT, code INT, id INT PRIMARY KEY)',
      ]);
      await takenBack((connection) =>
        connection.query('REPLACE INTO swapped VALUES (99, 99, 98), (99, 99, 99)'),
      );
      await world.first.execute('DROP TABLE swapped');
    });

    for (const alter of [
      'ALTER VIEW seen AS SELECT code AS id, id AS code, a FROM inner_seen',
      'ALTER VIEW inner_seen AS SELECT id, b AS a, a AS b, code FROM thing',
      'ALTER TABLE thing ADD INDEX (b)',
    ]) {
      it(`while a local transaction has written it ${alter} waits, and holds nobody up`, async () => {
        const rows = async () =>
          (await world.first.pool.query('SELECT id, code, a, b FROM thing ORDER BY id'))[0];
        const before = await rows();
        let altered: Promise<unknown> | undefined;
        await inGlobal(
          (connection) =>
            locally(connection, async () => {
              await connection.query('INSERT IGNORE INTO seen VALUES (1, 2, 3)');
              altered = result(outside.query(alter));
              await pause(200);
              await connection.query('INSERT INTO seen VALUES (9, 90, 3)');
              await connection.query('REPLACE INTO seen VALUES (8, 90, 3)');
            }),
          false,
        );
        assert.equal(await altered, 'done');
        assert.deepEqual(await rows(), before);
      });
    }
  });

  describe('is committed with what it has done:', () => {
    for (const one of CASES) {
      it(nameOf(one), async () => {
        if (!legal(one)) return;
        await compare(one, 'REPEATABLE READ', true, true);
        const dumps = [world.first, world.second].map((database) =>
          database.server.dump(database.name, { except: [...OWN_TABLES, ...ALTERED_TABLES] }),
        );
        const [first, second] = await Promise.all(dumps);
        assert.equal(
          first?.replaceAll(world.first.name, 'here'),
          second?.replaceAll(world.second.name, 'here'),
        );
      });
    }
  });

  describe('is refused before it runs, and the local transaction stands:', () => {
    it('with a column that is computed, or shown twice', async () => {
      for (const [verb, view] of [
        ['INSERT', 'shouted'],
        ['INSERT IGNORE', 'shouted'],
        ['REPLACE', 'doubled'],
      ]) {
        await refused(
          `${verb} INTO ${view} (id, v) VALUES (9, 9)`,
          'STATEMENT_UNSUPPORTED',
          /^(?:INSERT|INSERT IGNORE|REPLACE) into a view with a column that is computed, or shown twice$/,
        );
      }
    });

    it('that names a column twice', () =>
      refused(
        "INSERT INTO named (`key`, `of`, `KEY`) VALUES (8, 'z', 9)",
        'STATEMENT_UNSUPPORTED',
        /names a column twice/,
      ));

    it('where a default that it does not show is computed, and may be met', async () => {
      for (const sql of [
        "INSERT IGNORE INTO some_tokens (label) VALUES ('a')",
        "REPLACE INTO some_tokens VALUES ('a', 'q')",
        "INSERT INTO some_tokens (label) VALUES ('a') ON DUPLICATE KEY UPDATE label = 'q'",
      ])
        await refused(
          sql,
          'STATEMENT_UNSUPPORTED',
          /computed default of the column `secret`, which the view does not show/,
        );
    });

    it('of a table with a trigger', () =>
      refused('INSERT INTO watching VALUES (1, 1)', 'TABLE_UNSUPPORTED', /watcher/));

    it('a temporary table under its name, or under that of its table', async () => {
      for (const name of ['named', 'account']) {
        const connection = await world.first.pool.getConnection();
        await connection.query(`CREATE TEMPORARY TABLE ${name} (a INT PRIMARY KEY, b INT, c INT, d INT)`);
        const written = world.gtx.run({ name: 'hidden' }, () =>
          connection.query("INSERT INTO named VALUES (8, 5, 'eve', 9)"),
        );
        await assert.rejects(written, { code: 'TABLE_UNSUPPORTED', construct: /temporary table/ });
        connection.destroy();
      }
    });

    it('where the account may not lock it, or may not write the table by itself', async () => {
      const { first, gtx } = world;
      const user = first.name.slice(-30);
      await first.execute([
        `CREATE USER '${user}'@'%'`,
        `GRANT ALL ON ${first.name}.undo_log TO '${user}'@'%'`,
        `GRANT ALL ON ${first.name}.globaltx_resource TO '${user}'@'%'`,
        `GRANT SHOW VIEW, SELECT, INSERT ON ${first.name}.goods TO '${user}'@'%'`,
        `GRANT SELECT, INSERT, UPDATE ON ${first.name}.item TO '${user}'@'%'`,
      ]);
      const own = await mysql.createConnection({ ...first.server.options(first.name), user });
      const write = () =>
        gtx.run({ name: 'by right of the view' }, () => own.query("INSERT INTO goods (id) VALUES ('v')"));
      await assert.rejects(write, {
        code: 'TABLE_UNSUPPORTED',
        construct: /may not read (?:with locks|and write)/,
      });
      await first.execute(`GRANT UPDATE ON ${first.name}.goods TO '${user}'@'%'`);
      await assert.rejects(write, { code: 'TABLE_UNSUPPORTED', construct: /may not read and write/ });
      await first.execute(`GRANT DELETE ON ${first.name}.item TO '${user}'@'%'`);
      await write();
      await settled(world);
      await own.end();
      await first.execute([`DROP USER '${user}'@'%'`, "DELETE FROM item WHERE code = 'v'"]);
    });
  });
});
