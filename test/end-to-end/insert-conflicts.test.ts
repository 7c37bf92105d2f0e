import assert from 'node:assert/strict';
import { GlobalTxError } from 'globaltx';
import type { PoolConnection, ResultSetHeader } from 'globaltx/mysql2/promise';
import { makeWorld, settled, type TestDatabase, type World } from './world.js';

const TABLES = [
  "CREATE TABLE plain (id INT PRIMARY KEY, v INT, note VARCHAR(20) DEFAULT 'none')",
  `CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, mail VARCHAR(30) NOT NULL, nick VARCHAR(20), n INT,
    UNIQUE KEY uk_mail (mail), UNIQUE KEY uk_nick (nick)) COLLATE utf8mb4_general_ci`,
  `CREATE TABLE stock (house INT, sku VARCHAR(20), qty INT, seen DATETIME DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (house, sku)) COLLATE utf8mb4_general_ci`,
  'CREATE TABLE parent (id INT PRIMARY KEY, code INT UNIQUE, v INT)',
  `CREATE TABLE child (id INT PRIMARY KEY, parent INT, v INT,
    FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE)`,
  `CREATE TABLE orphan (id INT PRIMARY KEY, code INT,
    FOREIGN KEY (code) REFERENCES parent (code) ON DELETE SET NULL)`,
];

const ROWS = [
  "INSERT INTO plain VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three')",
  "INSERT INTO users VALUES (1, 'ann@x', 'ann', 1), (2, 'bob@x', 'bob', 2), (5, 'eve@x', NULL, 3), (9, 'joe@x', NULL, 4)",
  "INSERT INTO stock VALUES (1, 'nut', 5, '2020-01-01'), (1, 'bolt', 7, '2020-01-01'), (2, 'nut', 9, '2020-01-01')",
  'INSERT INTO parent VALUES (1, 100, 1), (2, 200, 2), (3, NULL, 3)',
  'INSERT INTO child VALUES (1, 1, 1), (2, 1, 2), (3, 2, 3)',
  'INSERT INTO orphan VALUES (1, 100), (2, 200)',
];

const NAMES = ['orphan', 'child', 'parent', 'stock', 'users', 'plain'];

/** A statement, its parameters, and whether READ COMMITTED has it refused. */
interface Case {
  readonly sql: string;
  readonly parameters?: readonly unknown[];
  readonly refusedWhenWeak?: true;
  /** Legal there alone. */
  readonly only?: 'mysql';
}

const IGNORE: readonly Case[] = [
  { sql: 'INSERT IGNORE INTO plain VALUES (1, 99, NULL)' },
  { sql: 'INSERT IGNORE INTO plain VALUES (4, 99, NULL)' },
  { sql: 'INSERT IGNORE INTO plain (v, id) VALUES (1, 1), (2, 4), (3, 4), (4, 5), (5, 3)' },
  { sql: 'INSERT IGNORE INTO plain SET id = ?, v = ?', parameters: [2, 7] },
  { sql: "INSERT IGNORE INTO users (mail, nick) VALUES ('ANN@x', 'other')" },
  { sql: "INSERT IGNORE INTO users (mail, nick) VALUES ('new@x', 'BOB')" },
  { sql: "INSERT IGNORE INTO users (mail, nick) VALUES ('new@x', NULL)" },
  {
    sql: "INSERT IGNORE INTO users (mail, nick) VALUES ('a@x', NULL), ('ann@x', NULL), ('b@x', 'bob'), ('c@x', NULL), ('A@x', NULL)",
  },
  { sql: "INSERT IGNORE INTO users (id, mail) VALUES (5, 'q@x'), (6, 'bob@x'), (7, 'r@x')" },
  {
    sql: "INSERT IGNORE INTO stock (house, sku, qty) VALUES (1, 'NUT', 1), (3, 'nut', 1), (?, ?, 2)",
    parameters: [2, 'nut'],
  },
  { sql: "INSERT IGNORE INTO users (id, mail) VALUES (DEFAULT, 'ann@x')" },
  // LAST_INSERT_ID() stays that of an earlier statement, and speaks of rows that were there before.
  { sql: "INSERT IGNORE INTO users (id, mail) VALUES (7, 'r@x'), (DEFAULT, 'bob@x'), (DEFAULT, 'eve@x')" },
  { sql: "INSERT IGNORE INTO users (id, mail) VALUES (0, 'p@x'), (DEFAULT, 'q@x')" },
  { sql: 'INSERT IGNORE INTO child VALUES (7, 99, 1), (8, 3, 1)' },
];

