import { GlobalTx } from 'globaltx';
import globaltx from 'globaltx/mysql2/promise';
import plain, { type Pool } from 'mysql2/promise';
import { WORKLOADS, type Workload } from '../workloads/index.js';
import type { Answer, LoadOptions, Request } from './protocol.js';
import { round } from './round.js';
import { type Sources, transaction } from './transactions.js';

/*
 * The load, in a process of its own: its CPU is that of an application. It is told what to play by messages, and
 * answers each with one.
 */

/** By this variable of its session the counting proxy knows a connection of the application. */
export const MARK = 'SET @bench = 1';

const options = JSON.parse(process.argv[2]!) as LoadOptions;
const gtx = await GlobalTx.connect({ coordinator: options.coordinator, application: 'bench' });

let prepared: { readonly workload: Workload; readonly sources: Sources } | undefined;

/** The same numbers in every mode: an xorshift (Marsaglia 2003) from the seed. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function makeSources(schemas: readonly string[], connections: number): Sources {
  let turns = 0;
  const turn = (below: number) => {
    turns += 1;
    return turns % below;
  };
  const where = schemas.map((database, at) => ({
    host: '127.0.0.1',
    user: 'root',
    port: options.databases[at]!.port,
    database,
    connectionLimit: connections,
  }));
  const source = (make: (options: (typeof where)[number]) => Pool) => {
    const pools = where.map(make);
    for (const pool of pools) {
      pool.pool.on('connection', (connection) => connection.query(MARK));
    }
    return { pools, turn, chance: generator(20_261) };
  };
  return {
    plain: source((each) => plain.createPool(each)),
    globaltx: source((each) => globaltx.createPool(each) as unknown as Pool),
    gtx,
  };
}

async function endPools(): Promise<void> {
  const { plain: one, globaltx: other } = prepared?.sources ?? {};
  prepared = undefined;
  for (const pool of [...(one?.pools ?? []), ...(other?.pools ?? [])]) await pool.end();
}

async function answer(request: Request): Promise<Answer> {
  switch (request.ask) {
    case 'prepare': {
      await endPools();
      const workload = WORKLOADS.find(({ name }) => name === request.workload)!;
      prepared = { workload, sources: makeSources(request.schemas, request.connections) };
      return { answer: 'ready' };
    }
    case 'round': {
      const { workload, sources } = prepared!;
      const run = transaction(sources, workload, request.mode);
      return { answer: 'round', round: await round(run, request.inFlight, request.ms, request.most) };
    }
    case 'finish':
      // In this order: the pools of an open one are still needed for phase two.
      await gtx.close();
      await endPools();
      return { answer: 'ready' };
  }
}

process.on('message', (request: Request) => {
  answer(request)
    .catch(
      (error: unknown): Answer => ({
        answer: 'failed',
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
    )
    .then((reply) => {
      process.send!(reply, () => {
        if (request.ask === 'finish') process.disconnect();
      });
    });
});
