import express from 'express';
import { GlobalTx, GlobalTxError } from 'globaltx';
import mysql, { type ResultSetHeader } from 'globaltx/mysql2/promise';

/*
 * Takes orders: writes the order, has the stock service put the pieces aside, and the account service charge
 * for them. Each has a database of its own; all three change, or none.
 */

interface Order {
  number: string;
  userId: number;
  sku: string;
  qty: number;
}

const { PORT, DATABASE_URL, STOCK_URL, ACCOUNT_URL } = process.env;
const gtx = await GlobalTx.connect({ application: 'order-service' });
const orders = mysql.createPool(DATABASE_URL!);

class Refused extends Error {}

/** Another service's answer; what it refuses ends the order, and with it everything written for it. */
async function call<Answer>(url: string, body: object): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as Answer & { refused?: string };
  if (!response.ok) throw new Refused(answer.refused);
  return answer;
}

const placeOrder = gtx.transactional({ name: 'place-order', timeout: 30_000 }, async (order: Order) => {
  const { number, userId, sku, qty } = order;
  const [{ insertId }] = await orders.execute<ResultSetHeader>(
    'INSERT INTO orders (number, user_id, sku, qty) VALUES (?, ?, ?, ?)',
    [number, userId, sku, qty],
  );
  const { price } = await call<{ price: number }>(`${STOCK_URL}/reservations`, { number, sku, qty });
  const amount = price * qty;
  await call(`${ACCOUNT_URL}/charges`, { number, userId, amount });
  await orders.execute("UPDATE orders SET amount = ?, status = 'paid' WHERE id = ?", [amount, insertId]);
});

/** Why an order was not placed, in few words. */
function reasonOf(error: unknown): string {
  if (error instanceof Refused) return error.message;
  if (error instanceof GlobalTxError) return error.code;
  if (error instanceof TypeError && error.message === 'fetch failed') return 'service away';
  return String(error);
}

const app = express();
app.use(express.json());

app.get('/health', (_request, response) => {
  response.json({ up: true });
});

app.post('/orders', async (request, response) => {
  try {
    await placeOrder(request.body as Order);
    response.status(201).json({ result: 'committed', reason: '' });
  } catch (error) {
    const isUnknown = error instanceof GlobalTxError && error.code === 'OUTCOME_UNKNOWN';
    response.status(409).json({ result: isUnknown ? 'unknown' : 'rolledBack', reason: reasonOf(error) });
  }
});

app.listen(Number(PORT), '127.0.0.1');
