import { parseArgs } from 'node:util';
import type { HeldLock } from '../../protocol/admin.js';
import { AdminClient } from './admin-client.js';
import { type Command, DONE, type Output, WRONG_USE } from './command.js';
import { type BranchFacts, branchFacts, type TransactionFacts, transactionFacts } from './facts.js';
import { type BranchImages, branchImages, imagesText } from './images.js';
import { table } from './text.js';

const SHOWN = 100;

const HELP = `usage: globaltx show XID [OPTION...]

Shows all of one transaction: its branches, its locks, who waits for them; with --database also what its branches
did to the rows of that database: each row before and after the branch, and as it is now.

  --database URL         mysql://USER:PASSWORD@HOST:PORT/DATABASE; only reads. The password can stand in
                         GLOBALTX_DATABASE_PASSWORD instead
  --branch B             rows of this branch only
  --limit N              show at most so many locks and so many rows; default: ${SHOWN}, with --json all
  --json                 one JSON object, for programs
  --coordinator ADDRESS  where the coordinator is; default: GLOBALTX_COORDINATOR, then localhost
  -h, --help             this text
`;

const OPTIONS = {
  database: { type: 'string' },
  branch: { type: 'string' },
  limit: { type: 'string' },
  json: { type: 'boolean' },
  coordinator: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

interface Shown {
  readonly transaction: TransactionFacts;
  readonly branches: readonly BranchFacts[];
  readonly locks: readonly HeldLock[];
  readonly images: readonly BranchImages[] | undefined;
}

async function run(args: readonly string[], output: Output): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  if (values.help) {
    output.out(HELP);
    return DONE;
  }
  const [xid, ...others] = positionals;
  const limit = Number(values.limit ?? (values.json ? Number.POSITIVE_INFINITY : SHOWN));
  if (xid === undefined || others.length > 0 || Number.isNaN(limit)) {
    output.error(HELP);
    return WRONG_USE;
  }
  const client = await AdminClient.connect(values.coordinator);
  try {
    const transaction = transactionFacts(await client.transaction(xid));
    const branches = (await collect(client.branches(xid), Number.POSITIVE_INFINITY)).map(branchFacts);
    const locks = await collect(client.locks(xid), limit);
    const images = await imagesOf(values.database, xid, values.branch, branches);
    const shown: Shown = { transaction, branches, locks, images };
    output.out(values.json ? `${JSON.stringify(shown, undefined, 2)}\n` : text(shown, limit));
  } finally {
    client.close();
  }
  return DONE;
}

async function collect<Item>(items: AsyncIterable<Item>, limit: number): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) {
    if (found.length >= limit) break;
    found.push(item);
  }
  return found;
}

async function imagesOf(
  database: string | undefined,
  xid: string,
  branchId: string | undefined,
  branches: readonly BranchFacts[],
): Promise<readonly BranchImages[] | undefined> {
  if (database === undefined) return undefined;
  const writers = branches.filter((branch) => !branch.locksOnly);
  const wanted = branchId === undefined ? writers : writers.filter((branch) => branch.branchId === branchId);
  return branchImages(database, xid, wanted);
}

function text({ transaction, branches, locks, images }: Shown, limit: number): string {
  const parts = [
    facts(transaction),
    branchTable(branches),
    lockTable(locks, transaction.locks),
    waits(transaction),
  ];
  if (images !== undefined) parts.push(...images.map((shown) => imagesText(shown, limit)));
  return parts.filter((part) => part !== '').join('\n');
}

function facts(transaction: TransactionFacts): string {
  const { xid, name, application, status, reason, begunAt, decidedAt, endedAt, timeoutMs } = transaction;
  const rows = [
    ['transaction', xid],
    ['state', reason === '' ? status : `${status}: ${reason}`],
    ['name', name],
    ['application', application],
    ['begun', begunAt ?? ''],
    ['timeout', timeoutMs === 0 ? '' : `${timeoutMs} ms`],
    ['decided', decidedAt ?? ''],
    ['ended', endedAt ?? ''],
  ];
  return table(
    ['', ''],
    rows.filter(([, value]) => value !== ''),
  ).trimStart();
}

function branchTable(branches: readonly BranchFacts[]): string {
  if (branches.length === 0) return '';
  const rows = branches.map((branch) => {
    const { branchId, resource, locks, phaseOne, phaseTwo, attempt, code, detail, resolution } = branch;
    const word = resolution === 'UNRESOLVED' ? '' : ` (resolved: ${resolution})`;
    const why = code === '' ? '' : `${code}${word}: ${detail}`;
    const one = branch.locksOnly ? 'only locks' : phaseOne;
    return [branchId, resource, String(locks), one, phaseTwo, String(attempt), why];
  });
  return table(['BRANCH', 'RESOURCE', 'LOCKS', 'PHASE ONE', 'PHASE TWO', 'ATTEMPTS', 'WHY'], rows);
}

function lockTable(locks: readonly HeldLock[], all: number): string {
  if (locks.length === 0) return '';
  const rows = locks.map(({ table: name, key, mode, branchId, waiters, waiting }) => {
    const rest = waiting > waiters.length ? ` and ${waiting - waiters.length} more` : '';
    return [name, key, mode, branchId, `${waiters.join(', ')}${rest}`];
  });
  const more = all > locks.length ? `... and ${all - locks.length} more\n` : '';
  return `${table(['LOCKS OF', 'KEY', 'MODE', 'BRANCH', 'WAITED FOR BY'], rows)}${more}`;
}

function waits({ waits: requests }: TransactionFacts): string {
  if (requests.length === 0) return '';
  const rows = requests.map(({ table: name, key, mode, holders }) => [name, key, mode, holders.join(', ')]);
  return table(['WAITS AT', 'KEY', 'MODE', 'FOR'], rows);
}

export const show: Command = {
  name: 'show',
  summary: 'all of one transaction, with the rows of its branches',
  help: HELP,
  run,
};
