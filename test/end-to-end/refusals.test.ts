import assert from 'node:assert/strict';
import { GlobalTxError } from 'globaltx';
import { makeWorld, type World } from './world.js';

describe('inside a global transaction is refused before it runs:', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({
      tables: [
        'CREATE TABLE t (id INT PRIMARY KEY, v INT)',
        'INSERT INTO t VALUES (1, 1), (2, 2)',
        'CREATE TABLE no_key (v INT)',
        'CREATE TABLE old (id INT PRIMARY KEY, v INT) ENGINE=MyISAM',
        'CREATE TABLE noisy (id INT PRIMARY KEY, v INT)',
        'INSERT INTO noisy VALUES (1, 1)',
        'CREATE TRIGGER whisper AFTER UPDATE ON noisy FOR EACH ROW UPDATE t SET v = v + 1',
        'CREATE TABLE parent (id INT PRIMARY KEY, code INT UNIQUE)',
        'INSERT INTO parent VALUES (1, 1)',
        'CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY fk_up (parent) REFERENCES parent (code) ON UPDATE CASCADE)',
        'CREATE VIEW seen AS SELECT *, v + 1 AS more FROM t',
        'CREATE FUNCTION sneaky(x INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN UPDATE t SET v = v + 1; RETURN x; END',
        'CREATE FUNCTION honest(x INT) RETURNS INT DETERMINISTIC NO SQL RETURN x',
      ],
    });
  });

  after(() => world.close());

  const cases: readonly (readonly [string, string, string, RegExp])[] = [
    ['CREATE TABLE', 'CREATE TABLE x (id INT)', 'STATEMENT_UNSUPPORTED', /CREATE TABLE/],
    ['TRUNCATE', 'TRUNCATE t', 'STATEMENT_UNSUPPORTED', /TRUNCATE/],
    ['LOAD DATA', "LOAD DATA INFILE 'x' INTO TABLE t", 'STATEMENT_UNSUPPORTED', /LOAD DATA/],
    ['CALL', 'CALL p()', 'STATEMENT_UNSUPPORTED', /CALL/],
    ['LOCK TABLES', 'LOCK TABLES t WRITE', 'STATEMENT_UNSUPPORTED', /LOCK TABLES/],
    [
      'an INSERT that tells of a value that it selects',
      'INSERT INTO t SELECT LAST_INSERT_ID(id + 10), v FROM t',
      'STATEMENT_UNSUPPORTED',
      /LAST_INSERT_ID/,
    ],
    [
      'a multi-table UPDATE with LIMIT',
      'UPDATE t JOIN parent USING (id) SET t.v = 5 LIMIT 1',
      'STATEMENT_UNSUPPORTED',
      /multi-table UPDATE ... LIMIT/,
    ],
    [
      'an UPDATE of tables in parentheses',
      'UPDATE (t, parent) SET t.v = 5',
      'STATEMENT_UNSUPPORTED',
      /parentheses/,
    ],
    ['a join with a view', 'UPDATE t JOIN seen USING (id) SET t.v = 5', 'TABLE_UNSUPPORTED', /view/i],
    [
      'a join that writes a table with a trigger',
      'UPDATE t JOIN noisy USING (id) SET noisy.v = 5',
      'TABLE_UNSUPPORTED',
      /whisper/,
    ],
    [
      'a primary key changed through a join by what it changes, too',
      'UPDATE t JOIN parent p ON p.id = t.id SET t.id = p.code + 7, p.code = 9',
      'STATEMENT_UNSUPPORTED',
      /key column `id`.*by `code`, which the same statement may change/,
    ],
    [
      'a join in which a column could be of two tables',
      'UPDATE t JOIN noisy ON t.id > noisy.id SET v = 5',
      'STATEMENT_UNSUPPORTED',
      /`v` in a join/,
    ],
    [
      'a primary key changed at random',
      'UPDATE t SET id = RAND() WHERE id = 1',
      'STATEMENT_UNSUPPORTED',
      /key/,
    ],
    ['a table without a key', 'INSERT INTO no_key VALUES (1)', 'TABLE_UNSUPPORTED', /key/],
    ['a table that is not transactional', 'INSERT INTO old VALUES (1, 1)', 'TABLE_UNSUPPORTED', /MyISAM/i],
    ['a table with a trigger, by its name', 'UPDATE noisy SET v = 3', 'TABLE_UNSUPPORTED', /whisper/],
    [
      'an upsert of a parent that cascades',
      'INSERT INTO parent VALUES (1, 5) ON DUPLICATE KEY UPDATE code = 5',
      'TABLE_UNSUPPORTED',
      /child|CASCADE/,
    ],
    ['a stored function that may write', 'SELECT sneaky(1)', 'STATEMENT_UNSUPPORTED', /sneaky/],
    ['the same in a condition', 'UPDATE t SET v = 5 WHERE v = sneaky (v)', 'STATEMENT_UNSUPPORTED', /sneaky/],
    [
      'an INSERT into a view with a computed column',
      'INSERT INTO seen (id, v) VALUES (3, 3)',
      'STATEMENT_UNSUPPORTED',
      /view/,
    ],
  ];

  for (const [name, sql, code, construct] of cases) {
    it(name, async () => {
      const before = await world.first.dump();
      await world.gtx.run({ name: 'refused' }, async () => {
        const connection = await world.first.pool.getConnection();
        try {
          await connection.beginTransaction();
          await connection.query('UPDATE t SET v = v + 1 WHERE id = 2');
          const error = await connection.query(sql).catch((thrown: unknown) => thrown);
          assert.ok(error instanceof GlobalTxError, String(error));
          assert.equal(error.code, code);
          assert.match(error.construct ?? '', construct);
          // The connection is usable and the local transaction stands.
          await connection.query('UPDATE t SET v = v - 1 WHERE id = 2');
          await connection.commit();
        } finally {
          connection.release();
        }
      });
      assert.equal(await world.first.dump(), before);
    });
  }

  it('but not a stored function that says that it writes nothing', async () => {
    const [rows] = await world.gtx.run({ name: 'honest' }, () =>
      world.first.pool.query('SELECT honest(7) AS seven'),
    );
    assert.deepEqual(JSON.parse(JSON.stringify(rows)), [{ seven: 7 }]);
  });

  it('a local transaction that was begun outside', async () => {
    const connection = await world.first.pool.getConnection();
    try {
      await connection.beginTransaction();
      const error = await world.gtx
        .run({ name: 'late' }, () => connection.query('UPDATE t SET v = 3 WHERE id = 1'))
        .catch((thrown: unknown) => thrown);
      assert.equal((error as GlobalTxError).code, 'LOCAL_TRANSACTION_FOREIGN');
      await connection.rollback();
    } finally {
      connection.release();
    }
  });

  it('the errors of the server stay its own', async () => {
    const error = await world.gtx
      .run({ name: 'duplicate' }, () => world.first.pool.execute('INSERT INTO t VALUES (?, 3)', [1]))
      .catch((thrown: unknown) => thrown);
    assert.deepEqual(
      [(error as { code: string }).code, (error as { errno: number }).errno, (error as { sql: string }).sql],
      ['ER_DUP_ENTRY', 1062, 'INSERT INTO t VALUES (?, 3)'],
    );
  });
});
