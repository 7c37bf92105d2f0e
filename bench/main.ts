import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { analysisFigures } from './analysis.js';
import { Bed } from './bed/bed.js';
import { coordinatorFigures } from './coordinator/figures.js';
import { measure } from './measure.js';
import { type Plan, plan } from './plan.js';
import { writeCharts } from './report/charts.js';
import { type Figure, type ResultRow, rowsOf } from './report/rows.js';
import { figureTable, table } from './report/table.js';

const HELP = `usage: npm run bench -- [--quick] [--only PATTERN] [--json FILE] [--charts FOLDER]

What a global transaction costs, against the same writes without one (plain) and against XA by hand. The modes of
one row take turns, round by round, in one run: compare the ratios; absolute figures are the machine's.
The database servers ($MYSQLD, or the one of the PATH), the coordinator, the load and the delaying network are
processes of their own.

  --quick          only the rows of the targets, in short rounds: under a minute
  --only PATTERN   workloads whose name matches the regular expression; 'analysis' and 'coordinator' are
                   among them
  --json FILE      writes the rows as an array
  --charts FOLDER  draws a chart of each workload there, of the coordinator and of the analysis, as SVG
  -h, --help       this text
`;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function transactionRows({ cases, ...how }: Plan): Promise<readonly ResultRow[]> {
  if (cases.length === 0) return [];
  say('starting two database servers and the coordinator');
  const bed = await Bed.make();
  const rows: ResultRow[] = [];
  try {
    for (const [index, one] of cases.entries()) {
      const { workload, inFlight, networkMs, flush } = one;
      const conditions = `${inFlight} in flight, ${networkMs} ms of network, flush each ${flush}`;
      const progress = (round: number) =>
        say(`${index + 1} of ${cases.length}: ${workload.name}, ${conditions}: round ${round}`);
      rows.push(...rowsOf(bed, await measure(bed, one, { cases, ...how }, progress)));
    }
  } catch (error) {
    await bed.abort();
    throw error;
  }
  await bed.close();
  return rows;
}

function machine({ rounds, roundMs }: Plan): string {
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return (
    `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), ${memory} GiB; ` +
    `medians of ${rounds} rounds of ${roundMs} ms`
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      json: { type: 'string' },
      charts: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const only = new RegExp(values.only, 'i');
  const planned = plan(values.quick, only);
  const rows = await transactionRows(planned);
  const figures: readonly Figure[] = [
    ...(only.test('analysis') ? analysisFigures() : []),
    ...(only.test('coordinator') ? await coordinatorFigures(values.quick, say) : []),
  ];
  if (rows.length > 0) process.stdout.write(`${rows[0]!.server}\n\n${table(rows)}\n\n`);
  if (figures.length > 0) process.stdout.write(`${figureTable(figures)}\n\n`);
  process.stdout.write(`${machine(planned)}\n`);
  if (values.json !== undefined) {
    await writeFile(values.json, `${JSON.stringify([...rows, ...figures], null, 2)}\n`);
  }
  if (values.charts !== undefined) await writeCharts(values.charts, rows, figures);
}

await main();
