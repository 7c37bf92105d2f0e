import assert from 'node:assert/strict';
import type { PoolConnection } from 'globaltx/mysql2/promise';
import type { FieldPacket } from 'mysql2';
import { askedOfLastStatement } from '../../src/client/mysql2/last-statement.js';
import { ITEM, itSeesTheSame } from './driver-ways.js';
import { makeWorld, type World } from './world.js';

/** Each leaves another number of rows or warnings behind. */
const STATEMENTS = [
  "INSERT INTO item (name) VALUES ('a'), ('b')",
  "INSERT INTO item (name, price) VALUES ('a', 'none')",
  'UPDATE item SET price = 7',
  'UPDATE item SET price = 7 WHERE id = 1',
  'UPDATE item SET price = price',
  "UPDATE item SET price = 'none'",
  'UPDATE item SET price = 8 ORDER BY id LIMIT 2',
  "UPDATE IGNORE item SET id = 2, name = 'far too long a name for this column'",
  'DELETE FROM item WHERE id < 3',
  'DELETE a FROM item a JOIN item b ON b.id = a.id',
  'REPLACE INTO item (id) VALUES (1), (2)',
  "INSERT INTO item (id) VALUES (1) ON DUPLICATE KEY UPDATE name = 'x'",
  'INSERT IGNORE INTO item (id) VALUES (1), (9)',
  "INSERT INTO item (id, name) SELECT 1 + MAX(id), 'x' FROM item",
  'SELECT * FROM item FOR UPDATE',
  'SELECT 1',
  'SET @a = 1',
];

const COUNTS = [
  'SELECT ROW_COUNT() AS n',
  'SELECT row_count( )',
  'SELECT ROW_COUNT(), LAST_INSERT_ID() AS id, 5 five, @@warning_count w;',
  'SHOW COUNT(*) WARNINGS',
  'SHOW COUNT(*) ERRORS',
  'SELECT @@warning_count AS n',
  'SELECT @@session.error_count',
];

const LISTS = ['SHOW WARNINGS', 'SHOW ERRORS'];

/** Their warnings are not there any more when somebody asks for them. */
const UNLISTED = new Set(['SELECT * FROM item FOR UPDATE']);

function facts(field: FieldPacket): unknown {
  const { name, columnType, columnLength, flags, decimals } = field;
  return { name, columnType, columnLength, flags, decimals };
}

