import fastify from 'fastify';
import { fastifyGlobalTx, GlobalTx } from 'globaltx';
import mysql, { type RowDataPacket } from 'globaltx/mysql2/promise';

/* Puts pieces aside for an order. Called within a global transaction, it takes part in it. */

interface Reservation {
  number: string;
  sku: string;
  qty: number;
}

const { PORT, DATABASE_URL, CRASH_SKU } = process.env;
await GlobalTx.connect({ application: 'stock-service' });
const stock = mysql.createPool(DATABASE_URL!);

const app = fastify();
await app.register(fastifyGlobalTx);

app.get('/health', () => ({ up: true }));

app.post<{ Body: Reservation }>('/reservations', async (request, reply) => {
  const { number, sku, qty } = request.body;
  const connection = await stock.getConnection();
  try {
    await connection.beginTransaction();
    const [rows] = await connection.execute<RowDataPacket[]>(
      'SELECT price, qty FROM stock WHERE sku = ? FOR UPDATE',
      [sku],
    );
    const shelf = rows[0];
    if (shelf === undefined || shelf.qty < qty) {
      await connection.rollback();
      return reply.code(409).send({ refused: 'no stock' });
    }
    await connection.execute('UPDATE stock SET qty = qty - ? WHERE sku = ?', [qty, sku]);
    await connection.execute('INSERT INTO reservations (order_number, sku, qty) VALUES (?, ?, ?)', [
      number,
      sku,
      qty,
    ]);
    await connection.commit();
    // The demonstration's crash: the pieces are put aside, and nobody will ever hear of it.
    if (sku === CRASH_SKU) process.exit(1);
    return { price: Number(shelf.price) };
  } catch (error) {
    await connection.rollback();
    throw error;
  } finally {
    connection.release();
  }
});

app.setErrorHandler((error: { code?: string; message: string }, _request, reply) =>
  reply.code(503).send({ refused: error.code ?? error.message }),
);

await app.listen({ port: Number(PORT), host: '127.0.0.1' });