const UPDATE: readonly Case[] = [
  { sql: 'INSERT INTO plain VALUES (1, 99, NULL) ON DUPLICATE KEY UPDATE v = VALUES(v)' },
  { sql: 'INSERT INTO plain VALUES (4, 99, NULL) ON DUPLICATE KEY UPDATE v = v + 1' },
  { sql: 'INSERT INTO plain (id, v) VALUES (1, 10) ON DUPLICATE KEY UPDATE id = id' },
  { sql: 'INSERT INTO plain (id, v) VALUES (1, 11) ON DUPLICATE KEY UPDATE id = VALUES(id), v = VALUES(v)' },
  {
    sql: "INSERT INTO users (id, mail) VALUES (77, 'ann@x') ON DUPLICATE KEY UPDATE id = VALUES(id)",
    refusedWhenWeak: true,
  },
  {
    sql: "INSERT INTO users (id, mail, n) VALUES (77, 'ann@x', 5) ON DUPLICATE KEY UPDATE n = VALUES(n), id = VALUES(id)",
    refusedWhenWeak: true,
  },
  {
    sql: "INSERT INTO users (id, mail) VALUES (77, 'ann@x') AS new ON DUPLICATE KEY UPDATE id = new.id, n = new.id",
    only: 'mysql',
    refusedWhenWeak: true,
  },
  {
    sql: 'INSERT INTO plain (id, v) VALUES (1, 11), (8, 8) AS `new` ON DUPLICATE KEY UPDATE id = new.id, v = `new`.v',
    only: 'mysql',
    refusedWhenWeak: true,
  },
  {
    sql: 'INSERT INTO plain (id, v) VALUES (1, 1), (4, 4), (4, 5), (2, 20) ON DUPLICATE KEY UPDATE v = VALUES(v), note = CONCAT(note, ?)',
    parameters: ['!'],
    refusedWhenWeak: true,
  },
  { sql: 'INSERT INTO plain (id, v) VALUES (1, 1), (2, 2) ON DUPLICATE KEY UPDATE v = v + 100' },
  { sql: 'INSERT INTO plain (id, v) VALUES (6, 1), (7, 2) ON DUPLICATE KEY UPDATE v = v + 100' },
  { sql: 'INSERT INTO plain SET id = ?, v = ? ON DUPLICATE KEY UPDATE v = ?', parameters: [3, 1, 2] },
  { sql: "INSERT INTO users (mail, n) VALUES ('ann@x', 1) ON DUPLICATE KEY UPDATE n = n + 1" },
  {
    sql: "INSERT INTO users (mail, n) VALUES ('ann@x', 1) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), n = n + 1",
  },
  {
    sql: "INSERT INTO users (mail, n) VALUES ('zoe@x', 1) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), n = n + 1",
  },
  { sql: "INSERT INTO users (mail, nick) VALUES ('ann@x', 'bob') ON DUPLICATE KEY UPDATE n = 77" },
  {
    sql: "INSERT INTO users (mail, n) VALUES ('ann@x', 1), ('BOB@x', 1) ON DUPLICATE KEY UPDATE n = n + VALUES(n)",
  },
  {
    sql: "INSERT INTO users (mail, n) VALUES ('k@x', 1), ('K@x', 5), ('l@x', 2) ON DUPLICATE KEY UPDATE n = n + VALUES(n)",
    refusedWhenWeak: true,
  },
  {
    sql: "INSERT INTO users (mail, nick) VALUES ('ann@x', NULL) ON DUPLICATE KEY UPDATE mail = 'moved@x', nick = 'n2'",
  },
  {
    sql: "INSERT INTO stock (house, sku, qty) VALUES (1, 'NUT', 3) ON DUPLICATE KEY UPDATE sku = VALUES(sku), qty = qty + VALUES(qty)",
  },
  {
    sql: "INSERT INTO users (id, mail, n) VALUES (DEFAULT, 'ann@x', 1) ON DUPLICATE KEY UPDATE n = VALUES(n)",
  },
  { sql: "INSERT INTO users VALUES (DEFAULT, 'zoe@x', DEFAULT, 1) ON DUPLICATE KEY UPDATE n = VALUES(n)" },
  {
    sql: 'INSERT INTO users (id, mail) VALUES (?, ?) ON DUPLICATE KEY UPDATE n = 7',
    parameters: [0, 'ann@x'],
  },
  { sql: "INSERT INTO users (id, mail) VALUES (0, 'x@x'), (0, 'y@x') ON DUPLICATE KEY UPDATE n = 7" },
  { sql: 'INSERT INTO child VALUES (1, 1, 5) ON DUPLICATE KEY UPDATE parent = 3, v = VALUES(v)' },
];