describe('what a session says of its last statement', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({ tables: [ITEM] });
  });

  after(() => world.close());

  const lax = "SET sql_mode = 'NO_ENGINE_SUBSTITUTION'";

  for (const local of [false, true]) {
    for (const statement of STATEMENTS) {
      const questions = UNLISTED.has(statement)
        ? COUNTS.filter((question) => !/WARN|ERR/i.test(question))
        : [...COUNTS, ...LISTS];
      itSeesTheSame(() => world, {
        [`is that of mysql2 after ${statement}${local ? ', in a local transaction' : ''}`]: async (
          { promises },
          options,
          tell,
        ) => {
          const connection = await promises.createConnection(options);
          try {
            await connection.query(lax);
            for (const question of questions) {
              for (const ask of ['query', 'execute'] as const) {
                // MySQL prepares no text that asks for warnings.
                if (ask === 'execute' && !/^SELECT row_count[^,]*$/i.test(question)) continue;
                await connection.beginTransaction();
                if (!local) await connection.rollback();
                await connection.query(statement);
                const [rows, fields] =
                  ask === 'query' ? await connection.query(question) : await connection.execute(question);
                tell(question, rows, fields.map(facts));
                tell(question, (await connection.query({ sql: question, rowsAsArray: true }))[0]);
                await connection.query('ROLLBACK');
              }
            }
          } finally {
            await connection.end();
          }
        },
      });
    }
  }

  itSeesTheSame(() => world, {
    'is that of mysql2 for one who asks for one thing after the other': async (
      { promises },
      options,
      tell,
    ) => {
      const connection = await promises.createConnection(options);
      await connection.query(lax);
      await connection.query("INSERT INTO item (name, price) VALUES ('a', 'none'), ('b', 'none')");
      for (const question of [
        'SHOW WARNINGS',
        'SHOW COUNT(*) WARNINGS',
        'SHOW WARNINGS',
        'SELECT @@warning_count AS n',
        'SHOW WARNINGS',
        'SELECT ROW_COUNT() AS n',
        'SELECT ROW_COUNT() AS n, FOUND_ROWS() AS f',
      ]) {
        tell(question, (await connection.query(question))[0]);
      }
      await connection.end();
    },
    'is that of mysql2 after BEGIN, COMMIT and SAVEPOINT': async ({ promises }, options, tell) => {
      const connection = await promises.createConnection(options);
      for (const statement of ['BEGIN', 'SAVEPOINT a', "INSERT INTO item (name) VALUES ('a')", 'COMMIT']) {
        await connection.query(statement);
        tell((await connection.query('SELECT ROW_COUNT() AS n, @@warning_count AS w'))[0]);
      }
      await connection.end();
    },
    'is that of mysql2 for ROW_COUNT() after an error': async ({ promises }, options, tell) => {
      const connection = await promises.createConnection(options);
      await assert.rejects(connection.query('INSERT INTO item (id) VALUES (1)'));
      tell((await connection.query('SELECT ROW_COUNT() AS n'))[0]);
      await connection.end();
    },
    'is that of mysql2 for LAST_INSERT_ID(), and for the rows that a plain read has found': async (
      { promises },
      options,
      tell,
    ) => {
      const connection = await promises.createConnection(options);
      await connection.query("INSERT INTO item (name) VALUES ('a'), ('b')");
      tell((await connection.query('SELECT LAST_INSERT_ID() AS id'))[0]);
      await connection.query('SELECT SQL_CALC_FOUND_ROWS id FROM item LIMIT 1');
      tell((await connection.query('SELECT FOUND_ROWS() AS n'))[0]);
      await connection.end();
    },
  });

  async function inside(work: (connection: PoolConnection) => Promise<void>): Promise<void> {
    await world.gtx.run(async () => {
      const connection = await world.first.pool.getConnection();
      try {
        await work(connection);
      } finally {
        connection.release();
      }
    });
  }

  for (const [statement, question] of [
    ["INSERT INTO item (name) VALUES ('a')", 'SELECT FOUND_ROWS() AS n'],
    ["INSERT INTO item (name) VALUES ('a')", 'SELECT ROW_COUNT() + 1'],
    ["INSERT INTO item (name) VALUES ('a')", 'SELECT id FROM item WHERE id = ROW_COUNT()'],
    ['UPDATE item SET price = 2 WHERE id = 1 + ROUND(RAND())', 'SELECT ROW_COUNT() INTO @n'],
    ['SELECT * FROM item LIMIT 1 FOR UPDATE', 'SELECT FOUND_ROWS()'],
    ['SELECT * FROM item FOR UPDATE', 'SHOW WARNINGS'],
  ] as const) {
    it(`is refused rather than told wrongly: ${question} after ${statement}`, async () => {
      for (const local of [false, true]) {
        await inside(async (connection) => {
          if (local) await connection.beginTransaction();
          await connection.query(statement);
          await assert.rejects(connection.query(question), { code: 'STATEMENT_UNSUPPORTED' });
          if (local) await connection.commit();
        });
      }
    });
  }

  it('is refused in what is written', () =>
    inside(async (connection) => {
      const write = 'INSERT INTO item (big) VALUES (ROW_COUNT())';
      await assert.rejects(connection.query(write), { code: 'STATEMENT_UNSUPPORTED' });
    }));

  it('is not asked for by names and texts that are spelled alike', () => {
    const dialect = { server: 'mysql', noBackslashEscapes: false, ansiQuotes: false } as const;
    for (const text of [
      "SELECT 'ROW_COUNT()'",
      'SELECT row_count FROM item',
      'SELECT `warnings` FROM errors',
      'SELECT 1 /* SHOW WARNINGS */',
    ]) {
      assert.equal(askedOfLastStatement(text, dialect), undefined, text);
    }
  });
});
