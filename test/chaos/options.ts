import { parseArgs } from 'node:util';
import type { Scenario } from './scenario.js';
import { SCENARIOS } from './scenarios.js';

export interface Options {
  readonly scenario: Scenario;
  readonly count: number;
  readonly from: number;
  readonly seed: number;
  readonly floor: number;
  readonly json: boolean;
}

const FLOOR = 100;
const SEEDS = 2 ** 32;

export const HELP = `usage: npm run chaos -- --scenario NAME [--count N] [--from N] [--seed S] [--floor N] [--json]

Real processes under real faults: a bank of three services and three databases on two servers makes transfers in
global transactions, a fault comes again and again, and at the end every transfer and every balance is accounted
for with plain mysql2.

${SCENARIOS.map(({ name, what, count }) => `  ${name.padEnd(5)}${what} (${count})`).join('\n')}

  --scenario NAME  which one
  --count N        how many faults; the default stands behind the scenario
  --from N         leaves out so many faults of the seed's sequence (R1 to R7), so that a long run can be made in
                   parts. Default 0
  --seed S         what chance starts from; default: by chance. Real processes are no replay, but the order and
                   the kind of the faults and of the transfers are the same
  --floor N        transfers a second that must be made before each fault; with fewer the run proves nothing and
                   fails. Default ${FLOOR}
  --json           the last line alone on the standard output, without the table
  -h, --help       this text

The server is $MYSQLD if set, else mysqld or mariadbd from the PATH. The last line is JSON:
{"scenario":"R3","faults":N,"committed":n,"rolledBack":n,"unknown":n,"violations":0}. 'unknown' are transfers whose
caller was told so, or died before it was told. The exit status is 0 without violations, 1 with some, 2 when the
options are not understood, 3 when the run proves nothing.
`;

function whole(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new Error(`--${name}: ${text} is not a whole number from ${least} to ${most}`);
}

/** @returns 'help' when that is what was asked for @throws Error that says what is wrong */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string' },
      count: { type: 'string' },
      from: { type: 'string', default: '0' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * SEEDS)) },
      floor: { type: 'string', default: String(FLOOR) },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const scenario = SCENARIOS.find(({ name }) => name === values.scenario);
  if (scenario === undefined) {
    const names = SCENARIOS.map(({ name }) => name).join(', ');
    throw new Error(`--scenario: ${values.scenario ?? 'it is missing; it'} must be one of ${names}`);
  }
  return {
    scenario,
    count: whole('count', values.count ?? String(scenario.count), 0, 1_000_000),
    from: whole('from', values.from, 0, 1_000_000),
    seed: whole('seed', values.seed, 0, SEEDS - 1),
    floor: whole('floor', values.floor, 0, 1_000_000),
    json: values.json,
  };
}
