import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { Bank } from './bank.js';
import type { Journal, JournalEntry } from './journal.js';
import { BALANCE } from './schema.js';

/** What stands in the databases, read with plain mysql2. */
interface Books {
  /** By transfer: its bookings, in the order of the databases, as `database:account:amount`. */
  readonly bookings: ReadonlyMap<string, readonly string[]>;
  /** Accounts whose balance is not what their ledger says, as sentences. */
  readonly wrongBalances: readonly string[];
  readonly total: number;
}

async function readBooks(bank: Bank): Promise<Books> {
  const bookings = new Map<string, string[]>();
  const wrongBalances: string[] = [];
  let total = 0;
  for (const [position, { server, name }] of bank.databases.entries()) {
    const connection = await createConnection(server.options(name));
    try {
      const [rows] = await connection.query<RowDataPacket[]>('SELECT transfer, account, amount FROM ledger');
      for (const { transfer, account, amount } of rows) {
        const of = bookings.get(transfer) ?? [];
        bookings.set(transfer, of);
        of.push(`${position}:${account}:${amount}`);
      }
      const [accounts] = await connection.query<RowDataPacket[]>(
        `SELECT id, balance, ${BALANCE} + COALESCE((SELECT SUM(amount) FROM ledger WHERE account = id), 0) AS booked ` +
          'FROM account',
      );
      for (const { id, balance, booked } of accounts) {
        total += Number(balance);
        if (Number(balance) === Number(booked)) continue;
        wrongBalances.push(
          `account ${id} of database ${position + 1} has ${balance}, its ledger says ${booked}`,
        );
      }
    } finally {
      await connection.end();
    }
  }
  return { bookings, wrongBalances, total };
}

export interface Verdict {
  /** Sentences about what is wrong. */
  readonly wrong: readonly string[];
  readonly committed: number;
  readonly rolledBack: number;
  /** The caller was told that it cannot be known, or died before it was told. */
  readonly unknown: number;
  /** Of the unknown ones: those that turned out committed. */
  readonly unknownCommitted: number;
}

function inFull({ transfer }: JournalEntry): string {
  return transfer.parts
    .map(({ database, account, amount }) => `${database}:${account}:${amount}`)
    .sort()
    .join(' ');
}

/** Accounts for every transfer one by one, and for every balance. */
export async function verify(bank: Bank, journal: Journal): Promise<Verdict> {
  const books = await readBooks(bank);
  const wrong = [...books.wrongBalances, ...journal.wrongReads];
  if (books.total !== bank.total) wrong.push(`the total is ${books.total}, not ${bank.total}`);
  const counts = { committed: 0, rolledBack: 0, unknown: 0, unknownCommitted: 0 };
  const known = new Set<string>();
  for (const entry of journal.entries) {
    const { id } = entry.transfer;
    known.add(id);
    const found = [...(books.bookings.get(id) ?? [])].sort().join(' ');
    const whole = found === inFull(entry);
    const nothing = found === '';
    const right = {
      committed: whole,
      rolledBack: nothing,
      unknown: whole || nothing,
      lost: whole || nothing,
    };
    if (entry.told === 'committed' || entry.told === 'rolledBack') counts[entry.told] += 1;
    else {
      counts.unknown += 1;
      if (whole) counts.unknownCommitted += 1;
    }
    if (right[entry.told]) continue;
    wrong.push(
      `transfer ${id} (${entry.xid}): its caller was told '${entry.told}' (${entry.reason}); it should be ` +
        `${inFull(entry)}, and there is ${nothing ? 'nothing' : found}`,
    );
  }
  for (const id of books.bookings.keys())
    if (!known.has(id)) wrong.push(`transfer ${id}: nobody has begun it`);
  return { wrong, ...counts };
}
