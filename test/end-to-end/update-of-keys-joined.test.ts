import assert from 'node:assert/strict';
import { GlobalTxError, withoutTransaction } from 'globaltx';
import { type Case, ISOLATIONS, itBothWays } from './both-ways.js';
import { makeWorld, settled, type World } from './world.js';

const TABLES = [
  ...['t', 'way', 'several', 'pair', 'word', 'code_key', 'parent', 'child', 'nested', 'letter', 'price_key'],
  ...['stamped', 'doubled', 'float_key', 'enum_key', 'many'],
];

const CASES: readonly Case[] = [
  {
    name: 'a key changed to a literal',
    sql: 'UPDATE t JOIN way w ON w.old = t.id SET t.id = 70 WHERE w.id = 1',
  },
  {
    name: 'a key changed to a placeholder',
    sql: 'UPDATE t JOIN way w ON w.old = t.id SET t.v = ?, t.id = ? WHERE w.id = ?',
    values: [5, 71, 2],
  },
  { name: 'keys by themselves', sql: 'UPDATE t JOIN way w ON w.old = t.id SET t.id = t.id + 1000, t.v = 5' },
  { name: 'keys given by the other table', sql: 'UPDATE t JOIN way w ON w.old = t.id SET t.id = w.fresh' },
  {
    name: 'keys given by the other table, of which columns that are not read are changed',
    sql: 'UPDATE t JOIN way w ON w.old = t.id SET t.id = w.fresh, w.note = 1',
  },
  {
    name: 'keys given by columns that name no table',
    sql: 'UPDATE t JOIN way w ON old = t.id SET u = 7, t.id = fresh * 2 WHERE w.id = 1',
  },
  {
    name: 'the keys of both tables',
    sql: 'UPDATE t, way w SET t.id = t.id + 1000, w.id = w.id + 500 WHERE w.old = t.id',
  },
  {
    name: 'the keys of both tables, of which one says where the other goes',
    sql: 'UPDATE t JOIN way w ON w.old = t.id SET w.id = 50 - w.id, t.id = w.fresh, t.u = t.u + 1',
  },
  {
    name: 'the keys of three tables',
    sql: 'UPDATE t JOIN way w ON w.old = t.id JOIN several s ON s.id = t.id SET s.id = s.id + 90, t.id = t.id + 90, w.id = w.id + 90',
  },
  {
    name: 'the keys of several rows that are joined to one, which changes',
    sql: 'UPDATE several s JOIN t ON t.id = s.old SET s.id = s.id + 60, t.v = 9',
  },
  {
    name: 'keys of rows that are found several times',
    sql: 'UPDATE t JOIN several s ON s.old = t.id SET t.id = t.id + 60',
  },
  {
    name: 'keys of rows that are found several times, with one value each',
    sql: 'UPDATE t JOIN several s ON s.old = t.id SET t.id = s.fresh WHERE t.id = 1',
  },
  {
    name: 'keys of rows that are found several times, with a value each time',
    // In a fixed order: which of the values stays is left to the plan.
    sql: 'UPDATE several s STRAIGHT_JOIN t ON s.old = t.id SET t.id = s.id + 300',
  },
  {
    name: 'keys over a LEFT JOIN',
    sql: 'UPDATE t LEFT JOIN way w ON w.old = t.id SET t.id = IFNULL(w.fresh, t.id + 50)',
  },
  {
    name: 'keys over a LEFT JOIN that gives NULL',
    sql: 'UPDATE t LEFT JOIN way w ON w.old = t.id SET t.id = w.fresh',
  },
  {
    name: 'keys over a LEFT JOIN that gives NULL, with IGNORE',
    sql: 'UPDATE IGNORE t LEFT JOIN way w ON w.old = t.id SET t.id = w.fresh',
  },
  {
    name: 'keys of what a LEFT JOIN has found',
    sql: 'UPDATE t LEFT JOIN way w ON w.old = t.id SET t.v = 9, w.id = w.id + 10',
  },
  {
    name: 'keys of what a LEFT JOIN has not found',
    sql: 'UPDATE t LEFT JOIN way w ON w.old = t.id SET w.id = w.id + 10, t.id = t.id + 30 WHERE w.id IS NULL',
  },
  {
    name: 'keys over a RIGHT JOIN',
    sql: 'UPDATE way w RIGHT JOIN t ON w.old = t.id SET w.id = w.id + 10, t.id = t.id + 10',
  },
  {
    name: 'keys that move down into one another',
    sql: 'UPDATE t JOIN way w SET t.id = t.id - 1 WHERE w.id = 1',
  },
  {
    name: 'keys that move up into one another',
    sql: 'UPDATE t JOIN way w SET t.id = t.id + 1 WHERE w.id = 1',
  },
  {
    name: 'keys that are to be swapped',
    sql: 'UPDATE t JOIN way w SET t.id = 3 - t.id WHERE w.id = 1 AND t.id < 3',
  },
  {
    name: 'keys that move up into one another, with IGNORE',
    sql: 'UPDATE IGNORE t JOIN way w SET t.id = t.id + 1 WHERE w.id = 1',
  },
  {
    name: 'keys of both tables with IGNORE, of which some are taken',
    sql: 'UPDATE IGNORE t JOIN way w ON w.old = t.id SET t.id = 2, w.id = 3',
  },
  { name: 'a key that is taken', sql: 'UPDATE t JOIN way w ON w.old = t.id SET t.id = 3 WHERE t.id = 1' },
  {
    name: 'keys that stay',
    sql: 'UPDATE t JOIN way w ON w.old = t.id SET t.id = t.id, w.id = w.id, t.v = 8',
  },
  {
    name: 'keys of no rows',
    sql: 'UPDATE t JOIN way w ON w.old = t.id SET t.id = 70, w.id = 5 WHERE t.v = 500',
  },
  {
    name: 'keys of a table that is joined to itself',
    sql: 'UPDATE t a JOIN t b ON b.id = a.id + 1 SET a.id = a.id + 100',
  },
  {
    name: 'keys of a table that is joined to itself, given by the other row',
    sql: 'UPDATE t a JOIN t b ON b.id = a.id + 1 SET a.id = b.v + 100 WHERE b.u > 0',
  },
  {
    name: 'keys beside a subquery among the tables',
    sql: 'UPDATE t JOIN (SELECT old FROM several GROUP BY old) s ON s.old = t.id SET t.id = t.id + 40',
  },
  {
    name: 'keys with a common table expression',
    sql: 'WITH s AS (SELECT old FROM several GROUP BY old) UPDATE t JOIN s ON s.old = t.id SET t.id = t.id + 40',
    only: 'mysql',
  },
  {
    name: 'keys by a subquery in the condition',
    sql: 'UPDATE t JOIN way w ON w.old = t.id SET t.id = w.fresh WHERE t.id IN (SELECT old FROM several)',
  },
  {
    name: 'keys by a changing condition',
    sql: 'UPDATE t LEFT JOIN way w ON w.old = t.id SET t.id = t.id + 100, w.id = w.id + 100 WHERE RAND() < 2',
  },
  {
    name: 'text that is a number',
    sql: "UPDATE t JOIN way w ON w.old = t.id SET t.id = '72' WHERE t.id = 2",
  },
  { name: 'numbers that are rounded', sql: 'UPDATE t JOIN way w ON w.old = t.id SET t.id = w.fresh / 8' },
  {
    name: 'a value that does not fit',
    sql: "UPDATE t JOIN way w ON w.old = t.id SET t.id = 'x' WHERE t.id = 1",
  },
  { name: 'one part of a key', sql: 'UPDATE pair p JOIN way w ON w.old = p.a SET p.b = p.b + w.fresh' },
  {
    name: 'both parts of a key',
    sql: 'UPDATE pair p JOIN way w ON w.old = p.a SET p.a = p.a + 5, p.b = w.fresh',
  },
  { name: 'a key of text', sql: "UPDATE word k JOIN t ON t.id = k.n SET k.w = CONCAT(k.w, 'ß🙂', t.v)" },
  { name: 'a key of text in another case', sql: 'UPDATE word k JOIN t ON t.id = k.n SET k.w = UPPER(k.w)' },
  {
    name: 'a unique index where there is no primary key',
    sql: 'UPDATE code_key k JOIN t ON t.id = k.v SET k.code = CONCAT(k.code, t.u), t.id = t.id + 9',
  },
  {
    name: 'a key to its default',
    sql: 'UPDATE code_key k JOIN t ON t.id = k.v SET k.code = DEFAULT WHERE t.id = 1',
  },
  { name: 'a key of decimals', sql: 'UPDATE price_key k JOIN t ON t.id = k.v SET k.p = k.p * -2 / t.id' },
  { name: 'a key of FLOAT', sql: 'UPDATE float_key k JOIN t ON t.id = k.v SET k.k = k.k / 3' },
  { name: 'a key of ENUM', sql: 'UPDATE enum_key k JOIN t ON t.id = k.v SET k.k = t.id + 1' },
  {
    name: 'a key that changes by itself',
    sql: 'UPDATE stamped s JOIN t ON t.id = s.v SET s.v = s.v + 7, t.v = 8',
  },
  {
    name: 'a key that is computed',
    sql: 'UPDATE doubled d JOIN t ON t.id = d.v SET d.v = d.v + 7, t.id = t.id + 7',
  },
  {
    name: 'a key that foreign keys hand on',
    sql: 'UPDATE parent p JOIN way w ON w.old = p.id SET p.id = w.fresh',
  },
  {
    name: 'a key that foreign keys hand on to a table of the join',
    sql: 'UPDATE parent p JOIN child c ON c.parent = p.id SET p.id = p.id + 100',
  },
  {
    name: 'a key that foreign keys hand on to keys, beside another',
    sql: 'UPDATE parent p JOIN way w ON w.old = p.id SET p.id = p.id + 100, w.id = w.id + 100',
  },
  {
    name: 'more keys than are looked up at once',
    sql: 'UPDATE many m JOIN way w ON w.old = m.n SET m.id = m.id + w.fresh * 1000',
  },
  {
    name: 'keys of children',
    sql: 'UPDATE child c JOIN parent p ON p.id = c.parent SET c.id = c.id + 100, p.v = 3',
  },
];

