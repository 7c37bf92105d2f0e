import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import { GlobalTxError } from 'globaltx';
import { createPool as createEnlistedPool } from 'globaltx/mysql2';
import { createPool as createPlainPool, type Pool, type PoolConnection } from 'mysql2';
import { makeWorld, settled, type World } from './world.js';

const MORE_RESULTS = 8;

interface Seen {
  readonly results?: readonly unknown[];
  readonly fields?: readonly unknown[];
  readonly error?: unknown;
}

/** One result, but for the flags of the local transaction that it was given in. */
function told(result: unknown): unknown {
  if (Array.isArray(result)) return JSON.parse(JSON.stringify(result));
  const { serverStatus, stateChanges: _, ...header } = result as Record<string, unknown>;
  return { ...header, more: (Number(serverStatus) & MORE_RESULTS) !== 0 };
}

const isOfSeveral = (fields: unknown) =>
  Array.isArray(fields) && fields.every((one) => one === undefined || Array.isArray(one));

function names(fields: unknown): unknown {
  return Array.isArray(fields) ? (fields as { name: string }[]).map(({ name }) => name) : fields;
}

function failure(error: unknown): unknown {
  const { code, errno, sqlState, sql } = error as Record<string, unknown>;
  return { code, errno, sqlState, sql };
}

function byCallback(connection: PoolConnection, sql: string): Promise<Seen> {
  return new Promise((resolve) => {
    connection.query(sql, (error, rows, fields) => {
      if (error) return resolve({ error: failure(error) });
      const several = isOfSeveral(fields);
      resolve(
        several
          ? { results: (rows as unknown[]).map(told), fields: (fields as unknown[]).map(names) }
          : { results: [told(rows)], fields: [names(fields)] },
      );
    });
  });
}

function byEvents(connection: PoolConnection, sql: string): Promise<readonly unknown[]> {
  return new Promise((resolve) => {
    const seen: unknown[] = [];
    const query = connection.query(sql) as unknown as EventEmitter;
    query.on('fields', (fields) => seen.push(['fields', names(fields)]));
    query.on('result', (row, index) => seen.push(['result', told(row), index]));
    query.on('error', (error) => seen.push(['error', failure(error)]));
    query.on('end', () => resolve(seen));
  });
}

const TEXTS: readonly (readonly [string, string])[] = [
  ['two writes', 'UPDATE t SET v = v + 1 WHERE id = 1; DELETE FROM t WHERE id = 2'],
  [
    'writes and reads',
    'INSERT INTO t (v) VALUES (7); SELECT * FROM t ORDER BY id; UPDATE t SET v = 0; SELECT LAST_INSERT_ID()',
  ],
  [
    'a local transaction',
    "BEGIN; UPDATE t SET v = 9; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; INSERT INTO t VALUES (50, ';'); COMMIT",
  ],
  [
    'a local transaction that is rolled back',
    'START TRANSACTION; DELETE FROM t; ROLLBACK; SELECT COUNT(*) FROM t',
  ],
  ['one that fails', "UPDATE t SET v = 3 WHERE id = 1; INSERT INTO t VALUES (1, '2'); UPDATE t SET v = 5"],
  ['one that the server does not understand', 'UPDATE t SET v = 3; SELECT FROM; UPDATE t SET v = 4'],
  ['one about a table that is not there', 'SELECT 1; UPDATE nothing SET v = 3; UPDATE t SET v = 4'],
  ['a comment behind', 'UPDATE t SET v = 3 WHERE id = 1; -- done'],
  ['a comment between', 'UPDATE t SET v = 3; /* that; was */ ; DELETE FROM t WHERE id = 1'],
  ['semicolons at its end', 'UPDATE t SET v = 3; DELETE FROM t WHERE id = 1;\n; ;'],
  ['a semicolon too many', 'UPDATE t SET v = 3; ; DELETE FROM t'],
  [
    'locking reads',
    'SELECT v FROM t WHERE id = 1 FOR UPDATE; SELECT v FROM t WHERE id > 1 LOCK IN SHARE MODE',
  ],
  ['a user variable', 'SET @a = 4; UPDATE t SET v = @a WHERE id = 1; SELECT @a'],
  [
    'another way to read text from its middle on',
    `SET sql_mode = 'ANSI_QUOTES'; UPDATE "t" SET "v" = 'x;y'; SET sql_mode = 'NO_BACKSLASH_ESCAPES'; ` +
      `UPDATE t SET v = 'a\\'; DELETE FROM t WHERE id = 1; -- '`,
  ],
];

