import assert from 'node:assert/strict';
import { GlobalTxError } from 'globaltx';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { makeWorld, type World } from './world.js';

/** In a session without strict mode: what is stored is not what was given. */
const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['INSERT INTO member (kind, name, odd) SELECT 1, k, odd FROM source', /the invalid value of an ENUM/],
];

describe('what the server would store as something else', () => {
  let world: World;
  let untouched: string;

  before(async () => {
    world = await makeWorld({
      tables: [
        `CREATE TABLE member (
           kind ENUM('x', 'y') NOT NULL, name VARCHAR(9) NOT NULL, odd ENUM('p', 'q'), nothing INT,
           PRIMARY KEY (kind, name))`,
        "INSERT INTO member VALUES ('x', 'a', 'p', NULL)",
        'CREATE TABLE numbered (id INT PRIMARY KEY, nothing INT)',
        'INSERT INTO numbered VALUES (1, NULL)',
        "CREATE TABLE source (k VARCHAR(9) PRIMARY KEY, odd ENUM('p', 'q'), nothing VARCHAR(9))",
        "INSERT IGNORE INTO source VALUES ('b', 'none of them', NULL)",
      ],
    });
    untouched = await world.first.dump();
  });

  after(() => world.close());

  const inside = (work: (connection: Connection) => Promise<unknown>) =>
    world.gtx.run(async () => {
      const connection = await world.first.pool.getConnection();
      try {
        await connection.query("SET SESSION sql_mode = ''");
        return await work(connection);
      } finally {
        connection.destroy();
      }
    });

  for (const [sql, construct] of REFUSED) {
    it(`is refused: ${sql}`, async () => {
      await inside((connection) =>
        assert.rejects(connection.query(sql), (error) => {
          assert.ok(error instanceof GlobalTxError);
          assert.equal(error.code, 'STATEMENT_UNSUPPORTED');
          assert.match(error.construct ?? '', construct);
          return true;
        }),
      );
      assert.equal(await world.first.dump(), untouched);
    });
  }

  it('is undone where it is stored for NULL', async () => {
    for (const sql of [
      'INSERT INTO member (kind, name) SELECT 1, nothing FROM source',
      'INSERT IGNORE INTO member (kind, name) SELECT 1, nothing FROM source',
      'UPDATE numbered SET id = nothing',
    ]) {
      const rolledBack = inside(async (connection) => {
        await connection.query(sql);
        assert.notEqual(await world.first.dump(), untouched);
        throw new Error('roll it back');
      });
      await assert.rejects(rolledBack, { message: 'roll it back' });
      assert.equal(await world.first.dump(), untouched, sql);
    }
  });

  it('is undone where a bigint is bound to a BIT, which takes it for text or for a number', async () => {
    const { first } = world;
    await first.execute('CREATE TABLE bits (k BIT(64) PRIMARY KEY)');
    const before = await first.dump();
    const rolledBack = inside(async (connection) => {
      await connection.execute('INSERT INTO bits VALUES (?)', [9223372036854775808n as unknown as number]);
      assert.notEqual(await first.dump(), before);
      throw new Error('roll it back');
    });
    await assert.rejects(rolledBack, { message: 'roll it back' });
    assert.equal(await first.dump(), before);
    await first.execute('DROP TABLE bits');
  });

  it('is undone where bytes are bound to a number, which takes them for text', async () => {
    for (const bytes of ['A', '12'].map((text) => Buffer.from(text))) {
      const rolledBack = inside(async (connection) => {
        await connection.execute('INSERT INTO numbered (id) VALUES (?)', [bytes]);
        assert.notEqual(await world.first.dump(), untouched);
        throw new Error('roll it back');
      });
      await assert.rejects(rolledBack, { message: 'roll it back' });
      assert.equal(await world.first.dump(), untouched);
    }
  });

  it('is undone beside the invalid value of an ENUM that has an empty member', async () => {
    const { first } = world;
    await first.execute([
      "SET SESSION sql_mode = ''",
      "CREATE TABLE hollow (k ENUM('', 'a') PRIMARY KEY, v INT)",
      'INSERT INTO hollow VALUES (0, 1)',
    ]);
    const before = await first.dump();
    const rolledBack = inside(async (connection) => {
      await connection.query('INSERT INTO hollow VALUES (1, 5)');
      throw new Error('roll it back');
    });
    await assert.rejects(rolledBack, { message: 'roll it back' });
    assert.equal(await first.dump(), before);
    await first.execute('DROP TABLE hollow');
  });

  for (const sql of [
    'INSERT IGNORE INTO nights (v) VALUES (1)',
    'INSERT IGNORE INTO nights (v) SELECT 2 FROM nights',
    'INSERT INTO nights (v) SELECT 2 FROM nights ON DUPLICATE KEY UPDATE v = 3',
    'INSERT IGNORE INTO places (place, v) VALUES (1, 1), (2, 2)',
  ]) {
    it(`is found by a default that sql_mode forbids, a zero date: ${sql}`, async () => {
      const { first } = world;
      await first.execute([
        "SET SESSION sql_mode = ''",
        "CREATE TABLE nights (at DATETIME(6) NOT NULL DEFAULT '0000-00-00 00:00:00', v INT, UNIQUE KEY (at))",
        "INSERT INTO nights VALUES ('2020-01-02 03:04:05', 1)",
        "CREATE TABLE places (place INT, at TIMESTAMP NOT NULL DEFAULT '0000-00-00 00:00:00', v INT, PRIMARY KEY (place, at))",
        'INSERT INTO places (place) VALUES (2)',
      ]);
      const before = await first.dump();
      const rolledBack = inside(async (connection) => {
        await connection.query("SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'");
        await connection.query(sql).catch(({ errno }: { errno?: number }) => assert.ok(errno));
        throw new Error('roll it back');
      });
      await assert.rejects(rolledBack, { message: 'roll it back' });
      assert.equal(await first.dump(), before);
      await first.execute('DROP TABLE nights, places');
    });
  }

  it('is an error of the server in strict mode, as without a global transaction', async () => {
    await world.gtx.run(() =>
      assert.rejects(
        world.first.pool.query('INSERT INTO member (kind, name) SELECT 1, nothing FROM source'),
        {
          code: 'ER_BAD_NULL_ERROR',
        },
      ),
    );
    assert.equal(await world.first.dump(), untouched);
  });

  it('is met by an upsert as the index has it, when CHAR is padded to its length', async () => {
    const { first, gtx } = world;
    const collation = first.server.kind === 'mysql' ? 'utf8mb4_0900_ai_ci' : 'utf8mb4_unicode_nopad_ci';
    await first.execute([
      `CREATE TABLE street (name CHAR(10) COLLATE ${collation} PRIMARY KEY, v INT) CHARACTER SET utf8mb4`,
      "INSERT INTO street VALUES ('ß', 1), ('', 2)",
    ]);
    const before = await first.dump();
    await gtx
      .run(async () => {
        const connection = await first.pool.getConnection();
        await connection.query("SET SESSION sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'");
        await connection.query(
          "INSERT INTO street VALUES ('ss', 8), (_utf8mb4 X'00', 8), (_utf8mb4 X'01', 8) ON DUPLICATE KEY UPDATE v = v + 1",
        );
        connection.destroy();
        throw new Error('roll it back');
      })
      .catch((error: Error) => {
        const refused = error instanceof GlobalTxError && error.code === 'TABLE_UNSUPPORTED';
        assert.ok(refused || error.message === 'roll it back', error);
      });
    assert.equal(await first.dump(), before);
    await first.execute('DROP TABLE street');
  });

  it('is read as it is where the server makes a temporary table: a date without a month', async () => {
    const { first, gtx } = world;
    await first.execute([
      "SET SESSION sql_mode = ''",
      'CREATE TABLE seen (n INT, k VARCHAR(9), PRIMARY KEY (n, k))',
      "INSERT INTO seen VALUES (1, 'b'), (2, 'b'), (3, 'd')",
      'CREATE TABLE due (id INT PRIMARY KEY, kind VARCHAR(9), day DATE NOT NULL, at DATETIME(3), v INT)',
      "INSERT INTO due VALUES (1, 'b', '2020-00-10', '2020-01-00 01:02:03.5', 1), (2, 'c', '2021-00-00', NULL, 1)",
    ]);
    const before = await first.dump();
    for (const sql of [
      'UPDATE due SET v = 2 WHERE kind IN (SELECT k FROM seen) AND NOT v = 3 ORDER BY id LIMIT 2',
      'UPDATE due JOIN seen ON k = kind SET due.v = 3',
      'DELETE FROM due WHERE kind IN (SELECT k FROM seen) LIMIT 1',
      'UPDATE due SET id = 7 WHERE kind IN (SELECT k FROM seen) ORDER BY v LIMIT 1',
    ]) {
      await gtx
        .run(async () => {
          await first.pool.query(sql);
          assert.notEqual(await first.dump(), before);
          throw new Error('roll it back');
        })
        .catch((error: Error) => assert.equal(error.message, 'roll it back'));
      assert.equal(await first.dump(), before, sql);
    }
    await first.execute('DROP TABLE due, seen');
  });

  it('is found by what the statement asks where a JSON document is read beside it: a zero date', async () => {
    const { first, gtx } = world;
    await first.execute([
      "SET SESSION sql_mode = ''",
      'CREATE TABLE noted (id INT PRIMARY KEY, at TIMESTAMP NOT NULL, note JSON)',
      "INSERT INTO noted VALUES (1, '0000-00-00 00:00:00', '{}'), (2, '2020-01-01 00:00:00', JSON_ARRAY(1.5, CAST('2020-01-01' AS DATE)))",
    ]);
    const before = await first.dump();
    await gtx
      .run(async () => {
        await first.pool.query("DELETE FROM noted WHERE COALESCE(at, at) <= '2021-10-31 00:30:00'");
        throw new Error('roll it back');
      })
      .catch((error: Error) => assert.equal(error.message, 'roll it back'));
    assert.equal(await first.dump(), before);
    await first.execute('DROP TABLE noted');
  });

  it('is restored where a number is what the server rounds it to, however that looks', async () => {
    const { first, gtx } = world;
    await first.execute([
      'CREATE TABLE fees (id INT PRIMARY KEY, fee DOUBLE(12,2), share DOUBLE(30,10), part FLOAT(20,2))',
      'INSERT INTO fees VALUES (1, -0.03, -0.0002772118, -0.03), (2, -0.06, -0.00147, 1e17), (3, 9999999999.99, 1e19, 0.1)',
    ]);
    const before = await first.dump();
    await gtx
      .run(async () => {
        await first.pool.query('UPDATE fees SET fee = -fee / 3, share = -share / 7, part = part / 3');
        await first.pool.query('DELETE FROM fees WHERE id = 2');
        throw new Error('roll it back');
      })
      .catch((error: Error) => assert.equal(error.message, 'roll it back'));
    assert.equal(await first.dump(), before);
    await first.execute('DROP TABLE fees');
  });

  it('is refused, or stored as in plain mysql2, where a FLOAT is copied into one of fewer digits', async () => {
    const { first, gtx } = world;
    await first.execute([
      'CREATE TABLE gauges (id INT PRIMARY KEY, reading FLOAT, exactly DOUBLE(9,3))',
      'INSERT INTO gauges VALUES (1, 1.5, 2.25), (2, 1.23456, 2.5), (3, -0e0, 0)',
      'CREATE TABLE rounded (id INT PRIMARY KEY, reading FLOAT(7,3), exactly DOUBLE(5,1))',
    ]);
    const before = await first.dump();
    for (const [column, id, fits] of [
      ['reading', 1, true],
      ['reading', 2, false],
      ['reading', 3, false],
      ['exactly', 1, false],
      ['exactly', 2, true],
    ] as const) {
      const sql = `REPLACE INTO rounded (id, ${column}) SELECT id, ${column} FROM gauges WHERE id = ${id} LIMIT 1`;
      const refused = !fits && first.server.kind === 'mysql';
      const run = gtx.run(async () => {
        await first.pool.query(sql);
        throw new Error('roll it back');
      });
      await assert.rejects(run, refused ? { code: 'STATEMENT_UNSUPPORTED' } : { message: 'roll it back' });
      assert.equal(await first.dump(), before);
    }
    await first.execute('DROP TABLE gauges, rounded');
  });

  it('is refused where more spaces of ucs2 are copied than the column holds, which a literal loses', async () => {
    const { first, gtx } = world;
    await first.execute([
      'CREATE TABLE wide (id INT PRIMARY KEY, name VARCHAR(9) CHARACTER SET ucs2)',
      "INSERT INTO wide VALUES (1, 'a  '), (2, 'a   ')",
      'CREATE TABLE narrow (id INT PRIMARY KEY, name CHAR(3) CHARACTER SET utf8mb4)',
    ]);
    const copy = (id: number) =>
      gtx.run(() =>
        first.pool.query('INSERT INTO narrow SELECT id, name FROM wide WHERE id = ? LIMIT 1', [id]),
      );
    await copy(1);
    await assert.rejects(copy(2), { code: 'STATEMENT_UNSUPPORTED', message: /spaces in ucs2/ });
    await first.execute('DROP TABLE wide, narrow');
  });

  it('is refused where a query has an empty GEOMETRY, which MariaDB copies from column to column alone', async () => {
    const { first, gtx } = world;
    if (first.server.kind !== 'mariadb') return;
    await first.execute([
      "SET SESSION sql_mode = ''",
      'CREATE TABLE plots (id INT PRIMARY KEY, shape POLYGON NOT NULL, v INT)',
      'INSERT IGNORE INTO plots (id, v) VALUES (1, 2)',
    ]);
    const before = await first.dump();
    const copy = () => first.pool.query('REPLACE INTO plots SELECT id, shape, 3 FROM plots WHERE id = 1');
    await gtx.run(() => assert.rejects(copy, { code: 'STATEMENT_UNSUPPORTED' }));
    assert.equal(await first.dump(), before);
    await first.execute('DROP TABLE plots');
  });

  it('is replaced by itself in a table that another one refers to', async () => {
    const { first, gtx } = world;
    const member = "SET('a', 'b') CHARACTER SET latin1 NOT NULL";
    await first.execute([
      `CREATE TABLE parents (id ${member}, v INT, UNIQUE KEY (id))`,
      `CREATE TABLE children (id ${member}, FOREIGN KEY (id) REFERENCES parents (id))`,
      "INSERT INTO parents VALUES ('b', 1)",
    ]);
    const before = await first.dump();
    await gtx.run(() => first.pool.query('REPLACE INTO parents SELECT id, v FROM parents WHERE id = 2'));
    assert.equal(await first.dump(), before);
    await first.execute('DROP TABLE children, parents');
  });

  it('is not changed where no literal says it: a negative zero in a DOUBLE(9,2)', async () => {
    const { first, gtx } = world;
    if (first.server.kind !== 'mysql') return;
    await first.execute([
      'CREATE TABLE zeros (id INT PRIMARY KEY, reading DOUBLE(9,2), raw DOUBLE)',
      'INSERT INTO zeros VALUES (1, 2, -0e0)',
      'UPDATE zeros SET reading = raw',
    ]);
    const [[zero]] = await first.pool.query<RowDataPacket[]>(
      'SELECT CAST(reading AS CHAR) AS text FROM zeros',
    );
    assert.equal(zero?.text, '-0.00');
    await gtx.run(() =>
      assert.rejects(first.pool.query('UPDATE zeros SET reading = 1'), { code: 'TABLE_UNSUPPORTED' }),
    );
    await first.execute('DROP TABLE zeros');
  });

  for (const [sql, code] of [
    ['UPDATE dials SET id = raw', 'STATEMENT_UNSUPPORTED'],
    ['UPDATE dials SET reading = 3', 'TABLE_UNSUPPORTED'],
    ['DELETE FROM dials', 'TABLE_UNSUPPORTED'],
  ] as const) {
    it(`is not changed where no literal says it: an unrounded DOUBLE, ${sql}`, async () => {
      const { first, gtx } = world;
      if (first.server.kind !== 'mysql') return;
      await first.execute([
        'CREATE TABLE dials (id DOUBLE(5,1) PRIMARY KEY, reading DOUBLE(9,2), raw DOUBLE)',
        'INSERT INTO dials VALUES (1.5, 2, 1.2345), (2.5, 4, 1e-9)',
        'UPDATE dials SET reading = raw',
      ]);
      const before = await first.dump();
      await gtx.run(() => assert.rejects(first.pool.query(sql), { code }));
      assert.equal(await first.dump(), before);
      await first.execute('DROP TABLE dials');
    });
  }

  for (const sql of [
    'UPDATE places SET n = 5 WHERE k IN (SELECT k FROM kinds) ORDER BY n DESC, id',
    'DELETE FROM places WHERE k IN (SELECT k FROM kinds) ORDER BY n DESC, id LIMIT 1',
    'UPDATE arrows SET n = 5 WHERE k IN (SELECT k FROM kinds) ORDER BY n DESC, id',
  ]) {
    it(`is refused before the statement runs where the server cannot sort it: an empty value, ${sql}`, async () => {
      const { first, gtx } = world;
      if (first.server.kind !== 'mysql') return;
      await first.execute([
        "SET SESSION sql_mode = ''",
        'CREATE TABLE kinds (k INT)',
        'INSERT INTO kinds VALUES (1)',
        'CREATE TABLE places (id INT PRIMARY KEY, k INT, at POINT NOT NULL DEFAULT (POINT(1, 2)) INVISIBLE, n INT)',
        'INSERT INTO places VALUES (1, 1, 2), (2, 1, 3)',
        'CREATE TABLE arrows (id INT PRIMARY KEY, k INT, v VECTOR(2) NOT NULL, n INT)',
        'INSERT IGNORE INTO arrows (id, k, n) VALUES (1, 1, 2)',
      ]);
      const before = await first.dump();
      await gtx.run(() =>
        assert.rejects(first.pool.query(sql), {
          code: 'TABLE_UNSUPPORTED',
          construct: /^an empty value of type (?:point|vector)$/,
        }),
      );
      assert.equal(await first.dump(), before);
      await first.execute('DROP TABLE kinds, places, arrows');
    });
  }

  it('is not changed before the local commit where a rollback could not write it: an empty VECTOR', async () => {
    const { first, gtx } = world;
    if (first.server.kind !== 'mysql') return;
    await first.execute([
      'CREATE TABLE arrow (id INT PRIMARY KEY, v VECTOR(2) NOT NULL)',
      'INSERT IGNORE INTO arrow (id) VALUES (1)',
    ]);
    const before = await first.dump();
    await gtx.run(async () => {
      await assert.rejects(first.pool.query("UPDATE arrow SET v = TO_VECTOR('[1,2]')"), {
        code: 'TABLE_UNSUPPORTED',
        construct: 'an empty value of type vector, in column `v`',
      });
    });
    assert.equal(await first.dump(), before);
    await first.execute('DROP TABLE arrow');
  });
});
