import assert from 'node:assert/strict';
import { type Connection, createConnection } from 'mysql2/promise';
import { makeWorld, type World } from './world.js';

/** What the application sees of a statement. */
async function seen(
  connection: Pick<Connection, 'execute'>,
  sql: string,
  values: readonly unknown[],
): Promise<unknown> {
  try {
    const [result] = await connection.execute(sql, values as string[]);
    const { affectedRows, info, warningStatus } = result as unknown as Readonly<Record<string, unknown>>;
    return { affectedRows, info, warningStatus };
  } catch (error) {
    const { code, errno, sqlState, sqlMessage } = error as Readonly<Record<string, unknown>>;
    return { code, errno, sqlState, sqlMessage };
  }
}

describe('a statement whose condition has a value that is none', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE moments (moment DATETIME PRIMARY KEY, v INT)',
        "INSERT IGNORE INTO moments VALUES ('', 1)",
        'CREATE TABLE days (day DATE PRIMARY KEY, v INT)',
        "INSERT INTO days VALUES ('2024-01-01', 1)",
      ],
    });
  });

  after(() => world.close());

  for (const [sql, ...values] of [
    ['UPDATE days SET v = 2 WHERE day = ?', '0000-00-00'],
    ['UPDATE days SET v = 2 WHERE day = ?', '2024-13-45'],
    ["UPDATE days SET v = 2 WHERE day = '0000-00-00'"],
    ["DELETE FROM days WHERE day = '2024-13-45'"],
    ["DELETE FROM moments WHERE moment = ''"],
    ["UPDATE days SET nothing = 2 WHERE day = '2024-13-45'"],
  ] as const) {
    it(`answers as with plain mysql2: ${sql} ${values.join()}`, async () => {
      const plain = await createConnection(world.first.server.options(world.first.name));
      const wanted = await seen(plain, sql, values);
      await plain.end();
      await world.gtx.run({ name: 'values' }, async () => {
        const connection = await world.first.pool.getConnection();
        try {
          assert.deepEqual(await seen(connection, sql, values), wanted);
          await connection.beginTransaction();
          assert.deepEqual(await seen(connection, sql, values), wanted);
          await connection.commit();
        } finally {
          connection.release();
        }
      });
    });
  }
});

describe('a statement that another text runs in the place of', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: ['CREATE TABLE switches (id INT PRIMARY KEY AUTO_INCREMENT, bits BIT(64), wide BIT(1))'],
    });
  });

  after(() => world.close());

  for (const [sql, ...values] of [
    ['REPLACE INTO switches (bits) VALUES (?)', 2n ** 63n],
    ['INSERT INTO switches (wide) VALUES (?) ON DUPLICATE KEY UPDATE wide = ?', 5n, 1n],
    ['INSERT INTO switches (bits) VALUES (?) ON DUPLICATE KEY UPDATE bits = ?', 'AB', Buffer.from('CD')],
  ] as const) {
    it(`binds what the application binds: ${sql} ${values.map(String).join()}`, async () => {
      const plain = await createConnection(world.first.server.options(world.first.name));
      await plain.beginTransaction();
      const wanted = await seen(plain, sql, values);
      await plain.rollback();
      await plain.end();
      await world.gtx.run({ name: 'values' }, async () => {
        const connection = await world.first.pool.getConnection();
        try {
          assert.deepEqual(await seen(connection, sql, values), wanted);
        } finally {
          connection.release();
        }
      });
    });
  }
});