const REPLACE: readonly Case[] = [
  { sql: 'REPLACE INTO plain VALUES (1, 99, NULL)' },
  { sql: "REPLACE INTO plain VALUES (1, 10, 'one')" },
  { sql: 'REPLACE INTO plain (id, v) VALUES (4, 99)' },
  { sql: 'REPLACE plain SET id = ?, v = ?', parameters: [2, 7] },
  { sql: 'REPLACE INTO plain (id, v) VALUES (1, 1), (4, 4), (4, 5), (2, 20)', refusedWhenWeak: true },
  { sql: 'REPLACE INTO plain (id, v) VALUES (7, 1), (8, 4)' },
  { sql: "REPLACE INTO users (mail, nick) VALUES ('ann@x', 'bob')" },
  { sql: "REPLACE INTO users (mail, nick) VALUES ('new@x', 'new')" },
  { sql: "REPLACE INTO users (id, mail, nick) VALUES (9, 'ANN@x', 'bob')" },
  { sql: "REPLACE INTO users (mail, n) VALUES ('ann@x', 1), ('bob@x', 1)" },
  {
    sql: "REPLACE INTO users (mail, n) VALUES ('ann@x', 1), ('q@x', 1), ('Q@x', 2), ('bob@x', 3)",
    refusedWhenWeak: true,
  },
  { sql: "REPLACE INTO users (id, mail, nick) VALUES (DEFAULT, 'ann@x', 'bob')" },
  { sql: "REPLACE INTO users (id, mail) VALUES (0, 'new@x')" },
  { sql: "REPLACE LOW_PRIORITY INTO stock (house, sku, qty, seen) VALUES (1, 'NUT', 3, '2021-01-01')" },
  { sql: 'REPLACE INTO child VALUES (1, 3, 5)' },
];

const LEVELS = ['REPEATABLE READ', 'READ COMMITTED'] as const;
const WAYS = ['autocommit', 'a local transaction'] as const;

type Way = (typeof WAYS)[number];

async function reset(database: TestDatabase): Promise<void> {
  await database.execute([
    ...NAMES.map((name) => `DELETE FROM ${name}`),
    'ALTER TABLE users AUTO_INCREMENT = 1',
    ...ROWS,
  ]);
}

async function perform(connection: PoolConnection, { sql, parameters }: Case, way: Way): Promise<unknown> {
  if (way === 'a local transaction') await connection.beginTransaction();
  const [result] =
    parameters === undefined
      ? await connection.query(sql)
      : await connection.execute(sql, [...parameters] as string[]);
  const [ids] = await connection.query('SELECT LAST_INSERT_ID() AS id');
  if (way === 'a local transaction') await connection.commit();
  const { affectedRows, insertId, info, changedRows } = result as ResultSetHeader;
  return { affectedRows, insertId, info, changedRows, ids };
}

async function rows(database: TestDatabase): Promise<unknown> {
  const all: unknown[] = [];
  for (const name of NAMES) {
    const columns = name === 'stock' ? 'house, sku, qty' : '*';
    all.push(name, (await database.pool.query(`SELECT ${columns} FROM ${name} ORDER BY 1, 2`))[0]);
  }
  return all;
}

