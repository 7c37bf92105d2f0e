import assert from 'node:assert/strict';
import type { PoolConnection } from 'globaltx/mysql2/promise';
import { askedOfLastStatement } from '../../src/client/mysql2/last-statement.js';
import { ITEM, itSeesTheSame } from './driver-ways.js';
import { makeWorld, type World } from './world.js';

const QUESTIONS = [
  'SELECT ROW_COUNT() AS n',
  'SELECT FOUND_ROWS() AS n',
  'SHOW WARNINGS',
  'SHOW COUNT(*) WARNINGS',
  'SHOW ERRORS',
  'SELECT @@warning_count AS n',
  'SELECT @@session.error_count',
];

describe('what a session says of its last statement', () => {
  let world: World;

  before(async () => {
    world = await makeWorld({ tables: [ITEM] });
  });

  after(() => world.close());

  itSeesTheSame(() => world, {
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

  for (const question of QUESTIONS) {
    it(`is refused rather than told wrongly: ${question}`, async () => {
      for (const local of [false, true]) {
        await inside(async (connection) => {
          if (local) await connection.beginTransaction();
          await connection.query("INSERT INTO item (name) VALUES ('a')");
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
