import { setTimeout as delay } from 'node:timers/promises';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { Bank } from './bank.js';

/** What must come to nothing once the traffic has stopped. */
export interface Left {
  readonly undoLogRows: number;
  readonly transactions: number;
  readonly locks: number;
}

async function gauge(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const value = new RegExp(`^globaltx_${name}(?:\\{[^}]*\\})? (\\d+)`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`the coordinator's metrics do not tell ${name}:\n${text}`);
  return Number(value);
}

async function undoLogRows({ databases }: Bank): Promise<number> {
  let rows = 0;
  for (const { server, name } of databases) {
    const connection = await createConnection(server.options(name));
    const [counts] = await connection.query<RowDataPacket[]>(
      'SELECT COUNT(*) AS n FROM undo_log WHERE log_status = 0',
    );
    rows += Number(counts[0]!.n);
    await connection.end();
  }
  return rows;
}

export async function whatIsLeft(bank: Bank): Promise<Left> {
  return {
    undoLogRows: await undoLogRows(bank),
    transactions: await gauge(bank.metricsPort, 'transactions'),
    locks: await gauge(bank.metricsPort, 'locks'),
  };
}

/** Waits until nothing is left. @returns what is left after `limitMs`, and how long it took */
export async function settle(bank: Bank, limitMs: number): Promise<{ left: Left; tookMs: number }> {
  const since = performance.now();
  for (;;) {
    const left = await whatIsLeft(bank);
    const tookMs = performance.now() - since;
    const none = Object.values(left).every((count: number) => count === 0);
    if (none || tookMs > limitMs) return { left, tookMs };
    await delay(100);
  }
}
