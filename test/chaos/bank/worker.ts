import { setTimeout as delay } from 'node:timers/promises';
import fastify from 'fastify';
import { currentTransaction, fastifyGlobalTx, GlobalTx, GlobalTxError } from 'globaltx';
import mysql, { type Pool, type RowDataPacket } from 'globaltx/mysql2/promise';
import { Dice } from '../../simulation/dice.js';
import { JournalWriter } from './journal.js';
import type { Command, Failure, Notice, Part, ServiceSettings, Transfer } from './plan.js';

/*
 * One service of the bank: keeps one database, books on it for others over HTTP, and makes transfers of its own.
 * It holds pools to the other databases too, as a second process of their services would: what it cannot finish
 * because it was killed, another does.
 */

/** How long another service may take to answer; a stopped one never does. */
const ANSWER_MS = 3_000;
const TICK_MS = 20;
const PAUSE_AFTER_FAILURE_MS = 20;
const BETWEEN_READS_MS = 250;
/** How often a transfer fails on purpose after part of it is done. A rollback refuses those who wait for its rows. */
const FAILING = { without: 0.15, withReaders: 0.03 };
/** How often all three databases have a part in it, and how often only one, where both accounts are. */
const WIDE = 0.2;
const INSIDE = 0.4;

const settings = JSON.parse(process.env.BANK_SERVICE!) as ServiceSettings;
const dice = new Dice(settings.seed);
const journal = new JournalWriter(settings.journal);
const gtx = await GlobalTx.connect({ application: settings.name, commitDeadline: 15_000 });
const pools: readonly Pool[] = settings.databases.map((uri) =>
  mysql.createPool({ uri, connectionLimit: 24, connectTimeout: 3_000 }),
);
const home = pools[settings.home]!;

let running = false;
let made = 0;
let done = 0;
let reads = 0;
const underWay = new Set<Promise<void>>();

/** Bookings of one transfer on the home database, in one local transaction. */
async function book(id: string, parts: readonly Part[]): Promise<void> {
  const connection = await home.getConnection();
  try {
    await connection.beginTransaction();
    for (const { account, amount } of parts) {
      await connection.execute('UPDATE account SET balance = balance + ? WHERE id = ?', [amount, account]);
    }
    const rows = parts.map(({ account, amount }) => [id, account, amount]);
    await connection.query('INSERT INTO ledger (transfer, account, amount) VALUES ?', [rows]);
    await connection.commit();
  } catch (error) {
    // A connection that is lost has rolled back by itself.
    await connection.rollback().catch(() => connection.destroy());
    throw error;
  } finally {
    connection.release();
  }
}

async function askOther(id: string, part: Part, fails: boolean): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${settings.servicePorts[part.database]}/bookings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id, part, fails }),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (response.ok) return;
  const { code, message } = (await response.json()) as { code?: string; message: string };
  throw new Error(`the other service: ${code ?? message}`);
}

/** Money goes from one account of the home database to another. */
function inside(): readonly Part[] {
  const amount = dice.between(1, 50);
  const from = dice.between(1, settings.accounts - 1);
  const to = dice.between(from + 1, settings.accounts);
  const database = settings.home;
  return [
    { database, account: from, amount: -amount },
    { database, account: to, amount },
  ];
}

/** Money goes from the home database to others. */
function across(): readonly Part[] {
  const others = dice.some(
    pools.map((_, position) => position).filter((position) => position !== settings.home),
    dice.chance(WIDE) ? 2 : 1,
  );
  const amounts = others.map(() => dice.between(1, 50));
  const part = (database: number, amount: number): Part => ({
    database,
    account: dice.between(1, settings.accounts),
    amount,
  });
  const taken = amounts.reduce((sum, amount) => sum + amount, 0);
  const parts = [part(settings.home, -taken), ...others.map((database, i) => part(database, amounts[i]!))];
  return settings.inOrder ? parts.sort((a, b) => a.database - b.database) : parts;
}

function plan(): Transfer {
  made += 1;
  const isInside = dice.chance(INSIDE);
  const parts = isInside ? inside() : across();
  const fails = dice.chance(settings.inOrder ? FAILING.withReaders : FAILING.without);
  const failure: Failure = fails ? dice.pick(isInside ? ['caller'] : ['caller', 'callee']) : 'none';
  return { id: `${settings.name}-${process.pid}-${made}`, parts, failure };
}

