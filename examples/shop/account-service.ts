import express, { type ErrorRequestHandler } from 'express';
import { expressGlobalTx, GlobalTx } from 'globaltx';
import mysql, { type ResultSetHeader } from 'globaltx/mysql2/promise';

/* Charges users for orders. Called within a global transaction, it takes part in it. */

interface Charge {
  number: string;
  userId: number;
  amount: number;
}

const { PORT, DATABASE_URL } = process.env;
await GlobalTx.connect({ application: 'account-service' });
const accounts = mysql.createPool(DATABASE_URL!);

const app = express();
app.use(express.json());
app.use(expressGlobalTx());

app.get('/health', (_request, response) => {
  response.json({ up: true });
});

app.post('/charges', async (request, response) => {
  const { number, userId, amount } = request.body as Charge;
  await accounts.execute('INSERT INTO charges (order_number, user_id, amount) VALUES (?, ?, ?)', [
    number,
    userId,
    amount,
  ]);
  const [{ affectedRows }] = await accounts.execute<ResultSetHeader>(
    'UPDATE accounts SET balance = balance - ? WHERE user_id = ? AND balance >= ?',
    [amount, userId, amount],
  );
  // The charge just written goes with everything else: the order service rolls back.
  if (affectedRows === 0) response.status(402).json({ refused: 'no money' });
  else response.status(201).json({ charged: amount });
});

const onError: ErrorRequestHandler = (error, _request, response, _next) => {
  response.status(503).json({ refused: error.code ?? error.message });
};
app.use(onError);

app.listen(Number(PORT), '127.0.0.1');
