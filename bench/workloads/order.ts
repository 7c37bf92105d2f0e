import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import type { Workload } from './workload.js';

const SKUS = 1_000;
const USERS = 1_000;
const PLENTY = 1_000_000_000;

function filled(table: string, columns: string, count: number, row: (index: number) => string): string {
  return `INSERT INTO ${table} (${columns}) VALUES ${Array.from({ length: count }, (_, index) => row(index)).join(', ')}`;
}

/** The statements of the demo's three services: orders and stock here in one database, accounts in the other. */
export const ORDER: Workload = {
  name: 'order',
  kind: 'order',
  modes: ['plain', 'xa', 'at'],
  tables: [
    [
      "CREATE TABLE orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, number INT, user_id INT, sku INT, qty INT, amount INT, status VARCHAR(10) DEFAULT 'new')",
      'CREATE TABLE stock (sku INT PRIMARY KEY, price INT NOT NULL, qty INT NOT NULL)',
      'CREATE TABLE reservations (id BIGINT AUTO_INCREMENT PRIMARY KEY, order_number INT, sku INT, qty INT)',
      filled('stock', 'sku, price, qty', SKUS, (index) => `(${index}, 3, ${PLENTY})`),
    ],
    [
      'CREATE TABLE accounts (user_id INT PRIMARY KEY, balance INT NOT NULL)',
      'CREATE TABLE charges (id BIGINT AUTO_INCREMENT PRIMARY KEY, order_number INT, user_id INT, amount INT)',
      filled('accounts', 'user_id, balance', USERS, (index) => `(${index}, ${PLENTY})`),
    ],
  ],
  rollbackShare: 0,
  run: async (unit) => {
    const number = unit.turn(PLENTY);
    const userId = number % USERS;
    const sku = (number * 7) % SKUS;
    const header = (await unit.autocommit(
      0,
      'INSERT INTO orders (number, user_id, sku, qty) VALUES (?, ?, ?, ?)',
      [number, userId, sku, 2],
    )) as ResultSetHeader;
    const price = await unit.local(0, async (connection) => {
      const [rows] = await connection.execute<RowDataPacket[]>(
        'SELECT price, qty FROM stock WHERE sku = ? FOR UPDATE',
        [sku],
      );
      await connection.execute('UPDATE stock SET qty = qty - ? WHERE sku = ?', [2, sku]);
      await connection.execute('INSERT INTO reservations (order_number, sku, qty) VALUES (?, ?, ?)', [
        number,
        sku,
        2,
      ]);
      return Number(rows[0]!.price);
    });
    await unit.local(1, async (connection) => {
      await connection.execute('INSERT INTO charges (order_number, user_id, amount) VALUES (?, ?, ?)', [
        number,
        userId,
        price * 2,
      ]);
      await connection.execute(
        'UPDATE accounts SET balance = balance - ? WHERE user_id = ? AND balance >= ?',
        [price * 2, userId, price * 2],
      );
    });
    await unit.autocommit(0, "UPDATE orders SET amount = ?, status = 'paid' WHERE id = ?", [
      price * 2,
      header.insertId,
    ]);
  },
};
