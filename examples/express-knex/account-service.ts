import express, { type ErrorRequestHandler } from 'express';
import { expressGlobalTx, GlobalTx } from 'globaltx';
import mysql from 'globaltx/mysql2';
import knex, { type Knex } from 'knex';
import { type Order, reasonOf } from '../pair/call.js';

/* Charges users for orders. Called within a global transaction, it takes part in it. */

const { PORT, DATABASE_URL } = process.env;
await GlobalTx.connect({ application: 'account-service' });
const connectionPool = mysql.createPool(DATABASE_URL!) as unknown as Knex.MySQLPoolLike;
const db = knex({ client: 'mysql2', connectionPool });

const app = express();
app.use(express.json());
app.use(expressGlobalTx());

app.get('/health', (_request, response) => {
  response.json({ up: true });
});

app.post('/charges', async (request, response) => {
  const { number, userId, amount } = request.body as Order;
  const paid = await db.transaction(async (local) => {
    await local('charges').insert({ order_number: number, user_id: userId, amount });
    const account = local('accounts').where({ user_id: userId }).where('balance', '>=', amount);
    return (await account.decrement('balance', amount)) === 1;
  });
  // The charge is committed here already; it goes when the order service, which hears of this, rolls back.
  if (paid) response.status(201).json({ charged: amount });
  else response.status(402).json({ refused: 'no money' });
});

const onError: ErrorRequestHandler = (error, _request, response, _next) => {
  response.status(503).json({ refused: reasonOf(error) });
};
app.use(onError);

app.listen(Number(PORT), '127.0.0.1');
