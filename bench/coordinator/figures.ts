import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type RunningCoordinator, startCoordinator } from '../../test/support/coordinator.js';
import { type Figure, median } from '../report/rows.js';
import type { LoadPlan, LoadResult, Pace } from './load.js';

const LOAD = fileURLToPath(new URL('./load-main.js', import.meta.url));

/** Enough that every write carries many transactions. */
const IN_FLIGHT = 1_000;
const CLIENTS = 8;
const MANY_LOCKS = 1_000_000;
const BYTES_A_MEGABYTE = 2 ** 20;

interface Effort {
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly ms: number;
  readonly clients: readonly number[];
  readonly heldLocks: readonly number[];
}

const FULL: Effort = {
  rounds: 5,
  warmUpMs: 3_000,
  ms: 5_000,
  clients: [1, 10, 100, 1_000],
  heldLocks: [1_000, 10_000, 100_000, 1_000_000],
};
const QUICK: Effort = { rounds: 1, warmUpMs: 3_000, ms: 3_000, clients: [], heldLocks: [1_000_000] };

/** Each row has a coordinator and a store of its own, so that none finds what another has left. */
async function row(
  effort: Effort,
  load: Pick<LoadPlan, 'clients' | 'pace' | 'heldLocks'>,
): Promise<LoadResult> {
  const coordinator = await startCoordinator();
  try {
    return await run(coordinator, effort, load);
  } finally {
    await coordinator.stop();
  }
}

async function run(
  { address, pid }: RunningCoordinator,
  { warmUpMs, ms }: Effort,
  load: Pick<LoadPlan, 'clients' | 'pace' | 'heldLocks'>,
): Promise<LoadResult> {
  const plan: LoadPlan = { address, pid, warmUpMs, ms, ...load };
  const { stdout } = await promisify(execFile)(process.execPath, [LOAD, JSON.stringify(plan)]);
  return JSON.parse(stdout) as LoadResult;
}

/** The median of each figure over rounds. */
async function rows(
  effort: Effort,
  load: { readonly clients?: number; readonly pace?: Pace; readonly heldLocks?: number },
): Promise<LoadResult> {
  const whole = { clients: CLIENTS, pace: { inFlight: IN_FLIGHT }, heldLocks: 0, ...load };
  const done: LoadResult[] = [];
  for (let round = 0; round < effort.rounds; round++) done.push(await row(effort, whole));
  const middle = (name: keyof LoadResult) => median(done.map((each) => each[name]));
  return {
    transactions: middle('transactions'),
    seconds: middle('seconds'),
    p50Ms: middle('p50Ms'),
    p99Ms: middle('p99Ms'),
    loadCpuUs: middle('loadCpuUs'),
    coordinatorCpuUs: middle('coordinatorCpuUs'),
    memoryBytes: middle('memoryBytes'),
  };
}

function figure(what: string, value: number, unit: string): Figure {
  return { workload: 'coordinator', what, value, unit };
}

function speed(what: string, { transactions, seconds, coordinatorCpuUs }: LoadResult): Figure[] {
  return [
    figure(`${what}: transactions`, transactions / seconds, '/s'),
    figure(`${what}: CPU of the coordinator`, coordinatorCpuUs, 'us'),
  ];
}

/** What so many locks take, in bytes: a coordinator that holds them beside one that does not. */
async function memoryOfLocks(effort: Effort, heldLocks: number): Promise<number> {
  const idle = { clients: 1, pace: { inFlight: 1 } };
  const without = await row({ ...effort, warmUpMs: 0 }, { ...idle, heldLocks: 0 });
  const holding = await row({ ...effort, warmUpMs: 0 }, { ...idle, heldLocks });
  return holding.memoryBytes - without.memoryBytes;
}

/**
 * The coordinator alone: transactions that begin and register one lock, commit, and have their phase two acknowledged, all
 * of it durable, without any database. CPU is that of all threads of the process, for one transaction.
 */
export async function coordinatorFigures(quick: boolean, say: (text: string) => void): Promise<Figure[]> {
  const effort = quick ? QUICK : FULL;
  say('the coordinator alone: as many as it can');
  const most = await rows(effort, {});
  const perSecond = Math.round(most.transactions / most.seconds / 2);
  say(`the coordinator alone: ${perSecond} a second`);
  const half = await rows(effort, { pace: { perSecond } });
  const figures = [
    ...speed(`${IN_FLIGHT} in flight over ${CLIENTS} clients`, most),
    figure('its CPU alone would allow', 1_000_000 / most.coordinatorCpuUs, '/s'),
    figure('at half of that load: median', half.p50Ms, 'ms'),
    figure('at half of that load: 99 of 100 within', half.p99Ms, 'ms'),
  ];
  for (const clients of effort.clients) {
    say(`the coordinator alone: ${clients} clients`);
    figures.push(...speed(`${clients} clients`, await rows(effort, { clients })));
  }
  for (const heldLocks of effort.heldLocks) {
    say(`the coordinator alone: ${heldLocks} locks held`);
    figures.push(...speed(`${heldLocks} locks held`, await rows(effort, { heldLocks })));
  }
  const memory = await memoryOfLocks(effort, MANY_LOCKS);
  return [...figures, figure(`memory of ${MANY_LOCKS} locks`, memory / BYTES_A_MEGABYTE, 'MB')];
}
