import assert from 'node:assert/strict';
import type { PoolConnection, ResultSetHeader } from 'globaltx/mysql2/promise';
import { ISOLATIONS, MODES } from './both-ways.js';
import { makeWorld, settled, type TestDatabase, type World } from './world.js';

const TABLES = ['t', 'pair', 'trio', 'u'];

const STATEMENTS: readonly { readonly sql: string; readonly values?: readonly (string | number | null)[] }[] =
  [
    { sql: 'INSERT INTO t (v, n) SELECT v, id FROM u WHERE id > ? ORDER BY id DESC', values: [0] },
    { sql: "INSERT INTO t (v) SELECT 'one'" },
    { sql: 'INSERT INTO t (v) SELECT ? FROM DUAL WHERE 1', values: ['x'] },
    { sql: 'INSERT INTO t (id, v) SELECT NULL, v FROM u' },
    { sql: 'INSERT INTO t SELECT 0, v, id FROM u LIMIT 2' },
    { sql: 'INSERT INTO t (v, n) SELECT v, RAND(3) * 100 FROM u ORDER BY RAND(5)' },
    { sql: 'INSERT IGNORE INTO t (v) SELECT v FROM u WHERE id < 3' },
    { sql: 'REPLACE INTO t (v) SELECT v FROM u WHERE id < 3' },
    { sql: 'INSERT INTO pair (shop, v) SELECT id, v FROM u' },
    { sql: "INSERT INTO t (id, v) VALUES (NULL, 'a'), (0, 'b'), (DEFAULT, 'c')" },
    { sql: "INSERT INTO t (id, v) VALUES (NULL, 'a'), (4, 'b'), (?, 'c')", values: [null] },
    { sql: "INSERT INTO t (id, v) VALUES (77, 'a'), (NULL, 'b'), (90, 'c')" },
    { sql: "INSERT IGNORE INTO t (id, v) VALUES (NULL, 'a'), (2, 'b'), (NULL, 'c'), (90, 'd')" },
    { sql: "REPLACE INTO t (id, v) VALUES (NULL, 'a'), (2, 'b'), (NULL, 'c')" },
    { sql: 'INSERT INTO pair (shop, id, v) VALUES (1, NULL, 5), (1, 4, 6), (2, 4, 7), (1, 0, 8)' },
    { sql: "INSERT IGNORE INTO trio (shop, v) VALUES (1, 'x'), (2, 'b'), (1, 'y'), (1, 'c')" },
    { sql: "INSERT IGNORE INTO trio (shop, v) VALUES (1, 'b'), (2, 'x'), (1, 'c')" },
  ];

describe('An INSERT whose keys the server makes', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20), n INT)',
        'CREATE TABLE pair (shop INT, id INT AUTO_INCREMENT, v VARCHAR(20), PRIMARY KEY (shop, id), KEY (id))',
        'CREATE TABLE trio (shop INT, id INT AUTO_INCREMENT, v VARCHAR(20) UNIQUE, PRIMARY KEY (shop, id), KEY (id))',
        'CREATE TABLE u (id INT PRIMARY KEY, v VARCHAR(20))',
        "INSERT INTO u VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e')",
      ],
    });
  });

  after(() => world.close());

  async function reset({ execute }: TestDatabase): Promise<void> {
    await execute([
      'DELETE FROM t',
      'DELETE FROM pair',
      'DELETE FROM trio',
      'ALTER TABLE t AUTO_INCREMENT = 1',
      'ALTER TABLE pair AUTO_INCREMENT = 1',
      'ALTER TABLE trio AUTO_INCREMENT = 1',
      "INSERT INTO t (id, v) VALUES (1, 'x'), (2, 'y'), (9, 'z')",
      "INSERT INTO pair (shop, id, v) VALUES (1, 1, 'x'), (1, 9, 'y')",
      "INSERT INTO trio (shop, id, v) VALUES (1, 1, 'x'), (1, 9, 'y')",
    ]);
  }

  async function perform(
    connection: PoolConnection,
    { sql, values }: (typeof STATEMENTS)[number],
    mode: (typeof MODES)[number],
  ): Promise<unknown> {
    if (mode !== 'autocommit') await connection.beginTransaction();
    const [result] = await (values === undefined
      ? connection.query(sql)
      : connection.execute(sql, [...values]));
    const [ids] = await connection.query('SELECT LAST_INSERT_ID() AS id');
    if (mode !== 'autocommit') await connection.commit();
    if (Array.isArray(result)) return { result, ids };
    const { affectedRows, insertId, info, warningStatus } = result as ResultSetHeader;
    return { affectedRows, insertId, info, warningStatus, ids };
  }

  async function rows({ pool }: TestDatabase): Promise<unknown> {
    const all = await Promise.all(TABLES.map((table) => pool.query(`SELECT * FROM ${table} ORDER BY 1, 2`)));
    return all.map(([found]) => found);
  }

  for (const isolation of ISOLATIONS) {
    for (const mode of MODES) {
      for (const statement of STATEMENTS) {
        it(`answers as plain mysql2 does, and is undone: ${statement.sql} (${isolation}, ${mode})`, async () => {
          const connections = await Promise.all(
            [world.first, world.second].map(({ pool }) => pool.getConnection()),
          );
          const [one, other] = connections as [PoolConnection, PoolConnection];
          try {
            for (const connection of connections) {
              await connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
              await connection.query('SELECT LAST_INSERT_ID(5)');
            }
            await reset(world.first);
            const before = await world.first.dump();
            const undo = new Error('undo');
            await assert.rejects(
              world.gtx.run({ name: 'undone' }, async () => {
                await perform(one, statement, mode);
                throw undo;
              }),
              (error) => error === undo,
            );
            await settled(world);
            assert.equal(await world.first.dump(), before);
            await Promise.all([reset(world.first), reset(world.second)]);
            const inside = await world.gtx.run({ name: 'kept' }, () => perform(one, statement, mode));
            assert.deepEqual(inside, await perform(other, statement, mode));
            assert.deepEqual(await rows(world.first), await rows(world.second));
          } finally {
            for (const connection of connections) connection.destroy();
          }
        });
      }
    }
  }

  for (const sql of [
    "INSERT INTO pairs (b) VALUES ('y'), ('z')",
    "INSERT IGNORE INTO pairs (b) VALUES ('x'), ('z')",
  ]) {
    it(`is refused where rows would get the last value of the counter again and again: ${sql}`, async () => {
      const { first } = world;
      await first.execute([
        'CREATE TABLE pairs (a TINYINT NOT NULL AUTO_INCREMENT, b VARCHAR(9), PRIMARY KEY (a, b))',
        "INSERT INTO pairs VALUES (127, 'x')",
      ]);
      const before = await first.dump();
      await world.gtx.run(() => assert.rejects(first.pool.query(sql), { code: 'STATEMENT_UNSUPPORTED' }));
      assert.equal(await first.dump(), before);
      await first.execute('DROP TABLE pairs');
    });
  }

  it('is refused where a given one could move the counter between two generated ones', async () => {
    await reset(world.first);
    const before = await world.first.dump();
    for (const given of ['10', '1000', '-3', '1e3', '9.6']) {
      await assert.rejects(
        world.gtx.run({ name: 'refused' }, () =>
          world.first.pool.query(`INSERT INTO t (id, v) VALUES (NULL, 'a'), (${given}, 'b'), (NULL, 'c')`),
        ),
        { code: 'STATEMENT_UNSUPPORTED', construct: /generated AUTO_INCREMENT values behind a given one/ },
      );
    }
    assert.equal(await world.first.dump(), before);
  });
});