describe('an UPDATE of keys over a join gives what plain mysql2 gives and is undone to the byte:', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE t (id INT PRIMARY KEY, u INT UNIQUE, v INT)',
        'INSERT INTO t VALUES (1, 10, 1), (2, 20, 2), (3, 30, 3)',
        'CREATE TABLE way (id INT PRIMARY KEY, old INT, fresh INT, note INT, KEY (old))',
        'INSERT INTO way VALUES (1, 1, 101, 0), (2, 2, 102, 0), (3, 9, 109, 0)',
        'CREATE TABLE several (id INT PRIMARY KEY, old INT, fresh INT, note INT, KEY (old))',
        'INSERT INTO several VALUES (1, 1, 201, 0), (2, 1, 201, 0), (3, 2, 202, 0), (4, 2, 203, 0), (5, 9, 9, 0)',
        'CREATE TABLE pair (a INT, b INT, v INT, PRIMARY KEY (a, b))',
        'INSERT INTO pair VALUES (1, 1, 1), (1, 2, 2), (2, 2, 3)',
        'CREATE TABLE word (w VARCHAR(50) CHARACTER SET utf8mb4 PRIMARY KEY, n INT)',
        "INSERT INTO word VALUES ('a', 1), ('b c', 2), ('ü''x', 3)",
        "CREATE TABLE code_key (code VARCHAR(4) NOT NULL DEFAULT 'none' UNIQUE, v INT)",
        "INSERT INTO code_key VALUES ('ab', 1), ('cd', 2)",
        'CREATE TABLE price_key (p DECIMAL(20, 6) PRIMARY KEY, v INT)',
        'INSERT INTO price_key VALUES (1.5, 1), (-0.000001, 3)',
        'CREATE TABLE float_key (k FLOAT PRIMARY KEY, v INT)',
        'INSERT INTO float_key VALUES (0.1, 1), (2, 2)',
        'CREATE TABLE scaled_key (k DOUBLE(12, 2) PRIMARY KEY, v INT)',
        'INSERT INTO scaled_key VALUES (0.02, 1)',
        "CREATE TABLE enum_key (k ENUM('a', 'b', 'c') PRIMARY KEY, v INT)",
        "INSERT INTO enum_key VALUES ('a', 1)",
        "CREATE TABLE stamped (at DATETIME DEFAULT '2020-01-01' ON UPDATE CURRENT_TIMESTAMP PRIMARY KEY, v INT)",
        'INSERT INTO stamped (v) VALUES (1)',
        'CREATE TABLE many (id INT PRIMARY KEY, n INT)',
        `INSERT INTO many VALUES ${Array.from({ length: 1200 }, (_, at) => `(${at}, ${at % 3})`).join(', ')}`,
        'CREATE TABLE parent (id INT PRIMARY KEY, v INT)',
        'CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id) ON UPDATE CASCADE)',
        'CREATE TABLE nested (parent INT, n INT, PRIMARY KEY (parent, n), ' +
          'FOREIGN KEY (parent) REFERENCES parent (id) ON UPDATE CASCADE)',
        'CREATE TABLE letter (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id) ON UPDATE SET NULL)',
        'INSERT INTO parent VALUES (1, 1), (2, 2), (3, 3)',
        'INSERT INTO child VALUES (1, 1), (2, 1), (3, 3)',
        'INSERT INTO nested VALUES (1, 1), (1, 2), (2, 1)',
        'INSERT INTO letter VALUES (1, 1), (2, NULL)',
      ],
    });
    // MariaDB has no keys over generated columns.
    const key =
      world.first.server.kind === 'mysql' ? 'PRIMARY KEY (twice)' : 'PRIMARY KEY (v), UNIQUE KEY (twice)';
    await world.first.execute([
      `CREATE TABLE doubled (v INT NOT NULL, twice INT AS (v * 2) STORED, ${key})`,
      'INSERT INTO doubled (v) VALUES (1), (2), (5)',
    ]);
  });

  after(() => world.close());

  itBothWays(() => world, TABLES, CASES);

  for (const isolation of ISOLATIONS) {
    it(`rows that have swapped their keys in several statements (${isolation})`, async () => {
      const before = await world.first.dump();
      const undo = new Error('undo it');
      await assert.rejects(
        world.gtx.run({ name: 'swap' }, async () => {
          const connection = await world.first.pool.getConnection();
          try {
            await connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
            await connection.beginTransaction();
            await connection.query(
              'UPDATE t JOIN way w ON w.old = t.id SET t.id = 99, w.old = 99 WHERE t.id = 1',
            );
            await connection.query(
              'UPDATE t JOIN way w ON w.old = t.id SET t.id = 1, w.id = 40 WHERE t.id = 2',
            );
            await connection.query(
              'UPDATE t JOIN way w ON w.old = t.id SET t.id = 2, w.id = 2, t.v = 7 WHERE t.id = 99',
            );
            await connection.query('DELETE t FROM t JOIN way w ON w.old = 99 WHERE t.id = 2');
            await connection.commit();
            await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
          } finally {
            connection.release();
          }
          throw undo;
        }),
        (error) => error === undo,
      );
      await settled(world);
      assert.equal(await world.first.dump(), before);
    });
  }

  it('rows whose partners come while the statement runs, under READ COMMITTED', async () => {
    const { first, gtx } = world;
    const ofT = async () => (await first.pool.query('SELECT * FROM t ORDER BY id'))[0];
    const before = await ofT();
    let done = false;
    // The newest is found first.
    const outside = (async () => {
      for (let at = 1000; !done; at++)
        await first.execute(`INSERT INTO several VALUES (${-at}, 1, ${at + 5000}, 0)`);
    })();
    const undo = new Error('undo it');
    await assert.rejects(
      gtx.run({ name: 'partners' }, async () => {
        const connection = await first.pool.getConnection();
        try {
          await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
          for (let times = 0; times < 10; times++) {
            await connection.query(
              'UPDATE t JOIN several s ON s.old = t.id SET t.id = s.fresh WHERE t.u = 10',
            );
            await connection.query('UPDATE t SET id = 1 WHERE u = 10');
          }
          await connection.query('UPDATE t JOIN several s ON s.old = t.id SET t.id = s.fresh WHERE t.u = 10');
          await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
        } finally {
          connection.release();
          done = true;
          await outside;
        }
        throw undo;
      }),
      (error) => error === undo,
    );
    await settled(world);
    assert.deepEqual(await ofT(), before);
    await first.execute('DELETE FROM several WHERE id < 0');
  });

  it('the keys stay where they went after a commit', async () => {
    const before = await world.first.dump();
    const sql = 'UPDATE t JOIN way w ON w.old = t.id SET t.id = t.id + ?, w.id = w.id + ?';
    await world.gtx.run(() => world.first.pool.query(sql, [100, 200]));
    await settled(world);
    const [rows] = await world.first.pool.query('SELECT id FROM t UNION ALL SELECT id FROM way ORDER BY 1');
    assert.deepEqual(
      (rows as { id: number }[]).map(({ id }) => id),
      [3, 3, 101, 102, 201, 202],
    );
    await world.first.execute([
      'UPDATE t SET id = id - 100 WHERE id > 100',
      'UPDATE way SET id = id - 200 WHERE id > 200',
    ]);
    assert.equal(await world.first.dump(), before);
  });

  it('the old and the new keys of every table are locked for others until the end', async () => {
    const before = await world.first.dump();
    await world.gtx
      .run({ name: 'holder' }, async () => {
        await world.first.pool.query(
          'UPDATE t JOIN way w ON w.old = t.id SET t.id = t.id + 200, w.id = w.id + 300 WHERE t.id = 2',
        );
        for (const sql of [
          'INSERT INTO t VALUES (2, 300, 1)',
          'UPDATE t SET v = 0 WHERE id = 202',
          'INSERT INTO way VALUES (2, 7, 7, 7)',
          'UPDATE way JOIN t ON t.id = 3 SET way.id = way.id + 50 WHERE way.id = 302',
          'UPDATE t JOIN way w ON w.id = 1 SET t.id = 2 WHERE t.id = 1',
        ]) {
          const error = await withoutTransaction(() =>
            world.gtx.run({ name: 'other', lockWait: 200 }, () => world.first.pool.query(sql)),
          ).catch((thrown: unknown) => thrown);
          assert.ok(error instanceof GlobalTxError, `${sql}: ${String(error)}`);
          assert.match(error.code, /LOCK/);
        }
        throw new Error('undo it');
      })
      .catch((error: Error) => assert.equal(error.message, 'undo it'));
    await settled(world);
    assert.equal(await world.first.dump(), before);
  });

  for (const [name, sql, construct] of [
    [
      'a key by a column that the same statement changes',
      'UPDATE t JOIN way w ON w.old = t.id SET t.v = t.v + 1, t.id = t.v + 100',
      'UPDATE of the key column `id` by `v`, which the same statement may change',
    ],
    [
      'a key by a column that the same statement changes behind it',
      'UPDATE t JOIN way w ON w.old = t.id SET t.id = w.fresh, w.fresh = 0',
      'UPDATE of the key column `id` by `fresh`, which the same statement may change',
    ],
    [
      'a key by the key of the other table, which changes, too',
      'UPDATE t JOIN way w ON w.old = t.id SET t.id = w.id + 100, w.id = w.id + 500',
      'UPDATE of the key column `id` by `id`, which the same statement may change',
    ],
    [
      'a key by the key of another row of its table',
      'UPDATE t a JOIN t b ON b.id = a.id + 1 SET a.id = b.id + 100',
      'UPDATE of the key column `id` by `id`, which the same statement may change',
    ],
    [
      'a key by a column that changes by itself',
      'UPDATE t JOIN stamped s ON s.v = t.id SET t.id = MONTH(s.at), s.v = 8',
      'UPDATE of the key column `id` by `at`, which the same statement may change',
    ],
    [
      'a key by what a subquery gives',
      'UPDATE t JOIN (SELECT old, MAX(fresh) AS most FROM several GROUP BY old) s ON s.old = t.id SET t.id = s.most',
      "UPDATE of the key column `id` by `most`, which may be a subquery's or of several tables",
    ],
    [
      'a key by what a subquery gives, without its name',
      'UPDATE t JOIN (SELECT old, MAX(fresh) AS most FROM several GROUP BY old) s ON s.old = t.id SET t.id = most',
      "UPDATE of the key column `id` by `most`, which may be a subquery's or of several tables",
    ],
    [
      'a key by a column of several tables',
      'UPDATE t JOIN way w ON w.old = t.id JOIN several s USING (old) SET t.id = old + 100',
      "UPDATE of the key column `id` by `old`, which may be a subquery's or of several tables",
    ],
    [
      'the keys of a table under two aliases',
      'UPDATE t a JOIN t b ON b.id = a.id + 1 SET a.id = a.id + 100, b.v = 9',
      'UPDATE of the key column `id` under two aliases',
    ],
    [
      'a key that a foreign key hands on to another target',
      'UPDATE parent p JOIN child c ON c.parent = p.id SET p.id = p.id + 100, c.id = c.id + 100',
      'UPDATE of the key column `id` in a join with `child`, which a foreign key changes with it',
    ],
    [
      'the key of one row that is joined to several, which change, too',
      'UPDATE t JOIN several s ON s.old = t.id SET t.id = 77, s.note = 5 WHERE t.u = 10',
      'UPDATE of the key column `id` in a join that finds a row of `t` several times',
    ],
    [
      'the key of one row and those of several that it is joined to',
      'UPDATE t JOIN several s ON s.old = t.id SET t.id = 77, s.id = s.id + 60 WHERE t.id = 1',
      'UPDATE of the key column `id` in a join that finds a row of `t` several times',
    ],
    [
      'the keys of several rows that are joined to one by what changes in it',
      'UPDATE several s JOIN t ON t.id = s.old SET s.id = s.id + 60, t.v = 9 WHERE t.v < 9',
      'UPDATE of the key column `id` in a join that finds a row of `t` several times',
    ],
    [
      'a key of a type that MySQL rounds in two ways',
      'UPDATE scaled_key k JOIN t ON t.id = k.v SET k.k = k.k - 0.03',
      'UPDATE of the key column `k` of a type that is rounded in two ways',
    ],
    [
      'a key by a user variable',
      'UPDATE t JOIN way w ON w.old = t.id SET t.id = @n',
      'UPDATE of the key column `id` to a value that cannot be read beforehand',
    ],
    [
      'a key by a value that is another each time',
      'UPDATE t JOIN way w ON w.old = t.id SET t.id = FLOOR(RAND() * 1000)',
      'UPDATE of the key column `id` to a value that cannot be read beforehand',
    ],
    [
      'a key by a subquery',
      'UPDATE t JOIN way w ON w.old = t.id SET t.id = (SELECT 100) WHERE t.id = 1',
      'UPDATE of the key column `id` to a value that cannot be read beforehand',
    ],
    [
      'a key that is assigned twice',
      'UPDATE t JOIN way w ON w.old = t.id SET t.id = 100, t.id = t.id + 1 WHERE t.id = 1',
      'UPDATE of the key column `id` twice',
    ],
    [
      'a key to a default that it has not',
      'UPDATE t JOIN way w ON w.old = t.id SET t.id = DEFAULT WHERE t.id = 1',
      'UPDATE of the key column `id` to a default that is computed',
    ],
  ] as const) {
    for (const isolation of ISOLATIONS) {
      it(`${name} is refused (${isolation})`, async () => {
        const before = await world.first.dump();
        const error = await world.gtx
          .run({ name }, async () => {
            const connection = await world.first.pool.getConnection();
            try {
              await connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
              await connection.query(sql);
            } finally {
              await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
              connection.release();
            }
          })
          .catch((thrown: unknown) => thrown);
        assert.equal((error as GlobalTxError).code, 'STATEMENT_UNSUPPORTED', String(error));
        assert.equal((error as GlobalTxError).construct, construct);
        assert.equal(await world.first.dump(), before);
      });
    }
  }
});
