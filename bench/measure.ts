import { readFile } from 'node:fs/promises';
import type { RowDataPacket } from 'mysql2/promise';
import type { Bed } from './bed.js';

/** What one round of one row showed. */
export interface Round {
  readonly txPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly statementsPerTx: number;
  readonly clientCpuUs: number;
  readonly coordinatorCpuUs: number;
  readonly databaseCpuUs: number;
}

/** Ticks of /proc/PID/stat are hundredths of a second on Linux (proc(5), USER_HZ). */
const TICK_US = 10_000;

/** User and system time of a process, in microseconds; not a number when it is gone. */
async function cpuUs(pid: number | undefined): Promise<number> {
  if (pid === undefined) return Number.NaN;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

interface Counters {
  readonly statements: number;
  readonly clientCpu: number;
  readonly coordinatorCpu: number;
  readonly databaseCpu: number;
}

async function counters(bed: Bed): Promise<Counters> {
  let statements = 0;
  let databaseCpu = 0;
  for (const { plain, server } of bed.databases) {
    const [rows] = await plain.query<RowDataPacket[]>("SHOW GLOBAL STATUS LIKE 'Questions'");
    statements += Number(rows[0]?.Value);
    databaseCpu += await cpuUs(server.pid);
  }
  const { user, system } = process.cpuUsage();
  return {
    statements,
    databaseCpu,
    clientCpu: user + system,
    coordinatorCpu: await cpuUs(bed.coordinator.pid),
  };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Keeps `inFlight` transactions under way for `ms` milliseconds. */
export async function round(
  bed: Bed,
  run: () => Promise<unknown>,
  inFlight: number,
  ms: number,
): Promise<Round> {
  const before = await counters(bed);
  const latencies: number[] = [];
  const started = performance.now();
  const lane = async () => {
    for (let now = performance.now(); now - started < ms; now = performance.now()) {
      await run();
      latencies.push(performance.now() - now);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (performance.now() - started) / 1000;
  const after = await counters(bed);
  latencies.sort((one, other) => one - other);
  const each = (name: keyof Counters) => (after[name] - before[name]) / latencies.length;
  return {
    txPerSecond: latencies.length / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    statementsPerTx: each('statements'),
    clientCpuUs: each('clientCpu'),
    coordinatorCpuUs: each('coordinatorCpu'),
    databaseCpuUs: each('databaseCpu'),
  };
}
