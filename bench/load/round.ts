import type { LoadRound } from './protocol.js';

/** A round in which more fail than this for each one that does not measures nothing. */
const MOST_FAILURES = 20;

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Keeps `inFlight` transactions under way for `ms` milliseconds, or until there were `most`. */
export async function round(
  run: () => Promise<unknown>,
  inFlight: number,
  ms: number,
  most: number,
): Promise<LoadRound> {
  const latencies: number[] = [];
  let failed = 0;
  let begun = 0;
  const cpu = process.cpuUsage();
  const started = performance.now();
  const lane = async () => {
    for (let now = performance.now(); now - started < ms && begun < most; now = performance.now()) {
      begun += 1;
      try {
        await run();
        latencies.push(performance.now() - now);
      } catch (error) {
        failed += 1;
        if (failed > MOST_FAILURES * (latencies.length + inFlight)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((one, other) => one - other);
  return {
    transactions: latencies.length,
    failed,
    txPerSecond: latencies.length / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    clientCpuUs: (user + system) / latencies.length,
  };
}
