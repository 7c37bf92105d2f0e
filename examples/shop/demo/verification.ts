import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Order, Told } from './customers.js';

/** Plain mysql2 connections to the three databases: what is checked here does not pass through globaltx. */
export interface Databases {
  readonly orders: Connection;
  readonly stock: Connection;
  readonly accounts: Connection;
}

/** Money is counted in cents. */
export interface Totals {
  readonly orders: number;
  readonly money: number;
  readonly ordered: number;
  readonly pieces: number;
  readonly piecesOrdered: number;
}

export interface UndoLogRows {
  /** Images of branches whose phase two is still to come. */
  readonly pending: number;
  /** Defence records: they keep a late phase one out, and are removed after a day. */
  readonly defence: number;
}

async function numbers<Name extends string>(
  connection: Connection,
  sql: string,
): Promise<Record<Name, number>> {
  const [rows] = await connection.query<RowDataPacket[]>(sql);
  const entries = Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]);
  return Object.fromEntries(entries) as Record<Name, number>;
}

export async function totals({ orders, stock, accounts }: Databases): Promise<Totals> {
  const [order, shelf, account] = await Promise.all([
    numbers<'n' | 'amount' | 'qty'>(
      orders,
      'SELECT COUNT(*) AS n, COALESCE(SUM(amount), 0) * 100 AS amount, COALESCE(SUM(qty), 0) AS qty FROM orders',
    ),
    numbers<'qty'>(stock, 'SELECT SUM(qty) AS qty FROM stock'),
    numbers<'money'>(accounts, 'SELECT SUM(balance) * 100 AS money FROM accounts'),
  ]);
  return {
    orders: order.n,
    money: account.money,
    ordered: order.amount,
    pieces: shelf.qty,
    piecesOrdered: order.qty,
  };
}

async function byNumber(connection: Connection, sql: string): Promise<Map<string, string>> {
  const [rows] = await connection.query<RowDataPacket[]>(sql);
  return new Map(rows.map((row) => [row.number as string, Object.values(row).slice(1).join(' ')]));
}

/** What stands in the databases about each order, and what is wrong with it. */
export async function findWrongOrders(databases: Databases, told: readonly Told[]): Promise<string[]> {
  const [orders, reservations, charges] = await Promise.all([
    byNumber(databases.orders, 'SELECT number, user_id, sku, qty, amount, status FROM orders'),
    byNumber(databases.stock, 'SELECT order_number AS number, sku, qty FROM reservations'),
    byNumber(databases.accounts, 'SELECT order_number AS number, user_id, amount FROM charges'),
  ]);
  const [prices] = await databases.stock.query<RowDataPacket[]>('SELECT sku, price FROM stock');
  const price = new Map(prices.map((row) => [row.sku as string, Number(row.price)]));

  const wrong: string[] = [];
  for (const { order, result } of told) {
    const amount = ((price.get(order.sku) ?? Number.NaN) * order.qty).toFixed(2);
    const found = [orders.get(order.number), reservations.get(order.number), charges.get(order.number)];
    const whole = found.join() === inFull(order, amount).join();
    const nothing = found.every((part) => part === undefined);
    const right = { committed: whole, rolledBack: nothing, unknown: whole || nothing }[result];
    if (!right)
      wrong.push(`order ${order.number}: the caller was told '${result}', and there is: ${found.join('; ')}`);
  }
  const known = new Set(told.map(({ order }) => order.number));
  for (const number of new Set([...orders.keys(), ...reservations.keys(), ...charges.keys()])) {
    if (!known.has(number)) wrong.push(`order ${number}: nobody placed it`);
  }
  return wrong;
}

/** The rows of an order in the three databases, as `byNumber` shows them. */
function inFull({ userId, sku, qty }: Order, amount: string): string[] {
  return [`${userId} ${sku} ${qty} ${amount} paid`, `${sku} ${qty}`, `${userId} ${amount}`];
}

export async function undoLogRows(databases: Databases): Promise<UndoLogRows> {
  const each = await Promise.all(
    Object.values(databases as unknown as Record<string, Connection>).map((connection) =>
      numbers<'pending' | 'defence'>(
        connection,
        'SELECT COALESCE(SUM(log_status = 0), 0) AS pending, COALESCE(SUM(log_status = 1), 0) AS defence FROM undo_log',
      ),
    ),
  );
  return {
    pending: each.reduce((sum, { pending }) => sum + pending, 0),
    defence: each.reduce((sum, { defence }) => sum + defence, 0),
  };
}

/** Sentences about totals that do not add up; none, if all is well. */
export function findWrongTotals(before: Totals, after: Totals): string[] {
  const wrong: string[] = [];
  const money = after.money + after.ordered - before.money - before.ordered;
  if (money !== 0) wrong.push(`money: ${money / 100} too much`);
  const pieces = after.pieces + after.piecesOrdered - before.pieces - before.piecesOrdered;
  if (pieces !== 0) wrong.push(`stock: ${pieces} pieces too many`);
  return wrong;
}
