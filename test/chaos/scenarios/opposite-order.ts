import { setTimeout as delay } from 'node:timers/promises';
import { GlobalTxError } from 'globaltx';
import type { PoolConnection, RowDataPacket } from 'globaltx/mysql2/promise';
import { makeWorld, settled, type World } from '../../end-to-end/world.js';
import type { Findings, Scenario, ScenarioOptions } from '../scenario.js';

/** One of the two must be ended within so many milliseconds from the moment that the circle is closed. */
const LIMIT_MS = 100;
const TABLES = [
  'CREATE TABLE item (id INT PRIMARY KEY, n INT NOT NULL) ENGINE=InnoDB',
  'INSERT INTO item VALUES (1, 0), (2, 0)',
];

/** The two rows of a pair, each with the way to it. */
type Touch = (world: World, connections: readonly PoolConnection[]) => Promise<unknown>;

interface Kind {
  readonly name: string;
  readonly rows: readonly [Touch, Touch];
  /** Whether each transaction works in a local transaction of its own connection, open until the end. */
  readonly explicit: boolean;
}

const bump = (id: number) => `UPDATE item SET n = n + 1 WHERE id = ${id}`;

const KINDS: readonly Kind[] = [
  {
    name: 'two servers, autocommit',
    rows: [(world) => world.first.pool.query(bump(1)), (world) => world.second.pool.query(bump(2))],
    explicit: false,
  },
  {
    name: 'one database, autocommit',
    rows: [(world) => world.first.pool.query(bump(1)), (world) => world.first.pool.query(bump(2))],
    explicit: false,
  },
  {
    name: 'one database, open local transactions',
    rows: [(_, [own]) => own!.query(bump(1)), (_, [own]) => own!.query(bump(2))],
    explicit: true,
  },
];

interface Ended {
  readonly atMs: number;
  /** Undefined when it committed. */
  readonly error: unknown;
}

/** A point that both have to reach before either goes on. */
function meeting(): () => Promise<void> {
  let missing = 2;
  let open = () => {};
  const both = new Promise<void>((resolve) => {
    open = resolve;
  });
  return () => {
    missing -= 1;
    if (missing === 0) open();
    return both;
  };
}

async function transaction(
  world: World,
  kind: Kind,
  order: readonly Touch[],
  meet: () => Promise<void>,
): Promise<Ended> {
  const [first, second] = order;
  try {
    await world.gtx.run({ name: 'opposite' }, async () => {
      const connections = kind.explicit ? [await world.first.pool.getConnection()] : [];
      try {
        for (const connection of connections) await connection.beginTransaction();
        await first!(world, connections);
        await meet();
        await second!(world, connections);
        for (const connection of connections) await connection.commit();
      } catch (error) {
        for (const connection of connections) await connection.rollback();
        throw error;
      } finally {
        for (const connection of connections) connection.release();
      }
    });
    return { atMs: performance.now(), error: undefined };
  } catch (error) {
    // Nobody is left waiting for one who will not come.
    void meet();
    return { atMs: performance.now(), error };
  }
}

interface Pair {
  readonly kind: Kind;
  /** From the circle to the end of the one that was ended, in milliseconds. */
  readonly tookMs: number;
  readonly ended: readonly Ended[];
}

async function playPair(world: World, kind: Kind): Promise<Pair> {
  const met = meeting();
  let closedAt: number | undefined;
  const refusals: number[] = [];
  const meet = async () => {
    await met();
    closedAt ??= performance.now();
  };
  const noted =
    (touch: Touch): Touch =>
    async (...args) => {
      try {
        return await touch(...args);
      } catch (error) {
        refusals.push(performance.now());
        throw error;
      }
    };
  const [one, two] = kind.rows;
  const ended = await Promise.all([
    transaction(world, kind, [one, noted(two)], meet),
    transaction(world, kind, [two, noted(one)], meet),
  ]);
  return { kind, tookMs: Math.min(...refusals, Number.POSITIVE_INFINITY) - (closedAt ?? 0), ended };
}

function codeOf(error: unknown): string {
  return error instanceof GlobalTxError ? error.code : String((error as { code?: unknown }).code);
}

function wrongOf({ kind, tookMs, ended }: Pair): string[] {
  const errors = ended.map(({ error }) => error).filter((error) => error !== undefined);
  if (errors.length !== 1) {
    return [`${kind.name}: ${2 - errors.length} committed, not 1: ${errors.map(String).join('; ')}`];
  }
  const code = codeOf(errors[0]);
  const wrong =
    code === 'DEADLOCK' || code === 'ER_LOCK_DEADLOCK' ? [] : [`${kind.name}: it was ended with ${code}`];
  if (tookMs > LIMIT_MS) wrong.push(`${kind.name}: one was ended only after ${tookMs.toFixed(1)} ms`);
  return wrong;
}

function distribution(pairs: readonly Pair[]): string {
  const times = pairs.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const at = (part: number) =>
    (times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0).toFixed(1);
  return `median ${at(0.5)} ms, 99 % ${at(0.99)} ms, longest ${at(1)} ms (${times.length} pairs)`;
}

async function touches(world: World): Promise<number> {
  let sum = 0;
  for (const { pool } of [world.first, world.second]) {
    const [rows] = await pool.query<RowDataPacket[]>('SELECT SUM(n) AS n FROM item');
    sum += Number(rows[0]!.n);
  }
  return sum;
}

async function run({ count, say }: ScenarioOptions): Promise<Findings> {
  say('starting two database servers and a coordinator');
  const world = await makeWorld({ tables: TABLES });
  try {
    for (const kind of KINDS) await playPair(world, kind);
    await delay(500);
    const before = await touches(world);
    const pairs: Pair[] = [];
    for (let i = 0; i < count; i++) {
      pairs.push(await playPair(world, KINDS[i % KINDS.length]!));
      if (pairs.length % 100 === 0) say(`${pairs.length} of ${count} pairs; ${distribution(pairs)}`);
    }
    await settled(world);
    const violations = pairs.flatMap(wrongOf);
    const committed = pairs.flatMap(({ ended }) => ended).filter(({ error }) => error === undefined).length;
    const done = (await touches(world)) - before;
    if (done !== 2 * committed)
      violations.push(`${committed} transactions committed, and ${done} rows were changed`);
    return {
      ...{
        faults: count,
        committed,
        rolledBack: 2 * count - committed,
        unknown: 0,
        violations,
        proofless: [],
      },
      figures: {
        'database server': `${world.first.server.kind} ${world.first.server.version}`,
        'until one is ended': distribution(pairs),
        ...Object.fromEntries(
          KINDS.map((kind) => [`  ${kind.name}`, distribution(pairs.filter((pair) => pair.kind === kind))]),
        ),
      },
    };
  } finally {
    await world.close();
  }
}

export const OPPOSITE_ORDER: Scenario = {
  name: 'R12',
  what: 'rows locked in opposite order by two transactions: one is ended within 100 ms, the other commits',
  count: 1_000,
  run,
};
