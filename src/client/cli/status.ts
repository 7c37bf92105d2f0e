import { parseArgs } from 'node:util';
import type { Summary, TransactionSummary } from '../../protocol/admin.js';
import { AdminClient } from './admin-client.js';
import { type Command, DONE, type Output, WRONG_USE } from './command.js';
import { branchFacts, transactionFacts } from './facts.js';
import { duration, parseDuration, table } from './text.js';

const STATES = ['ACTIVE', 'COMMITTING', 'ROLLING_BACK', 'NEEDS_ATTENTION'];
const SHOWN = 100;
const LARGEST_PAGE = 500;

const HELP = `usage: globaltx status [OPTION...]

Shows the transactions that have not ended, oldest first: what they hold, what they wait for, which of their
branches need a person.

  --state STATE          only those that are ${STATES.join(', ')}
  --application NAME     only those that this application has begun
  --resource NAME        only those with a branch in this resource: its id or its label
  --age TIME             only those begun so long ago or longer: 90s, 15m, 2h, 1d
  --limit N              show at most so many; default: ${SHOWN}, with --json all
  --json                 one JSON object, for programs
  --coordinator ADDRESS  where the coordinator is; default: GLOBALTX_COORDINATOR, then localhost
  -h, --help             this text
`;

const OPTIONS = {
  state: { type: 'string' },
  application: { type: 'string' },
  resource: { type: 'string' },
  age: { type: 'string' },
  limit: { type: 'string' },
  json: { type: 'boolean' },
  coordinator: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

async function run(args: readonly string[], output: Output): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.help) {
    output.out(HELP);
    return DONE;
  }
  const { state = '', application = '', resource = '' } = values;
  const age = parseDuration(values.age ?? '0');
  const limit = Number(values.limit ?? (values.json ? Number.POSITIVE_INFINITY : SHOWN));
  if ((state !== '' && !STATES.includes(state)) || age === undefined || Number.isNaN(limit) || limit < 1) {
    output.error(HELP);
    return WRONG_USE;
  }
  const client = await AdminClient.connect(values.coordinator);
  try {
    const summary = await client.summary();
    const begunBeforeMs = age === 0 ? '0' : String(Number(summary.nowMs) - age);
    const filter = { status: state, application, resource, begunBeforeMs };
    const transactions = client.transactions(filter, Math.min(limit + 1, LARGEST_PAGE));
    if (values.json) await printJson(output, summary, transactions, limit);
    else await printTable(output, summary, transactions, limit);
  } finally {
    client.close();
  }
  return DONE;
}

/** Piece by piece: a hundred thousand transactions need not be held here at once. */
async function printJson(
  output: Output,
  { byStatus, ...summary }: Summary,
  transactions: AsyncIterable<TransactionSummary>,
  limit: number,
): Promise<void> {
  const { coordinatorId, nowMs, ...counts } = summary;
  const head = { coordinatorId, time: new Date(Number(nowMs)).toISOString(), counts, byStatus };
  output.out(`${JSON.stringify(head).slice(0, -1)},"transactions":[`);
  let printed = 0;
  for await (const transaction of transactions) {
    if (printed === limit) break;
    output.out(`${printed === 0 ? '' : ','}\n${JSON.stringify(transactionFacts(transaction))}`);
    printed++;
  }
  output.out(`${printed === 0 ? '' : '\n'}]}\n`);
}

async function printTable(
  output: Output,
  summary: Summary,
  transactions: AsyncIterable<TransactionSummary>,
  limit: number,
): Promise<void> {
  const shown: TransactionSummary[] = [];
  let more = false;
  for await (const transaction of transactions) {
    more = shown.length === limit;
    if (more) break;
    shown.push(transaction);
  }
  output.out(overview(summary));
  if (shown.length === 0) return;
  output.out(`\n${list(shown, Number(summary.nowMs))}`);
  if (more) output.out(`... and more: narrow it down, or see more with --limit\n`);
  output.out(waits(shown));
  output.out(attention(shown));
}

function overview(summary: Summary): string {
  const { transactions, branches, locks, waiting, clients, resources, byStatus } = summary;
  const states = Object.entries(byStatus).map(([status, count]) => `${count} ${status}`);
  const detail = states.length === 0 ? '' : ` (${states.join(', ')})`;
  return (
    `${transactions} transactions${detail}, ${branches} branches, ${locks} locks, ${waiting} requests waiting; ` +
    `${clients} clients, ${resources} resources\n`
  );
}

function list(transactions: readonly TransactionSummary[], now: number): string {
  const rows = transactions.map(({ xid, status, begunAtMs, application, name, branches, locks, reason }) => {
    const age = duration(now - Number(begunAtMs));
    return [xid, status, age, application, name, String(branches), String(locks), reason];
  });
  return table(['XID', 'STATE', 'AGE', 'APPLICATION', 'NAME', 'BRANCHES', 'LOCKS', 'REASON'], rows);
}

function waits(transactions: readonly TransactionSummary[]): string {
  const rows = transactions.flatMap(({ xid, waits: requests }) =>
    requests.map(({ waitedMs, table: name, key, keys, mode, holders }) => {
      const where = `${name} ${key}${keys > 1 ? ` and ${keys - 1} more keys` : ''}`;
      return [xid, duration(waitedMs), holders.join(', '), mode, where];
    }),
  );
  return rows.length === 0 ? '' : `\n${table(['WAITS', 'SINCE', 'FOR', 'MODE', 'AT'], rows)}`;
}

function attention(transactions: readonly TransactionSummary[]): string {
  const rows = transactions.flatMap(({ xid, attention: branches }) =>
    branches.map((branch) => {
      const { branchId, resource, code, detail } = branchFacts(branch);
      return [xid, branchId, resource, code, detail];
    }),
  );
  return rows.length === 0 ? '' : `\n${table(['NEEDS A PERSON', 'BRANCH', 'RESOURCE', 'CODE', 'WHY'], rows)}`;
}

export const status: Command = {
  name: 'status',
  summary: 'the transactions that have not ended, what they hold and wait for',
  help: HELP,
  run,
};