async function perform({ id, parts, failure }: Transfer): Promise<void> {
  const lastOther = parts.findLast(({ database }) => database !== settings.home);
  const own = parts.filter(({ database }) => database === settings.home);
  for (const part of parts) {
    if (part === own[0]) await book(id, own);
    else if (part.database !== settings.home) {
      await askOther(id, part, part === lastOther && failure === 'callee');
    }
  }
  if (failure === 'caller') throw new Error('on purpose');
}

/** A code, or the first words of a message without its particulars. */
function reasonOf(error: unknown): string {
  if (error instanceof GlobalTxError) return error.code;
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? code : String(message).slice(0, 60);
}

async function transfer(): Promise<void> {
  const planned = plan();
  let begun = false;
  try {
    await gtx.run({ name: 'transfer', timeout: settings.timeoutMs, lockWait: 2_000 }, async () => {
      journal.write(['begun', planned, currentTransaction()!.xid]);
      begun = true;
      await perform(planned);
    });
    journal.write(['committed', planned.id, '']);
  } catch (error) {
    if (!begun) throw error;
    const unknown = error instanceof GlobalTxError && error.code === 'OUTCOME_UNKNOWN';
    journal.write([unknown ? 'unknown' : 'rolledBack', planned.id, reasonOf(error)]);
    if (planned.failure === 'none') await delay(PAUSE_AFTER_FAILURE_MS);
  }
  done += 1;
}

/** All balances in one global transaction, each locked: their total may never be wrong. */
async function readAll(): Promise<void> {
  const totals: number[] = [];
  try {
    await gtx.run({ name: 'read', timeout: settings.timeoutMs, lockWait: 8_000 }, async () => {
      for (const pool of pools) {
        const [rows] = await pool.query<RowDataPacket[]>('SELECT balance FROM account FOR UPDATE');
        totals.push(rows.reduce((sum, row) => sum + Number(row.balance), 0));
      }
    });
  } catch (error) {
    // Refused for a lock, a lost connection or a time-out: what it has seen so far counts for nothing.
    journal.write(['read', reasonOf(error)]);
    return;
  }
  const total = totals.reduce((sum, part) => sum + part, 0);
  journal.write(['read', '']);
  reads += 1;
  if (total !== settings.total) {
    journal.write([
      'wrong read',
      `a reader saw a total of ${total} (${totals.join(' + ')}), not ${settings.total}`,
    ]);
  }
}

async function repeat(work: () => Promise<void>, pauseMs: number): Promise<void> {
  while (running) {
    await work();
    if (pauseMs > 0) await delay(pauseMs);
  }
}

function start(): void {
  if (running) return;
  running = true;
  const loops = Array.from({ length: settings.clients }, () => repeat(transfer, 0));
  if (settings.reads) loops.push(repeat(readAll, BETWEEN_READS_MS));
  for (const loop of loops) {
    underWay.add(loop);
    void loop.finally(() => underWay.delete(loop));
  }
}

function tell(notice: Notice): void {
  if (process.connected) process.send!(notice);
}

async function pause(): Promise<void> {
  running = false;
  await Promise.all(underWay);
  tell({ type: 'idle' });
}

/** Makes this process one that has every database as a resource, before the traffic. */
async function enlistAll(): Promise<void> {
  for (const pool of pools) {
    await gtx.run({ name: 'enlist' }, () =>
      pool.query('SELECT balance FROM account WHERE id = 0 FOR UPDATE'),
    );
    await gtx.run({ name: 'enlist' }, () => pool.query('DELETE FROM ledger WHERE transfer = ?', ['']));
  }
}

const app = fastify();
await app.register(fastifyGlobalTx);
app.post<{ Body: { id: string; part: Part; fails: boolean } }>('/bookings', async (request) => {
  const { id, part, fails } = request.body;
  await book(id, [part]);
  if (fails) throw new Error('on purpose');
  return { booked: true };
});
await app.listen({ port: settings.port, host: '127.0.0.1' });

process.on('message', (command: Command) => {
  switch (command) {
    case 'run':
      start();
      return;
    case 'pause':
      void pause();
      return;
  }
});
// Without the harness nobody would end it.
process.on('disconnect', () => process.exit(0));
let told = 0;
setInterval(() => {
  if (told === done + reads) return;
  told = done + reads;
  tell({ type: 'counts', done, reads });
}, TICK_MS);
await enlistAll().catch((error: unknown) => console.error('not every database is enlisted yet:', error));
tell({ type: 'ready' });
