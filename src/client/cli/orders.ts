import { hostname, userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Order, TransactionSummary } from '../../protocol/admin.js';
import { AdminClient } from './admin-client.js';
import { type Command, DONE, FAILED, type Output, WRONG_USE } from './command.js';
import { plain } from './text.js';

/** How long to look for what becomes of an order, in milliseconds. */
const WATCH_MS = 10_000;
const LOOK_EVERY_MS = 200;

const COMMON = `  --yes                  do not ask
  --coordinator ADDRESS  where the coordinator is; default: GLOBALTX_COORDINATOR, then localhost
  -h, --help             this text

The coordinator notes in its audit log who has ordered what, and what came of it.
`;

const OPTIONS = {
  branch: { type: 'string' },
  'accept-current': { type: 'boolean' },
  'restore-before': { type: 'boolean' },
  yes: { type: 'boolean' },
  coordinator: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Flag = keyof typeof OPTIONS;
type Wanted = Pick<Order, 'kind' | 'branchId' | 'resolution'>;

interface Given {
  readonly branch: string;
  readonly acceptCurrent: boolean;
  readonly restoreBefore: boolean;
}

interface OrderCommand {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  /** Flags that belong to this command beside the common ones. */
  readonly flags: readonly Flag[];
  /** undefined: called in a wrong way. */
  wanted(given: Given): Wanted | undefined;
  question(transaction: TransactionSummary, wanted: Wanted): string;
}

function orderCommand(order: OrderCommand): Command {
  const { name, summary, help } = order;
  return { name, summary, help, run: (args, output) => run(order, args, output) };
}

async function run(command: OrderCommand, args: readonly string[], output: Output): Promise<number> {
  const common: readonly Flag[] = ['yes', 'coordinator', 'help'];
  const options = Object.fromEntries(
    [...common, ...command.flags].map((flag) => [flag, OPTIONS[flag]]),
  ) as typeof OPTIONS;
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  if (values.help) {
    output.out(command.help);
    return DONE;
  }
  const [xid, ...others] = positionals;
  const wanted = command.wanted({
    branch: values.branch ?? '',
    acceptCurrent: values['accept-current'] === true,
    restoreBefore: values['restore-before'] === true,
  });
  if (xid === undefined || others.length > 0 || wanted === undefined) {
    output.error(command.help);
    return WRONG_USE;
  }
  const client = await AdminClient.connect(values.coordinator);
  try {
    const transaction = await client.transaction(xid);
    if (!values.yes && !(await isConfirmed(command.question(transaction, wanted), output))) return FAILED;
    const { outcome } = await client.order({ ...wanted, xid, user: userName(), host: hostname() });
    output.out(`${outcome}\n`);
    output.out(await seen(client, xid));
  } finally {
    client.close();
  }
  return DONE;
}

async function isConfirmed(question: string, output: Output): Promise<boolean> {
  if (output.confirm === undefined) {
    output.error('There is nobody to ask here: say --yes if it is to be done.\n');
    return false;
  }
  if (await output.confirm(question)) return true;
  output.error('Nothing was ordered.\n');
  return false;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the system's list of users, as in many containers.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** Waits a little for the end, and says where the transaction stands. */
async function seen(client: AdminClient, xid: string): Promise<string> {
  const until = Date.now() + WATCH_MS;
  for (;;) {
    const transaction = await client.transaction(xid);
    const isMoving = transaction.status === 'ROLLING_BACK' || transaction.status === 'COMMITTING';
    if (!isMoving || Date.now() > until) return standing(transaction);
    await sleep(LOOK_EVERY_MS);
  }
}

function standing({ status, branches, attention }: TransactionSummary): string {
  const lines = [`it is ${status}${branches > 0 ? `, ${branches} branches are left` : ''}`];
  for (const { branchId, code, detail } of attention)
    lines.push(`branch ${branchId}: ${code}: ${plain(detail)}`);
  return `${lines.join('\n')}\n`;
}

function named({ xid, name, application, status }: TransactionSummary): string {
  return plain(`${xid} (${name || 'without a name'}, of ${application || 'nobody'}, ${status})`);
}

export const retry = orderCommand({
  name: 'retry',
  summary: 'try phase two again, now',
  help: `usage: globaltx retry XID [--branch B] [OPTION...]

Has phase two of a transaction tried again at once, where it needs a person or waits for its next attempt. Nothing
is forced: rows that somebody else has changed are still refused. Put them right first.

  --branch B             only this branch; default: every branch that waits
${COMMON}`,
  flags: ['branch'],
  wanted: ({ branch }) => ({ kind: 'RETRY', branchId: branch, resolution: 'UNRESOLVED' }),
  question: (transaction, { branchId }) =>
    `Try phase two of ${branchId === '' ? 'every waiting branch' : `branch ${branchId}`} of ${named(transaction)} again?`,
});

export const rollback = orderCommand({
  name: 'rollback',
  summary: 'roll back a transaction that is not decided',
  help: `usage: globaltx rollback XID [OPTION...]

Rolls back a transaction that is ACTIVE, as its time-out would. Its application gets ROLLED_BACK.

${COMMON}`,
  flags: [],
  wanted: () => ({ kind: 'ROLL_BACK', branchId: '', resolution: 'UNRESOLVED' }),
  question: (transaction) => `Roll back ${named(transaction)}?`,
});

function resolutionOf({ acceptCurrent, restoreBefore }: Given): Order['resolution'] {
  if (acceptCurrent === restoreBefore) return 'UNRESOLVED';
  return acceptCurrent ? 'ACCEPT_CURRENT' : 'RESTORE_BEFORE';
}

export const resolve = orderCommand({
  name: 'resolve',
  summary: 'decide about a branch that needs a person',
  help: `usage: globaltx resolve XID --branch B --accept-current | --restore-before [OPTION...]

Ends a branch that needs a person. Look at it first: globaltx show XID --database URL

  --branch B             the branch
  --accept-current       the rows stay as they are now, and the branch counts as rolled back
  --restore-before       the rows become what they were before the branch; what anybody wrote since is LOST
${COMMON}`,
  flags: ['branch', 'accept-current', 'restore-before'],
  wanted: (given) => {
    const resolution = resolutionOf(given);
    if (given.branch === '' || resolution === 'UNRESOLVED') return undefined;
    return { kind: 'RESOLVE', branchId: given.branch, resolution };
  },
  question: (transaction, { branchId, resolution }) =>
    `Branch ${branchId} of ${named(transaction)}: ` +
    (resolution === 'RESTORE_BEFORE'
      ? 'overwrite what others have written to its rows with what was there before the branch?'
      : 'leave its rows as they are now, and forget what the branch did to them?'),
});
