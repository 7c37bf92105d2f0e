import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { type Bed, makeBed } from './bed.js';
import { type Round, round } from './measure.js';
import { median, type ResultRow, table } from './report.js';
import { type Mode, transaction, WORKLOADS, type Workload } from './workloads.js';

const HELP = `usage: npm run bench -- [--quick] [--only PATTERN] [--json FILE]

What a global transaction costs, against the same writes without one (plain) and against XA by hand. The rows of
one workload take turns, round by round, in one run: compare the ratios; absolute figures are the machine's.
The database servers ($MYSQLD, or the one of the PATH) and the coordinator are processes of their own.

  --quick          fewer and shorter rounds, 8 in flight only: under a minute
  --only PATTERN   workloads whose name matches the regular expression
  --json FILE      writes the rows as an array
  -h, --help       this text
`;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const PLAN = options.quick
  ? { rounds: 5, roundMs: 700, inFlight: [8] }
  : { rounds: 7, roundMs: 2_000, inFlight: [1, 8, 32] };
const WARM_UP_MS = 500;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** All rounds of a workload: its modes take turns, so that what the machine does meets all of them. */
async function rounds(
  bed: Bed,
  workload: Workload,
  inFlight: number,
): Promise<ReadonlyMap<Mode, readonly Round[]>> {
  const all = new Map<Mode, Round[]>(workload.modes.map((mode) => [mode, []]));
  for (const mode of workload.modes) await round(bed, transaction(bed, workload, mode), inFlight, WARM_UP_MS);
  for (let number = 1; number <= PLAN.rounds; number++) {
    say(`${workload.name}, ${inFlight} in flight: round ${number} of ${PLAN.rounds}`);
    for (const [mode, done] of all) {
      done.push(await round(bed, transaction(bed, workload, mode), inFlight, PLAN.roundMs));
    }
  }
  return all;
}

function rowsOf(
  bed: Bed,
  workload: Workload,
  inFlight: number,
  all: ReadonlyMap<Mode, readonly Round[]>,
): ResultRow[] {
  const { kind, version } = bed.databases[0].server;
  return Array.from(all, ([mode, done]) => {
    const middle = (name: keyof Round) => median(done.map((each) => each[name]));
    const versus = (other: Mode) => {
      const others = all.get(other);
      if (others === undefined) return null;
      return median(done.map((each, at) => each.txPerSecond / others[at]!.txPerSecond));
    };
    const speeds = done.map((each) => each.txPerSecond);
    return {
      workload: workload.name,
      mode,
      server: `${kind} ${version}`,
      inFlight,
      networkMs: 0,
      flush: 'commit',
      txPerSecond: middle('txPerSecond'),
      p50Ms: middle('p50Ms'),
      p99Ms: middle('p99Ms'),
      vsPlain: versus('plain'),
      vsXa: versus('xa'),
      spread: [Math.min(...speeds), Math.max(...speeds)],
      statementsPerTx: middle('statementsPerTx'),
      clientCpuUs: middle('clientCpuUs'),
      coordinatorCpuUs: middle('coordinatorCpuUs'),
      databaseCpuUs: middle('databaseCpuUs'),
    };
  });
}

async function main(): Promise<void> {
  const workloads = WORKLOADS.filter(({ name }) => new RegExp(options.only, 'i').test(name));
  say('starting two database servers and the coordinator');
  const bed = await makeBed(Math.max(...PLAN.inFlight));
  const rows: ResultRow[] = [];
  try {
    for (const workload of workloads) {
      for (const inFlight of PLAN.inFlight) {
        rows.push(...rowsOf(bed, workload, inFlight, await rounds(bed, workload, inFlight)));
      }
    }
  } finally {
    await bed.close();
  }
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  process.stdout.write(
    `${table(rows)}\n\n${rows[0]?.server}, Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), ` +
      `${memory} GiB, flush at each commit, no network; medians of ${PLAN.rounds} rounds\n`,
  );
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(rows, null, 2)}\n`);
}

if (options.help) process.stdout.write(HELP);
else await main();
