import { removeFolders } from '../support/keeper.js';
import { HELP, type Options, readOptions } from './options.js';
import { lastLine, report } from './report.js';
import type { Findings } from './scenario.js';

const PROVES_NOTHING = 3;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function optionsOrEnd(): Options {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options !== 'help') return options;
    process.stdout.write(HELP);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    process.exit(2);
  }
}

/** What does not come back after a fault is a violation like any other. */
function brokenOff(error: unknown): Findings {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const violations = [`the run broke off: ${text}`];
  return { faults: 0, committed: 0, rolledBack: 0, unknown: 0, violations, proofless: [], figures: {} };
}

async function main({ scenario, count, from, seed, floor, json }: Options): Promise<number> {
  say(
    `${scenario.name}, ${count} faults from ${from}, seed ${seed}, at least ${floor} transfers/s before each fault`,
  );
  const findings = await scenario.run({ count, from, seed, floor, say }).catch(brokenOff);
  (json ? process.stderr : process.stdout).write(`${report(scenario, seed, findings)}\n`);
  process.stdout.write(`${lastLine(scenario, findings)}\n`);
  if (findings.violations.length > 0) return 1;
  return findings.proofless.length > 0 ? PROVES_NOTHING : 0;
}

// What was started ends with this process: the keeper sees to that.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

process.exitCode = await main(optionsOrEnd());
await removeFolders();
process.exit();
