import assert from 'node:assert/strict';
import { GlobalTxError, withoutTransaction } from 'globaltx';
import { type Case, itBothWays } from './both-ways.js';
import { makeWorld, settled, type World } from './world.js';

const TABLES = [
  ...['t', 'pair', 'word', 'bytes_key', 'day_key', 'price_key'],
  ...['float_key', 'enum_key', 'set_key', 'bit_key', 'time_key', 'year_key', 'code_key'],
];

const CASES: readonly Case[] = [
  { name: 'a key changed to a literal', sql: 'UPDATE t SET id = 70 WHERE id = 1' },
  {
    name: 'a key changed to a placeholder',
    sql: 'UPDATE t SET v = ?, id = ? WHERE id = ?',
    values: [5, 71, 2],
  },
  { name: 'a key changed to text that is a number', sql: "UPDATE t SET id = '72' WHERE id = 2" },
  { name: 'keys moved up one after the other', sql: 'UPDATE t SET id = id + 1 ORDER BY id DESC' },
  { name: 'keys moved up far', sql: 'UPDATE t SET id = id + 1000, v = v + 1' },
  { name: 'a key changed to what it is', sql: 'UPDATE t SET id = id, v = 9' },
  { name: 'a key changed to one that is taken', sql: 'UPDATE t SET id = 2 WHERE id = 1' },
  { name: 'keys of which some are taken', sql: 'UPDATE t SET id = id + 1 ORDER BY id' },
  { name: 'a key changed to NULL', sql: 'UPDATE t SET id = NULL WHERE id = 1' },
  { name: 'a key changed to what does not fit', sql: "UPDATE t SET id = 'x' WHERE id = 1" },
  { name: 'a key of no row', sql: 'UPDATE t SET id = 5 WHERE id = 500' },
  { name: 'keys changed with LIMIT', sql: 'UPDATE t SET id = id + 50 ORDER BY v DESC LIMIT 2' },
  { name: 'one part of a key', sql: 'UPDATE pair SET b = b + 10 WHERE a = 1' },
  { name: 'both parts of a key', sql: 'UPDATE pair AS p SET p.a = p.a + 1, p.b = 5 WHERE p.b = 2' },
  { name: 'a key of text', sql: "UPDATE word SET w = CONCAT(w, 'ß🙂')" },
  { name: 'a key of text in another case', sql: 'UPDATE word SET w = UPPER(w)' },
  { name: 'a key of bytes', sql: "UPDATE bytes_key SET k = x'00ff27', v = 2" },
  { name: 'a key of time', sql: 'UPDATE day_key SET d = d + INTERVAL 1 SECOND' },
  { name: 'a key of decimals', sql: 'UPDATE price_key SET p = p * -2' },
  { name: 'a key of FLOAT', sql: 'UPDATE float_key SET k = k / 3' },
  { name: 'a key of ENUM by its number', sql: 'UPDATE enum_key SET k = k + 1' },
  { name: 'a key of ENUM by its name', sql: "UPDATE enum_key SET k = 'c' WHERE k = 'b'" },
  { name: 'a key of SET', sql: "UPDATE set_key SET k = CONCAT('c,', k)" },
  { name: 'a key of BIT', sql: 'UPDATE bit_key SET k = k * 2' },
  { name: 'a key of TIME', sql: "UPDATE time_key SET k = '-10:00:00.26'" },
  { name: 'a key of YEAR', sql: 'UPDATE year_key SET k = 71' },
  { name: 'a key to its default', sql: 'UPDATE code_key SET k = DEFAULT' },
  { name: 'keys with IGNORE, of which some are taken', sql: 'UPDATE IGNORE t SET id = id + 1 ORDER BY id' },
  { name: 'keys with IGNORE, that are cut', sql: "UPDATE IGNORE code_key SET k = CONCAT(k, 'xyz')" },
];

