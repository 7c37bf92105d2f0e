import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/mysql2';
import fastify from 'fastify';
import { GlobalTx } from 'globaltx';
import mysql from 'globaltx/mysql2/promise';
import { charge, type Order, reasonOf } from '../pair/call.js';
import { orders } from './tables.js';

/* Takes orders. What it writes, and what the account service writes for it, is committed or rolled back as one. */

const { PORT, DATABASE_URL, ACCOUNT_URL } = process.env;
const gtx = await GlobalTx.connect({ application: 'order-service' });
const db = drizzle(mysql.createPool(DATABASE_URL!));

const placeOrder = gtx.transactional({ name: 'place-order' }, async (order: Order) => {
  const [inserted] = await db
    .insert(orders)
    .values({ ...order, status: 'new' })
    .$returningId();
  await charge(ACCOUNT_URL!, order);
  await db.update(orders).set({ status: 'paid' }).where(eq(orders.id, inserted!.id));
});

const app = fastify();

app.get('/health', () => ({ up: true }));

app.post<{ Body: Order }>('/orders', async (request, reply) => {
  try {
    await placeOrder(request.body);
    return reply.code(201).send({ result: 'committed' });
  } catch (error) {
    return reply.code(409).send({ result: 'rolled back', reason: reasonOf(error) });
  }
});

await app.listen({ port: Number(PORT), host: '127.0.0.1' });
