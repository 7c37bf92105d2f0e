import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { locksHeld } from '../stage/locks.js';
import { perform } from '../stage/perform.js';
import { placeOrders } from './demo/customers.js';
import { type Findings, report } from './demo/report.js';
import { openShop, type Shop } from './demo/shop.js';
import { findWrongOrders, findWrongTotals, totals, undoLogRows } from './demo/verification.js';

const HELP = `usage: npm run demo -- [--json] [--orders N] [--kill-coordinator] [--kill-service]

A shop of three services (orders, stock, accounts) with three databases on two servers, each in a process of its
own, takes orders from 16 customers at a time. Some orders must fail half-way: no stock, no money, and a stock
service that dies between its local commit and its answer. Then everything is counted, with plain mysql2.

  --orders N           how many orders are placed; default 300
  --kill-coordinator   kill -9 of the coordinator in the middle, and restart on the same data
  --kill-service       kill -9 of the account service in the middle, and restart
  --json               one line of JSON at the end, and progress on the error output
  -h, --help           this text

Exit status 0: every total is exact, no undo log row and no lock is left, and enough was tried to prove it.
`;

const IN_FLIGHT = 16;
/** How long after the last order the clean-up may take. */
const SETTLE_MS = 30_000;
/** How long a killed coordinator stays away. */
const OUTAGE_MS = 500;

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        orders: { type: 'string', default: '300' },
        'kill-coordinator': { type: 'boolean', default: false },
        'kill-service': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const count = Number(values.orders);
    if (!Number.isInteger(count) || count < 1)
      throw new Error(`--orders: ${values.orders} is no number of orders`);
    return { ...values, count };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    process.exit(2);
  }
}

const options = readOptions();
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

function say(text: string): void {
  (options.json ? process.stderr : process.stdout).write(`${text}\n`);
}

/** What is killed in the middle; resolves once it is back. */
async function disturb(shop: Shop): Promise<void> {
  if (options['kill-coordinator']) {
    say('kill -9 of the coordinator');
    await shop.coordinator.kill('SIGKILL');
    await delay(OUTAGE_MS);
    await shop.coordinator.restart();
    say('the coordinator is back, on the same data');
  }
  if (options['kill-service']) {
    say('kill -9 of the account service');
    shop.accountService.kill();
    await shop.accountService.answering();
    say('the account service is back');
  }
}

/** Waits until phase two of everything is through, or the time is up. */
async function settle(shop: Shop): Promise<Pick<Findings, 'undoLog' | 'locksHeld'>> {
  const until = Date.now() + SETTLE_MS;
  for (;;) {
    const left = { undoLog: await undoLogRows(shop.databases), locksHeld: await locksHeld(shop.metricsPort) };
    if ((left.undoLog.pending === 0 && left.locksHeld === 0) || Date.now() > until) return left;
    await delay(200);
  }
}

async function takeOrders(shop: Shop, count: number): Promise<Findings> {
  const before = await totals(shop.databases);
  let disturbance: Promise<void> | undefined;
  const told = await placeOrders(shop.orderService.url, count, IN_FLIGHT, (answered) => {
    if (answered % 50 === 0 || answered === count) say(`${answered} of ${count} orders answered`);
    if (answered >= count / 3) disturbance ??= disturb(shop);
  });
  await disturbance;
  say('waiting for phase two of the last orders');
  const left = await settle(shop);
  const after = await totals(shop.databases);
  const wrong = [...findWrongTotals(before, after), ...(await findWrongOrders(shop.databases, told))];
  return {
    ...{ before, after, told, wrong, ...left },
    committed: after.orders,
    rolledBack: told.length - after.orders,
    stockDeaths: shop.stockService.deaths,
  };
}

/** What a run must contain to prove anything. */
function findMissing({ told, committed, stockDeaths }: Findings): string[] {
  const missing: string[] = [];
  if (committed < told.length / 5) missing.push(`only ${committed} of ${told.length} orders were committed`);
  for (const reason of ['no stock', 'no money']) {
    if (!told.some((each) => each.reason === reason)) missing.push(`no order was refused for '${reason}'`);
  }
  if (stockDeaths === 0) missing.push('the stock service never died in the middle');
  return missing;
}

async function run(shop: Shop): Promise<number> {
  say(`the shop is open, on ${shop.serverName}`);
  const findings = await takeOrders(shop, options.count);
  const missing = findMissing(findings);
  say(report(findings));
  for (const sentence of missing) say(`This run proves too little: ${sentence}.`);
  const { committed, rolledBack, wrong, undoLog, locksHeld } = findings;
  const left = { wrongTotals: wrong.length, undoLogRows: undoLog.pending, locksHeld };
  if (options.json) process.stdout.write(`${JSON.stringify({ committed, rolledBack, ...left })}\n`);
  return Object.values(left).every((n) => n === 0) && missing.length === 0 ? 0 : 1;
}

await perform(openShop(options.count, say), run);
