import assert from 'node:assert/strict';
import { GlobalTxError } from 'globaltx';
import { type Connection, createConnection, type FieldPacket } from 'mysql2/promise';
import { isOf, SECTIONS, type StatementKind, TABLES } from './statement-kinds.js';
import { makeWorld, type World } from './world.js';

/** Both ways at the same time of day. */
const STILL = 'SET timestamp = 1700000000';

/** No rollback sets them back, and how far a statement moves them is left to the server. */
const COUNTERS = ['account', 'entry'].map((table) => `ALTER TABLE ${table} AUTO_INCREMENT = 4`);

/** What columns look like depends on the plan, and the plan on statistics that the server makes anew when it likes. */
const SAME_PLANS = ['account', 'entry'].flatMap((table) => [
  `ALTER TABLE ${table} STATS_AUTO_RECALC = 0`,
  `ANALYZE TABLE ${table}`,
]);

type Asked = Pick<Connection, 'query' | 'execute'>;

/** What an answer says of its columns, but for the database's name. */
function columnsOf(fields: FieldPacket[] | undefined): unknown {
  return fields?.map((field) => {
    const { name, orgName, table, orgTable, type, flags, columnLength, characterSet, decimals } =
      field as never;
    return { name, orgName, table, orgTable, type, flags, columnLength, characterSet, decimals };
  });
}

async function answer(connection: Asked, { sql, values }: StatementKind): Promise<unknown> {
  try {
    const [result, fields] =
      values === undefined ? await connection.query(sql) : await connection.execute(sql, [...values]);
    if (Array.isArray(result)) return { rows: result, columns: columnsOf(fields) };
    const { serverStatus: _, stateChanges: __, ...header } = result as unknown as Record<string, unknown>;
    return header;
  } catch (error) {
    if (error instanceof GlobalTxError) throw error;
    const { code, errno, sqlState, sqlMessage, sql: sent } = error as Record<string, unknown>;
    const message = String(sqlMessage).replaceAll(/`(?:twin|test)_\w+`/g, '`database`');
    return { code, errno, sqlState, message, sql: sent };
  }
}

/** What the session says of the statement before. */
const LAST_INSERT_ID = 'SELECT LAST_INSERT_ID() AS id';

async function seen(connection: Asked, kind: StatementKind): Promise<unknown> {
  await connection.query(STILL);
  await connection.query('SELECT LAST_INSERT_ID(0)');
  const given = await answer(connection, kind);
  const [id] = await connection.query(LAST_INSERT_ID);
  return { given, id };
}

describe('inside a global transaction', () => {
  let world: World;
  let plain: Connection;

  before(async () => {
    world = await makeWorld({ tables: [...TABLES, ...SAME_PLANS] });
    const { first } = world;
    const twin = await first.server.createDatabase('twin');
    await first.server.execute([...TABLES, ...SAME_PLANS], twin);
    plain = await createConnection(first.server.options(twin));
  });

  after(async () => {
    await plain.end();
    await world.close();
  });

  async function rolledBack(work: (connection: Asked) => Promise<unknown>): Promise<void> {
    const wanted = new Error('roll it back');
    await assert.rejects(
      world.gtx.run(async () => {
        const connection = await world.first.pool.getConnection();
        try {
          await work(connection);
        } finally {
          connection.release();
        }
        throw wanted;
      }),
      (error) => error === wanted || assert.fail(error as Error),
    );
  }

  /** On the twin nothing stays either. */
  async function plainly(kind: StatementKind): Promise<unknown> {
    for (const sql of COUNTERS) await plain.query(sql);
    await plain.query('START TRANSACTION');
    try {
      return await seen(plain, kind);
    } finally {
      await plain.query('ROLLBACK');
    }
  }

  for (const { title, kinds } of SECTIONS) {
    for (const kind of kinds) {
      if (kind.refused !== undefined) {
        it(`${title}: ${kind.form} with ${kind.refused}, and the connection goes on`, async () => {
          const before = await world.first.dump();
          await rolledBack(async (connection) => {
            await assert.rejects(answer(connection, kind), { code: kind.refused });
            await connection.query("UPDATE tag SET uses = 77 WHERE name = 'a'");
          });
          assert.equal(await world.first.dump(), before);
        });
        continue;
      }
      it(`${title}, ${kind.form}: answers as plain mysql2, and is undone to the byte`, async () => {
        const before = await world.first.dump();
        if (!isOf(world.first.server.kind)(kind)) {
          assert.ok('code' in ((await plainly(kind)) as { given: object }).given, 'this server takes it too');
          return;
        }
        const wanted = await plainly(kind);
        await world.first.execute(COUNTERS);
        await rolledBack(async (connection) => assert.deepEqual(await seen(connection, kind), wanted));
        assert.equal(await world.first.dump(), before);
        await world.first.execute(COUNTERS);
        await rolledBack(async (connection) => {
          await connection.query('START TRANSACTION');
          assert.deepEqual(await seen(connection, kind), wanted);
          await connection.query('COMMIT');
        });
        assert.equal(await world.first.dump(), before);
      });
    }
  }
});
