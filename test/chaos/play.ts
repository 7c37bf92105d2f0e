import { setTimeout as delay } from 'node:timers/promises';
import { Dice } from '../simulation/dice.js';
import { type Bank, type BankOptions, openBank } from './bank/bank.js';
import { type Journal, readJournals } from './bank/journal.js';
import { settle } from './bank/settle.js';
import { awaitTraffic } from './bank/traffic.js';
import { verify } from './bank/verify.js';
import type { Fault } from './faults/fault.js';
import type { Findings, ScenarioOptions } from './scenario.js';

/** How long after the last fault everything must have settled. */
const SETTLE_MS = 30_000;
/** How long a fault waits for a reader to see all balances. */
const READING_MS = 30_000;
const PROGRESS_MS = 10_000;
/** How long the traffic goes on after the last fault. */
const AFTERMATH_MS = 1_000;
const MOST_REASONS = 12;

export interface Play extends ScenarioOptions {
  readonly faults: readonly Fault[];
  readonly bank?: Omit<BankOptions, 'seed'>;
  /** Failpoints that were never reached, as names: such a run proves too little. */
  readonly missed?: readonly string[];
  /** Further checks, when all has settled. @returns violations, as sentences */
  readonly check?: (bank: Bank) => Promise<readonly string[]>;
}

/** Waits until somebody has seen all balances since the last fault. @returns whether that came to pass */
async function awaitReading(bank: Bank, readsBefore: number): Promise<boolean> {
  const until = Date.now() + READING_MS;
  while (bank.reads <= readsBefore && Date.now() < until) await delay(50);
  return bank.reads > readsBefore;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function reasons(entries: readonly { told: string; reason: string }[]): Record<string, string> {
  const counts = new Map<string, number>();
  for (const { told, reason } of entries) {
    if (told === 'committed') continue;
    const key = `  ${told}: ${reason}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, MOST_REASONS);
  return Object.fromEntries(most.map(([name, n]) => [name, String(n)]));
}

function readings({ reads }: Journal): Record<string, string> {
  if (reads.length === 0) return {};
  const complete = reads.filter((reason) => reason === '').length;
  const refused = [...new Set(reads)]
    .filter((reason) => reason !== '')
    .map((reason) => `${reason} ${reads.filter((each) => each === reason).length}`);
  return { 'readings of all balances': `${complete} complete; refused: ${refused.join(', ') || 'none'}` };
}

/** The bank is at work, one fault after the other comes over it, and then everything is accounted for. */
export async function play(options: Play): Promise<Findings> {
  const { faults, seed, floor, say } = options;
  const dice = new Dice(seed).stream('faults');
  say('starting two database servers, a coordinator and three services');
  const bank = await openBank({ ...options.bank, seed });
  const rates: number[] = [];
  const hasReaders = (options.bank?.readers ?? 0) > 0;
  let injected = 0;
  let reads = 0;
  let unread = 0;
  const started = Date.now();
  const progress = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1_000);
    say(
      `${seconds} s: ${injected} of ${faults.length} faults, ${bank.done} transfers, last ${Math.round(rates.at(-1) ?? 0)}/s`,
    );
  }, PROGRESS_MS);
  try {
    bank.run();
    for (const fault of faults) {
      if (hasReaders && !(await awaitReading(bank, reads))) unread += 1;
      reads = bank.reads;
      rates.push(await awaitTraffic(bank, floor));
      await fault.inject(bank, dice);
      injected += 1;
    }
    const last = await awaitTraffic(bank, floor);
    if (faults.length === 0) rates.push(last);
    await delay(AFTERMATH_MS);
    say('the faults are over; waiting for what is under way');
    const stuck = await bank.pause().then(
      () => [],
      (error: unknown) => [`what was under way did not end: ${error}`],
    );
    const { left, tookMs } = await settle(bank, SETTLE_MS);
    say('accounting for every transfer');
    const journal = await readJournals(bank.journals);
    const verdict = await verify(bank, journal);
    const violations = [...stuck, ...verdict.wrong, ...((await options.check?.(bank)) ?? [])];
    for (const [name, count] of Object.entries(left)) {
      if (count > 0) violations.push(`${count} ${name} are left ${SETTLE_MS / 1_000} s after the last fault`);
    }
    for (const service of bank.services) violations.push(...service.strangeDeaths);
    const thin = rates.filter((rate) => rate < floor).length;
    const proofless = [
      ...(thin === 0 ? [] : [`${thin} of ${rates.length} faults met fewer than ${floor} transfers/s`]),
      ...(unread === 0 ? [] : [`${unread} of ${injected} faults met no reader that had seen all balances`]),
      ...(options.missed ?? []).map((name) => `the failpoint was never reached: ${name}`),
    ];
    if (violations.length > 0) {
      say(`the coordinator's log ends with:\n${bank.coordinator.log.slice(-3_000)}`);
      for (const { name, output } of bank.services)
        say(`${name}'s output ends with:\n${output.slice(-1_500)}`);
    }
    return {
      faults: injected,
      committed: verdict.committed,
      rolledBack: verdict.rolledBack,
      unknown: verdict.unknown,
      violations,
      proofless,
      figures: {
        'database server': `${bank.servers[0].kind} ${bank.servers[0].version}`,
        'transfers/s before a fault': `median ${Math.round(median(rates))}, least ${Math.round(Math.min(...rates))} (floor ${floor})`,
        'unknown, and found committed': String(verdict.unknownCommitted),
        'settled after': `${Math.round(tookMs)} ms`,
        ...readings(journal),
        ...reasons(journal.entries),
      },
    };
  } finally {
    clearInterval(progress);
    await bank.stop();
  }
}
