import assert from 'node:assert/strict';
import { createConnection as connectNet } from 'node:net';
import { GlobalTxError } from 'globaltx';
import mysql from 'globaltx/mysql2';
import { type Connection, createConnection } from 'globaltx/mysql2/promise';
import { makeWorld, type World } from './world.js';

const TABLES = [
  'CREATE TABLE t (id INT PRIMARY KEY, k INT, v VARCHAR(50))',
  "INSERT INTO t VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')",
  'CREATE PROCEDURE opens() BEGIN START TRANSACTION; UPDATE t SET k = 77 WHERE id = 3; END',
  'CREATE FUNCTION answers_in_latin1() RETURNS INT NO SQL BEGIN SET character_set_results = latin1; RETURN 1; END',
  'CREATE TABLE child (id INT PRIMARY KEY, t INT, v VARCHAR(50), FOREIGN KEY (t) REFERENCES t (id))',
  "INSERT INTO child VALUES (1, NULL, 'of €')",
];

describe('what could slip past the analysis', () => {
  let world: World;
  let connection: Connection;
  let untouched: string;

  before(async () => {
    world = await makeWorld({ tables: TABLES });
  });

  after(() => world.close());

  beforeEach(async () => {
    untouched = await world.first.dump();
    connection = await createConnection({
      ...world.first.server.options(world.first.name),
      multipleStatements: true,
    });
  });

  afterEach(() => connection.end());

  /** Runs the work in a global transaction that is rolled back, and says by which code. */
  async function rolledBack(work: () => Promise<unknown>): Promise<string> {
    const error: unknown = await world.gtx
      .run({ name: 'slip' }, async () => {
        await work();
        throw new Error('taken back');
      })
      .catch((thrown: unknown) => thrown);
    assert.equal(await world.first.dump(), untouched);
    return error instanceof GlobalTxError ? error.code : String((error as Error).message);
  }

  for (const text of [
    'SET @a = 1, autocommit = 1',
    'SET autocommit = 1, @a = 1',
    'SET autocommit = (1)',
    'SET @a := 1, @@session.`autocommit` = 1',
  ]) {
    it(`no commit by ${text}`, async () => {
      await connection.query('SET autocommit = 0');
      const code = await rolledBack(async () => {
        await connection.query("UPDATE t SET v = 'x' WHERE id = 1");
        await connection.query(text);
      });
      assert.equal(code, 'STATEMENT_UNSUPPORTED');
    });
  }

  it('no statement that was prepared for the tables of another schema', async () => {
    const other = await world.first.server.createDatabase();
    await world.first.server.execute(TABLES, other);
    const text = 'UPDATE t SET k = k + ? WHERE id = ?';
    await connection.execute(text, [0, 1]);
    const prepared = await connection.prepare(text);
    await connection.query(`USE ${other}`);
    const fresh = await world.first.server.dump(other);
    assert.equal(await rolledBack(() => connection.execute(text, [5, 1])), 'taken back');
    await world.gtx.run(() => connection.execute(text, [5, 1]));
    assert.equal(await world.first.dump(), untouched, 'the schema of before is not written');
    assert.notEqual(
      await world.first.server.dump(other, { except: ['undo_log', 'globaltx_resource'] }),
      fresh,
    );
    assert.equal(await rolledBack(() => prepared.execute([5, 1])), 'STATEMENT_NOT_UNDERSTOOD');
  });

  it('no statement that was prepared under other quotes', async () => {
    const text = `UPDATE t SET v = ? WHERE id = IF("k" = 'k', 1, 2)`;
    await connection.query("SET sql_mode = 'ANSI_QUOTES'");
    await connection.execute(text, ['b']);
    await connection.query("SET sql_mode = ''");
    assert.equal(await rolledBack(() => connection.execute(text, ['other'])), 'taken back');
  });

  it('no text in a character set whose bytes mysql2 and the server read differently', async () => {
    await connection.query('SET NAMES sjis');
    const text = "UPDATE t SET v = '¥' WHERE id = 1 OR v = ', k = 99 WHERE id = 2 -- '";
    assert.equal(await rolledBack(() => connection.query(text)), 'STATEMENT_NOT_UNDERSTOOD');
  });

  it('no text that mysql2 encodes for utf8mb3 as what is none', async () => {
    await connection.query('SET NAMES utf8mb3');
    const code = await rolledBack(async () => {
      await connection.query("UPDATE t SET v = 'plane zero: 中' WHERE id = 1");
      await connection.query('UPDATE t SET v = ? WHERE id = 1', ['beyond: 𝄞']);
    });
    assert.equal(code, 'STATEMENT_NOT_UNDERSTOOD');
  });

  for (const autocommit of [true, false]) {
    it(`no text that comes in another character set than before, ${autocommit ? 'autocommit' : 'in a local transaction'}`, async () => {
      const write = async () => {
        if (!autocommit) await connection.beginTransaction();
        await connection.query("UPDATE t SET v = 'dearer: 8 €, 中' WHERE id = 1");
        await connection.query('UPDATE t SET v = CONCAT(v, v) WHERE id <= 2');
        await connection.query('DELETE FROM t WHERE id = 1');
        if (!autocommit) await connection.commit();
      };
      await connection.query("UPDATE t SET v = 'cheap: 7 €, 中' WHERE id <= 2");
      untouched = await world.first.dump();
      assert.equal(await rolledBack(write), 'taken back');
      await connection.query('SELECT answers_in_latin1()');
      assert.equal(await rolledBack(write), 'taken back');
      await connection.query("UPDATE t SET v = IF(id = 1, 'a', 'b') WHERE id <= 2");
    });
  }

  for (const [sql, then] of [
    ["UPDATE t SET k = answers_in_latin1(), v = '€' WHERE id = 1"],
    ['UPDATE t SET k = answers_in_latin1() WHERE k > 1'],
    ["INSERT INTO t VALUES (1, 1, '€') ON DUPLICATE KEY UPDATE v = '中', k = answers_in_latin1()"],
    ["UPDATE t JOIN child ON child.id = t.id SET t.v = '€', child.v = '中' WHERE answers_in_latin1() = 1"],
    ["INSERT INTO child VALUES (answers_in_latin1() + 1, 2, '€')"],
    ["UPDATE child SET t = 2, v = '€' WHERE id = 1", 'SELECT answers_in_latin1()'],
    ["DELETE FROM t WHERE v = 'c: €'", 'SELECT answers_in_latin1()'],
  ] as const) {
    it(`no text in another character set since ${[sql, then].filter(Boolean).join('; ')}`, async () => {
      await connection.query("UPDATE t SET v = 'b: €' WHERE id = 2");
      await connection.query("UPDATE t SET v = 'c: €' WHERE id = 3");
      untouched = await world.first.dump();
      const code = await rolledBack(async () => {
        await connection.beginTransaction();
        await connection.query(sql);
        if (then !== undefined) await connection.query(then);
        await connection.commit();
        await connection.query("UPDATE t SET v = CONCAT(v, '中') WHERE k > 1");
      });
      assert.equal(code, 'taken back');
      await connection.query("UPDATE t SET v = IF(id = 2, 'b', 'c') WHERE id > 1");
    });
  }

  it('no write to the tables of globaltx itself', async () => {
    for (const table of ['undo_log', 'globaltx_resource']) {
      const code = await rolledBack(async () => {
        await connection.query("UPDATE t SET v = 'x' WHERE id = 1");
        await connection.query(`DELETE FROM ${table}`);
      });
      assert.equal(code, 'TABLE_UNSUPPORTED', table);
    }
  });

  it('no savepoint that the server may take for another', async () => {
    const code = await rolledBack(async () => {
      await connection.beginTransaction();
      await connection.query('SAVEPOINT `e`');
      await connection.query("UPDATE t SET v = 'x' WHERE id = 1");
      await connection.query('SAVEPOINT `é`');
    });
    assert.equal(code, 'STATEMENT_UNSUPPORTED');
  });

  it('no image that sql_select_limit cuts off', async () => {
    const code = await rolledBack(async () => {
      await connection.beginTransaction();
      await connection.query("UPDATE t SET v = 'x'");
      await connection.query('SET sql_select_limit = 1');
      await connection.commit();
    });
    assert.equal(code, 'STATEMENT_UNSUPPORTED');
  });

  it('no local transaction that completion_type begins, unseen', async () => {
    await connection.query('SET completion_type = 1');
    const code = await rolledBack(() => connection.query("UPDATE t SET v = 'x'"));
    await connection.query('SET completion_type = 0');
    assert.equal(code, 'STATEMENT_UNSUPPORTED');
    const later = await rolledBack(async () => {
      await connection.beginTransaction();
      await connection.query("UPDATE t SET v = 'x'");
      await connection.query("SET completion_type = 'CHAIN'");
      await connection.commit();
    });
    await connection.query('SET completion_type = 0');
    assert.equal(later, 'STATEMENT_UNSUPPORTED');
  });

  it('no local transaction that was opened outside, unseen', async () => {
    for (const opening of ['CALL opens()', '/*!50000 BEGIN */', '/*!50000 SET @a = 1 */; BEGIN']) {
      await connection.query(opening);
      const code = await rolledBack(() => connection.query("UPDATE t SET v = 'x' WHERE id = 1"));
      assert.equal(code, 'LOCAL_TRANSACTION_FOREIGN', opening);
      await connection.query('ROLLBACK');
      assert.equal(await world.first.dump(), untouched, opening);
    }
  });

  it('no sql_mode that was set outside, unseen', async () => {
    await world.gtx.run(() => connection.query("UPDATE t SET v = 'a' WHERE id = 1"));
    await connection.query("/*!50000 SET sql_mode = 'NO_BACKSLASH_ESCAPES' */");
    const text = "UPDATE t SET v = 'a\\' , k = 99 WHERE id = 2 -- ' WHERE id = 1";
    assert.equal(await rolledBack(() => connection.query(text)), 'taken back');
  });

  it('no statement of one global transaction in the local transaction of another', async () => {
    let goOn = (): void => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const first = world.gtx.run({ name: 'first' }, async () => {
      await connection.beginTransaction();
      await connection.query("UPDATE t SET v = 'a' WHERE id = 1");
      await gate;
      await connection.commit();
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const code = await rolledBack(() => connection.query("UPDATE t SET v = 'x' WHERE id = 2"));
    assert.equal(code, 'LOCAL_TRANSACTION_FOREIGN');
    goOn();
    await first;
  });

  it('no copy of a schema, on the same server, that carries the identity of its original', async () => {
    await world.gtx.run(() => connection.query("UPDATE t SET v = 'a' WHERE id = 1"));
    const copy = await world.first.server.createDatabase();
    const original = world.first.name;
    for (const table of ['t', 'undo_log', 'globaltx_resource']) {
      await world.first.execute([
        `CREATE TABLE ${copy}.${table} LIKE ${original}.${table}`,
        `INSERT INTO ${copy}.${table} SELECT * FROM ${original}.${table}`,
      ]);
    }
    await connection.query(`USE ${copy}`);
    const code = await rolledBack(() => connection.query("UPDATE t SET v = 'x' WHERE id = 2"));
    assert.equal(code, 'RESOURCE_CLAIMED_TWICE');
  });

  it('no second server behind a stream of its own', async () => {
    const { first, second } = world;
    const shared = 'streamed';
    for (const { server } of [first, second]) {
      await server.execute([`CREATE DATABASE ${shared}`]);
      await server.execute(TABLES.slice(0, 2), shared);
    }
    const pools = [first, second].map(({ server }) => {
      const { host: _, port: __, ...options } = server.options(shared);
      return mysql.createPool({ ...options, stream: () => connectNet(server.port, '127.0.0.1') }).promise();
    });
    const dumps = () =>
      Promise.all(
        [first, second].map(({ server }) =>
          server.dump(shared, { except: ['undo_log', 'globaltx_resource'] }),
        ),
      );
    const streamed = await dumps();
    await rolledBack(async () => {
      for (const pool of pools) await pool.query("UPDATE t SET v = 'x' WHERE id = 1");
    });
    assert.deepEqual(await dumps(), streamed);
    await Promise.all(pools.map((pool) => pool.end()));
  });

  it('no statement that is sent before the server has said what it is', async () => {
    const early = mysql.createConnection(world.first.server.options(world.first.name));
    const code = await rolledBack(
      () =>
        new Promise<void>((resolve, reject) => {
          early.query("UPDATE t SET v = 'x' WHERE id = 1", (error) => (error ? reject(error) : resolve()));
        }),
    );
    early.destroy();
    assert.equal(code, 'taken back');
  });
});
