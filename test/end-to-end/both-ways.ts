import assert from 'node:assert/strict';
import type { Connection } from 'globaltx/mysql2/promise';
import { createConnection } from 'mysql2/promise';
import { settled, type TestDatabase, type World } from './world.js';

/** A statement to be run both ways: on plain mysql2, and in a global transaction that is rolled back. */
export interface Case {
  readonly name: string;
  readonly sql: string;
  readonly values?: readonly unknown[];
  /** Legal on one server alone. */
  readonly only?: 'mysql' | 'mariadb';
  /** In others the statement may be bound to its rows by key, and what it gives depends on how that is carried out. */
  readonly isolation?: Isolation;
}

/** Both ways at the same time of day. */
const STILL = 'SET timestamp = 1700000000';

export const ISOLATIONS = ['REPEATABLE READ', 'READ COMMITTED'] as const;
export const MODES = ['autocommit', 'in a local transaction'] as const;

type Isolation = (typeof ISOLATIONS)[number];
type Mode = (typeof MODES)[number];

interface Outcome {
  readonly answer: unknown;
  /** Every row of every table, as the session that ran the statement sees them. */
  readonly rows: unknown;
}

/** What an answer says, but for the flags of the local transaction that it was given in. */
function told([answer, fields]: readonly [unknown, unknown]): unknown {
  const names = Array.isArray(fields) ? fields.map((field: { name: string }) => field.name) : undefined;
  if (Array.isArray(answer)) return { rows: answer, names };
  const { serverStatus: _, stateChanges: __, ...header } = answer as Record<string, unknown>;
  return header;
}

async function rowsOf(connection: Connection, tables: readonly string[]): Promise<unknown> {
  const all: Record<string, unknown> = {};
  for (const table of tables) {
    const [rows] = await connection.query(`SELECT * FROM ${table} ORDER BY 1`);
    all[table] = rows;
  }
  return all;
}

async function attempt(
  connection: Connection,
  { sql, values }: Case,
  tables: readonly string[],
): Promise<Outcome> {
  let answer: unknown;
  try {
    answer = told(
      values === undefined
        ? await connection.query(sql)
        : await connection.execute(sql, values as (string | number | null)[]),
    );
  } catch (error) {
    const { code, errno, sqlState, sql: text } = error as Record<string, unknown>;
    if (code === undefined) throw error;
    answer = { code, errno, sqlState, sql: text };
  }
  return { answer, rows: await rowsOf(connection, tables) };
}

/** What plain mysql2 gives for it; nothing of it is kept. */
async function plainly(
  database: TestDatabase,
  one: Case,
  tables: readonly string[],
  isolation: Isolation,
): Promise<Outcome> {
  const connection = await createConnection(database.server.options(database.name));
  try {
    await connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
    await connection.query(STILL);
    await connection.beginTransaction();
    return await attempt(connection as Connection, one, tables);
  } finally {
    await connection.rollback();
    await connection.end();
  }
}

/** Runs a statement both ways, compares what is seen, and the database before it with that after the rollback. */
export async function checkBothWays(
  world: World,
  one: Case,
  tables: readonly string[],
  isolation: Isolation,
  mode: Mode,
): Promise<void> {
  const database = world.first;
  const expected = await plainly(database, one, tables, isolation);
  const before = await database.dump();
  let actual: Outcome | undefined;
  const undo = new Error('undo it');
  await assert.rejects(
    world.gtx.run({ name: one.name }, async () => {
      const connection = await database.pool.getConnection();
      try {
        await connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
        await connection.query(STILL);
        if (mode !== 'autocommit') await connection.beginTransaction();
        actual = await attempt(connection, one, tables);
        if (mode !== 'autocommit') await connection.commit();
        await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
        await connection.query('SET timestamp = DEFAULT');
      } finally {
        connection.release();
      }
      throw undo;
    }),
    (error) => error === undo,
  );
  assert.deepEqual(actual, expected);
  await settled(world);
  assert.equal(await database.dump(), before);
}

/** One test for every case, isolation level and mode. */
export function itBothWays(world: () => World, tables: readonly string[], cases: readonly Case[]): void {
  for (const one of cases) {
    for (const isolation of one.isolation === undefined ? ISOLATIONS : [one.isolation]) {
      for (const mode of MODES) {
        it(`${one.name} (${isolation}, ${mode})`, async () => {
          if (one.only !== undefined && one.only !== world().first.server.kind) return;
          await checkBothWays(world(), one, tables, isolation, mode);
        });
      }
    }
  }
}
