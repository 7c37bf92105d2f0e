import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { RowDataPacket } from 'mysql2/promise';
import { locksHeld } from '../stage/locks.js';
import { perform } from '../stage/perform.js';
import { Stage, type StageDatabase } from '../stage/stage.js';
import { ACCOUNTS, ANN, BOB, ORDERS } from './tables.js';

/**
 * A pair of services with a database each: one takes orders, and has the other charge for them. An order that cannot be
 * paid is refused by the account service only after it has written the charge, so that both have something to undo.
 */
export interface Pair {
  /** 'Express and Knex'. */
  readonly name: string;
  /** Answers POST /orders with 201, or with 409 and the reason. */
  readonly orderService: URL;
  /** Answers POST /charges with 201, or with 402. */
  readonly accountService: URL;
}

/** How long after the last order the clean-up may take. */
const SETTLE_MS = 15_000;
const AMOUNT = 20;
/** Ann's money is enough for five. */
const AT_ONCE = 8;

async function numberOf({ connection }: StageDatabase, sql: string): Promise<number> {
  const [rows] = await connection.query<RowDataPacket[]>(sql);
  return Number(Object.values(rows[0] ?? {})[0]);
}

/** Starts everything, places orders, counts what is in the databases with plain mysql2, and ends the process. */
export function play({ name, orderService, accountService }: Pair): Promise<never> {
  return perform(Stage.open(), async (stage) => {
    const orders = await stage.database(0, 'orders', ORDERS);
    const accounts = await stage.database(1, 'accounts', ACCOUNTS);
    const accountsAt = await stage.service(accountService, accounts);
    const { url } = await stage.service(orderService, orders, { ACCOUNT_URL: accountsAt.url });
    console.log(`${name}: two services are up, with two databases on ${stage.serverName}`);

    async function place(userId: number): Promise<number> {
      const response = await fetch(`${url}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ number: randomUUID(), userId, amount: AMOUNT }),
      });
      console.log(`  an order of user ${userId}: ${response.status} ${await response.text()}`);
      return response.status;
    }

    const wrong: string[] = [];
    function expect(what: string, actual: number, expected: number): void {
      console.log(`  ${what}: ${actual}`);
      if (actual !== expected) wrong.push(`${what}: ${actual} instead of ${expected}`);
    }

    console.log('One order that can be paid, one that cannot, then several at once:');
    expect('answer', await place(ANN), 201);
    expect('answer', await place(BOB), 409);
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => place(ANN)));
    const taken = 1 + answers.filter((status) => status === 201).length;

    const undoLog = 'SELECT COUNT(*) FROM undo_log WHERE log_status = 0';
    async function left(): Promise<number> {
      const rows = (await numberOf(orders, undoLog)) + (await numberOf(accounts, undoLog));
      return rows + (await locksHeld(stage.metricsPort));
    }
    const until = Date.now() + SETTLE_MS;
    while ((await left()) > 0 && Date.now() < until) await delay(50);

    console.log('And in the databases:');
    expect('orders', await numberOf(orders, 'SELECT COUNT(*) FROM orders'), taken);
    expect(
      'of them paid',
      await numberOf(orders, "SELECT COUNT(*) FROM orders WHERE status = 'paid'"),
      taken,
    );
    expect('charges', await numberOf(accounts, 'SELECT COUNT(*) FROM charges'), taken);
    expect('money left', await numberOf(accounts, 'SELECT SUM(balance) FROM accounts'), 105 - taken * AMOUNT);
    expect('undo log rows and locks left', await left(), 0);
    for (const sentence of wrong) console.log(`WRONG: ${sentence}`);
    console.log(wrong.length === 0 ? 'All or nothing, every time.' : 'SOMETHING IS WRONG: see above.');
    return wrong.length === 0 ? 0 : 1;
  });
}