describe('an INSERT that meets rows', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({ tables: TABLES });
  });

  after(() => world.close());

  async function connect(database: TestDatabase, level: string): Promise<PoolConnection> {
    const connection = await database.pool.getConnection();
    await connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${level}`);
    // Every connection has the same LAST_INSERT_ID() to begin with.
    await connection.query('SELECT LAST_INSERT_ID(5)');
    return connection;
  }

  async function check(each: Case, level: string, way: Way): Promise<void> {
    if (each.only !== undefined && each.only !== world.first.server.kind) return;
    await Promise.all([reset(world.first), reset(world.second)]);
    const before = await world.first.dump();
    const one = await connect(world.first, level);
    const other = await connect(world.second, level);
    try {
      const refused = each.refusedWhenWeak && level === 'READ COMMITTED';
      const undone = await world.gtx
        .run({ name: 'undone' }, async () => {
          await perform(one, each, way);
          throw new Error('undo');
        })
        .catch((error: unknown) => error);
      if (refused) {
        assert.ok(undone instanceof GlobalTxError, String(undone));
        assert.equal(undone.code, 'STATEMENT_UNSUPPORTED');
        await one.rollback();
      } else assert.equal((undone as Error).message, 'undo');
      await settled(world);
      assert.equal(await world.first.dump(), before);
      if (refused) return;
      await Promise.all([reset(world.first), reset(world.second)]);
      const inside = await world.gtx.run({ name: 'kept' }, () => perform(one, each, way));
      const plain = await perform(other, each, way);
      assert.deepEqual(inside, plain);
      assert.deepEqual(await rows(world.first), await rows(world.second));
    } finally {
      one.destroy();
      other.destroy();
    }
  }

  for (const [kind, cases] of Object.entries({
    'INSERT IGNORE': IGNORE,
    'ON DUPLICATE KEY UPDATE': UPDATE,
    REPLACE,
  })) {
    for (const way of WAYS) {
      for (const level of LEVELS) {
        it(`answers as plain mysql2 does, and is undone: ${kind} in ${way} under ${level}`, async function () {
          this.timeout(120_000);
          for (const each of cases) {
            await check(each, level, way).catch((error: unknown) => {
              throw new Error(each.sql, { cause: error });
            });
          }
        });
      }
    }
  }

  async function refusal(sql: string): Promise<unknown> {
    const before = await world.first.dump();
    const error: unknown = await world.gtx
      .run({ name: 'refused' }, () => world.first.pool.query(sql))
      .catch((thrown: unknown) => thrown);
    assert.equal(await world.first.dump(), before);
    assert.ok(error instanceof GlobalTxError, String(error));
    assert.equal(error.code, 'STATEMENT_UNSUPPORTED');
    return error.construct;
  }

  it('is refused where the rows that it meets cannot be known', async () => {
    await reset(world.first);
    assert.deepEqual(
      [
        await refusal("REPLACE INTO users (n, mail) VALUES (1, CONCAT(n, '@x'))"),
        await refusal(
          "INSERT INTO users (mail, nick) VALUES ('ann@x', 'ann'), ('zz@x', 'zz') ON DUPLICATE KEY UPDATE n = 9",
        ),
        await refusal('INSERT INTO plain (id) VALUES (1) ON DUPLICATE KEY UPDATE id = 77'),
        await refusal(
          "INSERT INTO users (id, mail) VALUES (77, 'ann@x'), (78, 'bob@x') ON DUPLICATE KEY UPDATE id = VALUES(id)",
        ),
        await refusal('REPLACE INTO parent VALUES (1, 100, 5)').then((construct) =>
          /which cascades$/.test(String(construct)),
        ),
      ],
      [
        'REPLACE: an expression as value of the unique column `mail`',
        'INSERT ... ON DUPLICATE KEY UPDATE: generated keys, where only some of its rows are there already',
        'INSERT ... ON DUPLICATE KEY UPDATE: a change of the key column `id`',
        'INSERT ... ON DUPLICATE KEY UPDATE: a change of the key column `id`',
        true,
      ],
    );
  });

  it('is followed to the row with the key 0, where sql_mode keeps it', async () => {
    await reset(world.first);
    await world.first.execute([
      "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
      "INSERT INTO users VALUES (0, 'zero@x', NULL, 1)",
    ]);
    const before = await world.first.dump();
    const connection = await connect(world.first, 'REPEATABLE READ');
    try {
      await connection.query("SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'");
      const undo = new Error('undo');
      for (const sql of [
        "INSERT INTO users (id, mail) VALUES (0, 'other@x') ON DUPLICATE KEY UPDATE n = 7",
        "INSERT INTO users (id, mail) VALUES (DEFAULT, 'other@x') ON DUPLICATE KEY UPDATE n = 7",
        "INSERT IGNORE INTO users (id, mail) VALUES (0, 'other@x')",
        "REPLACE INTO users (id, mail) VALUES (DEFAULT, 'ann@x')",
      ]) {
        const work = world.gtx.run({ name: 'undone' }, async () => {
          await connection.query(sql);
          throw undo;
        });
        await assert.rejects(work, (error) => error === undo, sql);
        await settled(world);
        assert.equal(await world.first.dump(), before, sql);
      }
    } finally {
      connection.destroy();
    }
  });

  it('loses nothing to others who insert the same at the same time', async function () {
    this.timeout(60_000);
    for (const level of LEVELS) {
      await reset(world.first);
      const before = await world.first.dump();
      const work = async (index: number) => {
        const connection = await connect(world.first, level);
        const undo = index % 2 === 0;
        try {
          for (;;) {
            const outcome = await world.gtx
              .run({ name: 'upsert' }, async () => {
                for (const id of [1, 101, 102]) {
                  await connection.query(
                    'INSERT INTO plain (id, v) VALUES (?, 1) ON DUPLICATE KEY UPDATE v = v + 1',
                    [id],
                  );
                }
                if (undo) throw new Error('undo');
              })
              .catch((error: unknown) => error);
            if (outcome === undefined || (undo && (outcome as Error).message === 'undo')) return;
          }
        } finally {
          connection.destroy();
        }
      };
      await Promise.all(Array.from({ length: 6 }, (_, index) => work(index)));
      await settled(world);
      const [found] = await world.first.pool.query(
        'SELECT id, v FROM plain WHERE id IN (1, 101, 102) ORDER BY id',
      );
      assert.deepEqual(found, [
        { id: 1, v: 13 },
        { id: 101, v: 3 },
        { id: 102, v: 3 },
      ]);
      await world.first.execute(['DELETE FROM plain WHERE id > 100', 'UPDATE plain SET v = 10 WHERE id = 1']);
      assert.equal(await world.first.dump(), before);
    }
  });
});