describe('an UPDATE of keys gives what plain mysql2 gives and is undone to the byte:', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE t (id INT PRIMARY KEY, u INT UNIQUE, v INT)',
        'INSERT INTO t VALUES (1, 10, 1), (2, 20, 2), (3, 30, 3)',
        'CREATE TABLE pair (a INT, b INT, v INT, PRIMARY KEY (a, b))',
        'INSERT INTO pair VALUES (1, 1, 1), (1, 2, 2), (2, 2, 3)',
        'CREATE TABLE word (w VARCHAR(50) CHARACTER SET utf8mb4 PRIMARY KEY)',
        "INSERT INTO word VALUES ('a'), ('b c'), ('ü''x')",
        'CREATE TABLE bytes_key (k VARBINARY(20) PRIMARY KEY, v INT)',
        "INSERT INTO bytes_key VALUES (x'0001', 1)",
        'CREATE TABLE day_key (d DATETIME(3) PRIMARY KEY)',
        "INSERT INTO day_key VALUES ('2024-02-29 12:00:00.125'), ('2030-01-01')",
        'CREATE TABLE price_key (p DECIMAL(20, 6) PRIMARY KEY)',
        'INSERT INTO price_key VALUES (1.5), (-0.000001)',
        'CREATE TABLE float_key (k FLOAT PRIMARY KEY)',
        'INSERT INTO float_key VALUES (0.1), (2)',
        "CREATE TABLE enum_key (k ENUM('a', 'b', 'c') PRIMARY KEY)",
        "INSERT INTO enum_key VALUES ('b')",
        "CREATE TABLE set_key (k SET('a', 'b', 'c') PRIMARY KEY)",
        "INSERT INTO set_key VALUES ('b'), ('a,b')",
        'CREATE TABLE bit_key (k BIT(12) PRIMARY KEY)',
        'INSERT INTO bit_key VALUES (5), (700)',
        'CREATE TABLE time_key (k TIME(1) PRIMARY KEY)',
        "INSERT INTO time_key VALUES ('100:00:00')",
        'CREATE TABLE year_key (k YEAR PRIMARY KEY)',
        'INSERT INTO year_key VALUES (2024)',
        "CREATE TABLE code_key (k VARCHAR(4) DEFAULT 'none' PRIMARY KEY)",
        "INSERT INTO code_key VALUES ('ab')",
      ],
    });
  });

  after(() => world.close());

  itBothWays(() => world, TABLES, CASES);

  it('rows that have swapped their keys', async () => {
    const before = await world.first.dump();
    const undo = new Error('undo it');
    await assert.rejects(
      world.gtx.run({ name: 'swap' }, async () => {
        const connection = await world.first.pool.getConnection();
        try {
          await connection.beginTransaction();
          await connection.query('UPDATE t SET id = 99 WHERE id = 1');
          await connection.query('UPDATE t SET id = 1 WHERE id = 2');
          await connection.query('UPDATE t SET id = 2, v = v + 1 WHERE id = 99');
          await connection.commit();
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

  it('a row that has changed its key and is then deleted', async () => {
    const before = await world.first.dump();
    const undo = new Error('undo it');
    await assert.rejects(
      world.gtx.run({ name: 'moved and gone' }, async () => {
        const connection = await world.first.pool.getConnection();
        try {
          await connection.beginTransaction();
          await connection.query('UPDATE t SET id = 99 WHERE id = 1');
          await connection.query('DELETE FROM t WHERE id = 99');
          await connection.commit();
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

  it('both keys are locked for others until the end', async () => {
    await world.gtx
      .run({ name: 'holder' }, async () => {
        await world.first.pool.query('UPDATE t SET id = 200 WHERE id = 3');
        for (const sql of ['INSERT INTO t VALUES (3, 300, 1)', 'UPDATE t SET v = 0 WHERE id = 200']) {
          const error = await withoutTransaction(() =>
            world.gtx.run({ name: 'other', lockWait: 200 }, () => world.first.pool.query(sql)),
          ).catch((thrown: unknown) => thrown);
          assert.ok(error instanceof GlobalTxError, String(error));
          assert.match(error.code, /LOCK/);
        }
        throw new Error('undo it');
      })
      .catch((error: Error) => assert.equal(error.message, 'undo it'));
    await settled(world);
  });

  for (const [name, sql] of [
    ['a key by a column that is assigned before it', 'UPDATE t SET v = v + 1, id = v + 100'],
    ['a key by a value that is another each time', 'UPDATE t SET id = FLOOR(RAND() * 1000) WHERE id = 1'],
    ['a key by a subquery', 'UPDATE t SET id = (SELECT 100) WHERE id = 1'],
    ['a key to a default that it has not', 'UPDATE t SET id = DEFAULT WHERE id = 1'],
  ] as const) {
    it(`${name} is refused`, async () => {
      const error = await world.gtx
        .run({ name }, () => world.first.pool.query(sql))
        .catch((thrown: unknown) => thrown);
      assert.equal((error as GlobalTxError).code, 'STATEMENT_UNSUPPORTED', String(error));
    });
  }
});
