import { parseArgs } from 'node:util';
import { describeRun } from './describe.js';
import { runSeed } from './run.js';
import { shrink } from './shrink.js';

const HELP = `usage: node dist/test/simulation/main.js [--seeds N] [--from S]

Runs the coordinator's core under a simulated clock, network and disk, once for each seed.
  --seeds N   how many; default 1000
  --from S    the first one; default 1

On a violation it prints the options that the seed was made into and the shortest run that it could find that
still breaks the rule. The last line is JSON; the exit status is 0 only without violations.
`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  process.stderr.write(`--${name} takes a positive whole number, not ${text}\n`);
  process.exit(2);
}

if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const seeds = positive('seeds', values.seeds);
const from = positive('from', values.from);
let events = 0;
let crashes = 0;
let violations = 0;
for (let seed = from; seed < from + seeds; seed++) {
  const run = runSeed(seed);
  events += run.events;
  crashes += run.crashes;
  if (run.violation === undefined) continue;
  violations++;
  process.stdout.write(`seed ${seed}: ${run.violation.message}\n`);
  process.stdout.write(`${JSON.stringify(run.plan.options, null, 2)}\n`);
  process.stdout.write(`${describeRun(shrink(run))}\n`);
}
process.stdout.write(`${JSON.stringify({ seeds, events, crashes, violations })}\n`);
process.exitCode = violations === 0 ? 0 : 1;
