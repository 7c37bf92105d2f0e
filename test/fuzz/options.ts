import { parseArgs } from 'node:util';
import { FURTHER_NAMES } from './generate.js';

export interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly workers: number;
  /** Kinds of statements beyond the plain ones. */
  readonly further: readonly string[];
  readonly shrinkMs: number;
  /** After so many mismatches it ends. */
  readonly most: number;
  /** Whether the tables of outcomes and refusals are shown at the end. */
  readonly verbose: boolean;
}

export const HELP = `usage: npm run fuzz -- [--runs N] [--seed S] [--workers N] [--further KINDS] [--verbose]

Plays random transactions on random schemas, committed or rolled back, as global transactions and, on twin
databases, with plain mysql2. After a rollback every byte must be what it was; after a commit it must be what
plain mysql2 leaves; each statement must answer as in plain mysql2; no undo log row and no lock may be left.

  --runs N         how many schemas; default 200
  --seed S         where to begin, from 0 to 4294967295; default: by chance. Run i has the seed S + i
  --workers N      processes at work, 1 or 2; default 2
  --further KINDS  kinds of statements beyond the plain ones, with commas: ${FURTHER_NAMES.slice(0, 4).join(', ')},
                   ${FURTHER_NAMES.slice(4).join(', ')}; or 'all', or 'none'; default: all
  --shrink-ms MS   how long to look for a smaller script of a mismatch; default 60000
  --most N         end after this many mismatches; default 5
  --verbose        show at the end what was refused and how often each kind of statement succeeded

The server is $MYSQLD if set, else mysqld or mariadbd from the PATH. Ctrl-C ends it after the runs under way.
The last line is JSON: {"seed":S,"runs":N,"statements":n,"refused":n,"mismatches":0}. The exit status is 0
without mismatches, 1 with some, 2 when the options are not understood. A run that cannot be played, because the server or
the harness fails in it, counts as a mismatch.
`;

export const SEEDS = 2 ** 32;

function whole(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new Error(`--${name}: ${text} is not a whole number from ${least} to ${most}`);
}

function furtherKinds(text: string): readonly string[] {
  if (text === 'all') return FURTHER_NAMES;
  if (text === 'none') return [];
  const names = text.split(',');
  const strange = names.find((name) => !FURTHER_NAMES.includes(name));
  if (strange !== undefined)
    throw new Error(`--further: ${strange} is not one of ${FURTHER_NAMES.join(', ')}`);
  return names;
}

/** @returns 'help' when that is what was asked for @throws Error that says what is wrong */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * SEEDS)) },
      workers: { type: 'string', default: '2' },
      further: { type: 'string', default: 'all' },
      'shrink-ms': { type: 'string', default: '60000' },
      most: { type: 'string', default: '5' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    runs: whole('runs', values.runs, 1, 10_000_000),
    seed: whole('seed', values.seed, 0, SEEDS - 1),
    workers: whole('workers', values.workers, 1, 2),
    further: furtherKinds(values.further),
    shrinkMs: whole('shrink-ms', values['shrink-ms'], 0, 3_600_000),
    most: whole('most', values.most, 1, 10_000_000),
    verbose: values.verbose,
  };
}
