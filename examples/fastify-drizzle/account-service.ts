import { and, eq, gte, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/mysql2';
import fastify from 'fastify';
import { fastifyGlobalTx, GlobalTx } from 'globaltx';
import mysql from 'globaltx/mysql2/promise';
import { type Order, reasonOf } from '../pair/call.js';
import { accounts, charges } from './tables.js';

/* Charges users for orders. Called within a global transaction, it takes part in it. */

const { PORT, DATABASE_URL } = process.env;
await GlobalTx.connect({ application: 'account-service' });
const db = drizzle(mysql.createPool(DATABASE_URL!));

const app = fastify();
await app.register(fastifyGlobalTx);

app.get('/health', () => ({ up: true }));

app.post<{ Body: Order }>('/charges', async (request, reply) => {
  const { number: orderNumber, userId, amount } = request.body;
  const paid = await db.transaction(async (local) => {
    await local.insert(charges).values({ orderNumber, userId, amount });
    const [{ affectedRows }] = await local
      .update(accounts)
      .set({ balance: sql`${accounts.balance} - ${amount}` })
      .where(and(eq(accounts.userId, userId), gte(accounts.balance, amount)));
    return affectedRows === 1;
  });
  // The charge is committed here already; it goes when the order service, which hears of this, rolls back.
  return paid ? reply.code(201).send({ charged: amount }) : reply.code(402).send({ refused: 'no money' });
});

app.setErrorHandler((error, _request, reply) => reply.code(503).send({ refused: reasonOf(error) }));

await app.listen({ port: Number(PORT), host: '127.0.0.1' });