describe('a text of several statements', () => {
  let world: World;
  let enlisted: Pool;
  let plain: Pool;

  before(async () => {
    world = await makeWorld({ tables: [] });
    const { server, name } = world.first;
    const options = { ...server.options(name), multipleStatements: true };
    enlisted = createEnlistedPool(options);
    plain = createPlainPool(options);
  });

  beforeEach(async () => {
    await world.first.execute([
      'DROP TABLE IF EXISTS t',
      'CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20))',
      "INSERT INTO t VALUES (1, '10'), (2, '20'), (3, '30')",
    ]);
  });

  after(async () => {
    await Promise.all([enlisted, plain].map((pool) => pool.promise().end()));
    await world.close();
  });

  async function on<Result>(
    pool: Pool,
    work: (connection: PoolConnection) => Promise<Result>,
  ): Promise<Result> {
    const connection = await new Promise<PoolConnection>((resolve, reject) => {
      pool.getConnection((error, made) => (error ? reject(error) : resolve(made)));
    });
    try {
      return await work(connection);
    } finally {
      connection.destroy();
    }
  }

  for (const [how, see] of [
    ['its callback', byCallback],
    ['events', byEvents],
  ] as const) {
    for (const [name, sql] of TEXTS) {
      it(`with ${name} gives what plain mysql2 gives by ${how}, and is undone`, async () => {
        const before = await world.first.dump();
        const wanted = await on<unknown>(plain, (connection) => see(connection, sql));
        const after = await world.first.dump();
        await world.first.execute(['DELETE FROM t', 'ALTER TABLE t AUTO_INCREMENT = 1']);
        await world.first.execute("INSERT INTO t VALUES (1, '10'), (2, '20'), (3, '30')");
        assert.equal(await world.first.dump(), before);
        let seen: unknown;
        let between = '';
        await assert.rejects(
          world.gtx.run({ name }, () =>
            on(enlisted, async (connection) => {
              seen = await see(connection, sql);
              between = await world.first.dump();
              throw new Error('undo it');
            }),
          ),
          /undo it/,
        );
        assert.deepEqual(seen, wanted);
        assert.equal(between, after);
        await settled(world);
        const rows = (dump: string) => dump.replace(/AUTO_INCREMENT=\d+/g, '');
        assert.equal(rows(await world.first.dump()), rows(before));
      });
    }
  }

  it('with a statement that is not supported is refused before any of them runs', async () => {
    const before = await world.first.dump();
    await world.gtx.run({ name: 'refused' }, () =>
      on(enlisted, async (connection) => {
        const error = await connection
          .promise()
          .query('UPDATE t SET v = 1; TRUNCATE t')
          .catch((thrown: unknown) => thrown);
        assert.ok(error instanceof GlobalTxError, String(error));
        assert.equal(error.code, 'STATEMENT_UNSUPPORTED');
        assert.equal(error.construct, 'TRUNCATE TABLE');
      }),
    );
    assert.equal(await world.first.dump(), before);
  });

  it('is refused by the server in its own words without multipleStatements', async () => {
    const sql = 'UPDATE t SET v = 1; DELETE FROM t';
    const wanted = await world.first.server.execute(sql, world.first.name).catch((thrown: unknown) => thrown);
    const error = await world.gtx
      .run({ name: 'one' }, () => world.first.pool.query(sql))
      .catch((thrown: unknown) => thrown);
    assert.deepEqual(failure(error), failure(wanted));
    assert.equal((error as { code: string }).code, 'ER_PARSE_ERROR');
  });
});
