import express from 'express';
import { GlobalTx } from 'globaltx';
import mysql from 'globaltx/mysql2';
import knex, { type Knex } from 'knex';
import { charge, type Order, reasonOf } from '../pair/call.js';

/* Takes orders. What it writes, and what the account service writes for it, is committed or rolled back as one. */

const { PORT, DATABASE_URL, ACCOUNT_URL } = process.env;
const gtx = await GlobalTx.connect({ application: 'order-service' });
const connectionPool = mysql.createPool(DATABASE_URL!) as unknown as Knex.MySQLPoolLike;
const db = knex({ client: 'mysql2', connectionPool });

const placeOrder = gtx.transactional({ name: 'place-order' }, async (order: Order) => {
  const { number, userId, amount } = order;
  const [id] = await db('orders').insert({ number, user_id: userId, amount, status: 'new' });
  await charge(ACCOUNT_URL!, order);
  await db('orders').where({ id }).update({ status: 'paid' });
});

const app = express();
app.use(express.json());

app.get('/health', (_request, response) => {
  response.json({ up: true });
});

app.post('/orders', async (request, response) => {
  try {
    await placeOrder(request.body as Order);
    response.status(201).json({ result: 'committed' });
  } catch (error) {
    response.status(409).json({ result: 'rolled back', reason: reasonOf(error) });
  }
});

app.listen(Number(PORT), '127.0.0.1');
