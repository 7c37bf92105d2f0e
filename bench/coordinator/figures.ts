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
/** So few that nearly each frame is a message, and each write a transaction's alone. */
const FEW = 8;
const BYTES_A_MEGABYTE = 2 ** 20;

interface Effort {
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly ms: number;
  readonly clients: readonly number[];
  readonly heldLocks: readonly number[];
}

const FULL: Effort = {
  rounds: 3,
  warmUpMs: 2_000,
  ms: 3_000,
  clients: [1, 10, 100, 1_000],
  heldLocks: [1_000, 10_000, 100_000, 1_000_000],
};
const QUICK: Effort = { rounds: 1, warmUpMs: 1_000, ms: 1_000, clients: [], heldLocks: [1_000_000] };

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
    heldBytes: middle('heldBytes'),
  };
}

function figure(what: string, value: number, unit: string): Figure {
  return { workload: 'coordinator', what, value, unit };
}

type Load = Parameters<typeof rows>[1];

/** As many as it can, and half of that. */
async function both(effort: Effort, load: Load): Promise<{ most: LoadResult; half: LoadResult }> {
  const most = await rows(effort, load);
  const perSecond = Math.round(most.transactions / most.seconds / 2);
  return { most, half: await rows(effort, { ...load, pace: { perSecond } }) };
}

function speed(what: string, { transactions, seconds, coordinatorCpuUs }: LoadResult): Figure[] {
  return [
    figure(`${what}: transactions`, transactions / seconds, '/s'),
    figure(`${what}: CPU of the coordinator`, coordinatorCpuUs, 'us'),
  ];
}

function memory(what: string, bytes: number): Figure {
  return figure(`${what}: memory`, bytes / BYTES_A_MEGABYTE, 'MB');
}

async function growth(effort: Effort, what: string, load: Load): Promise<Figure[]> {
  const { most, half } = await both(effort, load);
  return [
    ...speed(what, most),
    figure(`${what}: 99 of 100 at half of that load within`, half.p99Ms, 'ms'),
    memory(what, most.memoryBytes),
  ];
}

/**
 * The coordinator alone: transactions that begin and register one lock, commit, and have their phase two acknowledged, all
 * of it durable, without any database. CPU is that of all threads of the process, for one transaction.
 */
export async function coordinatorFigures(quick: boolean, say: (text: string) => void): Promise<Figure[]> {
  const effort = quick ? QUICK : FULL;
  say('the coordinator alone: as many as it can, and half of that');
  const { most, half } = await both(effort, {});
  const figures = [
    ...speed(`${IN_FLIGHT} in flight over ${CLIENTS} clients`, most),
    figure('its CPU alone would allow', 1_000_000 / most.coordinatorCpuUs, '/s'),
    figure('at half of that load: median', half.p50Ms, 'ms'),
    figure('at half of that load: 99 of 100 within', half.p99Ms, 'ms'),
  ];
  if (!quick) {
    say(`the coordinator alone: ${FEW} in flight`);
    const few = await rows(effort, { clients: 1, pace: { inFlight: FEW } });
    figures.push(...speed(`${FEW} in flight of one client`, few));
  }
  for (const clients of effort.clients) {
    say(`the coordinator alone: ${clients} clients`);
    figures.push(...(await growth(effort, `${clients} clients`, { clients })));
  }
  for (const heldLocks of effort.heldLocks) {
    say(`the coordinator alone: ${heldLocks} locks held`);
    const what = `${heldLocks} locks held`;
    if (quick) {
      const held = await rows(effort, { heldLocks });
      figures.push(...speed(what, held), memory('these locks', held.heldBytes));
    } else {
      figures.push(...(await growth(effort, what, { heldLocks })));
    }
  }
  return figures;
}
