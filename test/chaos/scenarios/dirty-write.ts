import { setTimeout as delay } from 'node:timers/promises';
import { currentTransaction, rollbackReport } from 'globaltx';
import type { RowDataPacket } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import { CompensationTables } from '../../../src/client/at/resource/compensation-tables.js';
import { createSessionSource } from '../../../src/client/at/resource/raw-session.js';
import { showBranch } from '../../../src/client/at/undo/show-branch.js';
import { makeWorld, type World } from '../../end-to-end/world.js';
import { Dice } from '../../simulation/dice.js';
import { RawClient } from '../../support/raw-client.js';
import type { Findings, Scenario, ScenarioOptions } from '../scenario.js';
import { DIRTY_KINDS, type DirtyKind } from './dirty-kinds.js';

const TABLES = [
  'CREATE TABLE page (id INT PRIMARY KEY, title VARCHAR(40) NOT NULL, hits INT NOT NULL) ENGINE=InnoDB',
];
const LANES = 4;
/** The coordinator's first retries of phase two come sooner. */
const RETRY_MS = 3_000;

interface Case {
  readonly id: number;
  readonly kind: DirtyKind;
  xid: string;
  /** The row as the one outside has left it. */
  left: string;
}

async function rowOf(world: World, id: number): Promise<string> {
  const connection = await createConnection(world.first.server.options(world.first.name));
  try {
    const [rows] = await connection.query<RowDataPacket[]>('SELECT id, title, hits FROM page WHERE id = ?', [
      id,
    ]);
    return JSON.stringify(rows);
  } finally {
    await connection.end();
  }
}

/** One transaction over both databases, whose row in the first is changed by someone before it is rolled back. */
async function makeDirty(world: World, one: Case): Promise<string | undefined> {
  const { id, kind } = one;
  const onPurpose = new Error('on purpose');
  const thrown = await world.gtx
    .run({ name: 'dirty' }, async () => {
      one.xid = currentTransaction()!.xid;
      await world.first.pool.query(kind.write, [id]);
      await world.second.pool.query('UPDATE page SET hits = hits + 1 WHERE id = ?', [id]);
      const outside = await createConnection(world.first.server.options(world.first.name));
      await outside.query(kind.outside, [id]);
      await outside.end();
      one.left = await rowOf(world, id);
      throw onPurpose;
    })
    .catch((error: unknown) => error);
  const status = rollbackReport(thrown)?.status;
  if (thrown === onPurpose && status === 'NEEDS_ATTENTION') return undefined;
  return `row ${id} (${kind.name}): the caller was told ${status}, ${String(thrown)}`;
}

/** What must be true of a transaction that waits for a person. */
async function examine(world: World, client: RawClient, one: Case): Promise<string[]> {
  const wrong: string[] = [];
  const say = (text: string) => wrong.push(`row ${one.id} (${one.kind.name}, ${one.xid}): ${text}`);
  const now = await rowOf(world, one.id);
  if (now !== one.left) say(`someone had left ${one.left}, and there is ${now}`);
  const status = await client.status(one.xid);
  if (status !== 'NEEDS_ATTENTION') say(`the coordinator says ${status}`);
  const { server, name } = world.first;
  const sessions = createSessionSource(
    { host: '127.0.0.1', port: server.port, user: 'root', password: '' },
    { limit: 1 },
  );
  const connection = await createConnection(server.options(name));
  try {
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT CAST(branch_id AS CHAR) AS branch FROM undo_log WHERE xid = ? AND log_status = 0',
      [one.xid],
    );
    if (rows.length !== 1) say(`${rows.length} undo records are kept`);
    for (const { branch } of rows) {
      const tables = new CompensationTables();
      const shown = await sessions.withSession((executor) =>
        showBranch(executor, { xid: one.xid, branchId: branch, schema: name, server: server.kind, tables }),
      );
      if (shown.record !== 'images' || shown.tables[0]?.rows.length !== 1) say('its images cannot be shown');
    }
  } finally {
    sessions.close();
    await connection.end();
  }
  return wrong;
}

async function inLanes<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  const lane = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Row i of the first database belongs to transaction i, and so does row i of the second. */
async function makeRows(world: World, cases: readonly Case[]): Promise<void> {
  for (const { id, kind } of cases) {
    const row = `INSERT INTO page VALUES (${id}, 'before', 0)`;
    if (kind.exists) await world.first.execute(row);
    await world.second.execute(row);
  }
}

async function examineAll(world: World, cases: readonly Case[]): Promise<string[]> {
  const client = await RawClient.connect(world.coordinator.address, { phaseTwo: undefined });
  const wrong: string[] = [];
  await inLanes(cases, async (one) => {
    wrong.push(...(await examine(world, client, one)));
  });
  client.close();
  return wrong;
}

async function run({ count, seed, say }: ScenarioOptions): Promise<Findings> {
  const dice = new Dice(seed);
  const cases: Case[] = Array.from({ length: count }, (_, i) => ({
    ...{ id: i + 1, kind: dice.pick(DIRTY_KINDS), xid: '', left: '' },
  }));
  say('starting two database servers and a coordinator');
  const world = await makeWorld({ tables: TABLES });
  try {
    await makeRows(world, cases);
    const before = await world.second.dump();
    const violations: string[] = [];
    await inLanes(cases, async (one) => {
      const wrong = await makeDirty(world, one);
      if (wrong !== undefined) violations.push(wrong);
    });
    say('every transaction is rolled back as far as it can be; looking at each');
    violations.push(...(await examineAll(world, cases)));
    if ((await world.second.dump()) !== before) violations.push('the other database is not what it was');
    say('kill -9 of the coordinator; looking at each again');
    await world.coordinator.restart();
    // Long enough for phase two to be tried again, if it were.
    await delay(RETRY_MS);
    violations.push(...(await examineAll(world, cases)));
    return {
      ...{ faults: count, committed: 0, rolledBack: 0, unknown: 0, violations, proofless: [] },
      figures: {
        'database server': `${world.first.server.kind} ${world.first.server.version}`,
        ...Object.fromEntries(
          DIRTY_KINDS.map((kind) => [kind.name, String(cases.filter((one) => one.kind === kind).length)]),
        ),
      },
    };
  } finally {
    await world.close();
  }
}

export const DIRTY_WRITE: Scenario = {
  name: 'R10',
  what: 'someone changes a row before the rollback: nothing is overwritten, and a person is asked',
  count: 100,
  run,
};
