import { readFile } from 'node:fs/promises';
import { LoadClient } from './load-client.js';

/** How much is asked of the coordinator: so many at once, or so many a second whatever it answers. */
export type Pace = { readonly inFlight: number } | { readonly perSecond: number };

export interface LoadPlan {
  readonly address: string;
  /** Of the coordinator. */
  readonly pid: number;
  readonly clients: number;
  readonly pace: Pace;
  /** Locks that are held all the time by transactions that do nothing. */
  readonly heldLocks: number;
  readonly warmUpMs: number;
  readonly ms: number;
}

export interface LoadResult {
  readonly transactions: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the process that makes the load, in microseconds for each transaction. */
  readonly loadCpuUs: number;
  /** Of the coordinator, all of its threads. */
  readonly coordinatorCpuUs: number;
  /** What the coordinator has in memory in the end. */
  readonly memoryBytes: number;
  /** By how much more that was when the locks were held than before. */
  readonly heldBytes: number;
}

const SETTLE_MS = 10_000;
/** The warm-up takes as many as full messages need, whatever is measured then: until V8 has compiled what is hot. */
const WARM_UP_IN_FLIGHT = 1_000;
/** After the warm-up, before the measured time. */
const CALM_MS = 200;

/** Ticks of /proc/PID/stat are hundredths of a second on Linux (proc(5), USER_HZ). */
const TICK_US = 10_000;
/** Keys of one branch of those that hold locks. */
const KEYS_A_BRANCH = 10_000;

async function cpuUs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

async function memoryBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

async function holdLocks(client: LoadClient, locks: number): Promise<void> {
  for (let from = 0; from < locks; from += KEYS_A_BRANCH) {
    const count = Math.min(KEYS_A_BRANCH, locks - from);
    await client.hold(Array.from({ length: count }, (_, at) => `PRIMARY/${from + at}`));
  }
}

interface Counters {
  started: number;
  finished: number;
  latencies: number[];
}

export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const seen: Counters = { started: 0, finished: 0, latencies: [] };
  /** Whether each one that is committed is followed by another. */
  let closedLoop = false;
  let next = 0;
  const clients: LoadClient[] = [];
  const start = () => {
    seen.started += 1;
    clients[next++ % clients.length]!.start();
  };
  const events = {
    committed: (latencyMs: number) => {
      seen.latencies.push(latencyMs);
      if (closedLoop) start();
    },
    finished: () => {
      seen.finished += 1;
    },
  };
  for (let n = 0; n < plan.clients; n++) {
    clients.push(await LoadClient.connect(plan.address, `load-${process.pid}-${n}`, events));
  }
  const ended = async () => {
    const deadline = Date.now() + SETTLE_MS;
    while (seen.finished < seen.started) {
      if (Date.now() > deadline) throw new Error(`${seen.started - seen.finished} transactions did not end`);
      await sleep(10);
    }
  };
  const play = async <Result>(pace: Pace, during: () => Promise<Result>): Promise<Result> => {
    closedLoop = 'inFlight' in pace;
    const stop = 'inFlight' in pace ? times(pace.inFlight, start) : paced(pace.perSecond, start);
    const result = await during();
    closedLoop = false;
    stop();
    await ended();
    return result;
  };

  await play({ inFlight: WARM_UP_IN_FLIGHT }, () => sleep(plan.warmUpMs));
  const memoryBefore = await memoryBytes(plan.pid);
  await holdLocks(clients[0]!, plan.heldLocks);
  const heldBytes = (await memoryBytes(plan.pid)) - memoryBefore;

  const measured = await play(plan.pace, async () => {
    await sleep(CALM_MS);
    seen.latencies = [];
    const { finished } = seen;
    const coordinatorCpu = await cpuUs(plan.pid);
    const cpu = process.cpuUsage();
    const begun = performance.now();
    await sleep(plan.ms);
    const transactions = seen.finished - finished;
    const seconds = (performance.now() - begun) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const latencies = seen.latencies.toSorted((one, other) => one - other);
    return {
      transactions,
      seconds,
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      loadCpuUs: (user + system) / transactions,
      coordinatorCpuUs: ((await cpuUs(plan.pid)) - coordinatorCpu) / transactions,
    };
  });
  for (const client of clients) client.close();
  return { ...measured, memoryBytes: await memoryBytes(plan.pid), heldBytes };
}

function times(count: number, start: () => void): () => void {
  for (let n = 0; n < count; n++) start();
  return () => undefined;
}

/** Starts as many as are due, a few times each millisecond: what is late is not left out. */
function paced(perSecond: number, start: () => void): () => void {
  const begun = performance.now();
  let started = 0;
  let stopped = false;
  const turn = () => {
    if (stopped) return;
    const due = ((performance.now() - begun) / 1000) * perSecond;
    for (; started < due; started++) start();
    setTimeout(turn, 1);
  };
  turn();
  return () => {
    stopped = true;
  };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
