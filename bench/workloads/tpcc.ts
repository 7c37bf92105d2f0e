import type { RowDataPacket } from 'mysql2/promise';
import type { Unit, Workload } from './workload.js';

/** Fewer rows than the standard's, in its proportions: what is measured is the way, not the buffer pool. */
const WAREHOUSES = 8;
const DISTRICTS = 10;
const CUSTOMERS = 100;
const ITEMS = 1_000;
/** Lines of an order (TPC-C 5.11, 2.4.1.3). */
const LINES = { least: 5, most: 15 };
/** New-Order and Payment have 45 and 43 of a hundred in the standard's mix (5.2.3). */
const NEW_ORDER_SHARE = 45 / 88;

function rows(counts: readonly number[], row: (...at: number[]) => string): string {
  const all = counts.reduce<number[][]>(
    (lists, count) =>
      lists.flatMap((list) => Array.from({ length: count }, (_, index) => [...list, index + 1])),
    [[]],
  );
  return all.map((at) => `(${row(...at)})`).join(', ');
}

/** Warehouses, districts, items and stock: the side that sells. */
const SELLER = [
  'CREATE TABLE warehouse (w_id INT PRIMARY KEY, w_tax DECIMAL(4,4) NOT NULL, w_ytd DECIMAL(12,2) NOT NULL)',
  'CREATE TABLE district (d_w_id INT, d_id INT, d_tax DECIMAL(4,4) NOT NULL, d_ytd DECIMAL(12,2) NOT NULL, d_next_o_id INT NOT NULL, PRIMARY KEY (d_w_id, d_id))',
  'CREATE TABLE item (i_id INT PRIMARY KEY, i_price DECIMAL(5,2) NOT NULL, i_name VARCHAR(24) NOT NULL)',
  'CREATE TABLE stock (s_w_id INT, s_i_id INT, s_quantity INT NOT NULL, s_ytd INT NOT NULL, s_order_cnt INT NOT NULL, s_dist CHAR(24) NOT NULL, PRIMARY KEY (s_w_id, s_i_id))',
  `INSERT INTO warehouse VALUES ${rows([WAREHOUSES], (w) => `${w}, 0.1, 300000`)}`,
  `INSERT INTO district VALUES ${rows([WAREHOUSES, DISTRICTS], (w, d) => `${w}, ${d}, 0.1, 30000, 3001`)}`,
  `INSERT INTO item VALUES ${rows([ITEMS], (i) => `${i}, 9.5, 'item ${i}'`)}`,
  `INSERT INTO stock VALUES ${rows([WAREHOUSES, ITEMS], (w, i) => `${w}, ${i}, 50, 0, 0, 'district information'`)}`,
];

/** Customers, their orders and payments: the side that buys. */
const BUYER = [
  'CREATE TABLE customer (c_w_id INT, c_d_id INT, c_id INT, c_last VARCHAR(16) NOT NULL, c_discount DECIMAL(4,4) NOT NULL, c_balance DECIMAL(12,2) NOT NULL, c_ytd_payment DECIMAL(12,2) NOT NULL, c_payment_cnt INT NOT NULL, c_data VARCHAR(500) NOT NULL, PRIMARY KEY (c_w_id, c_d_id, c_id))',
  'CREATE TABLE history (h_id BIGINT AUTO_INCREMENT PRIMARY KEY, h_c_id INT, h_c_d_id INT, h_c_w_id INT, h_amount DECIMAL(6,2), h_data VARCHAR(24))',
  'CREATE TABLE orders (o_w_id INT, o_d_id INT, o_id INT, o_c_id INT NOT NULL, o_entry_d DATETIME NOT NULL, o_ol_cnt INT NOT NULL, PRIMARY KEY (o_w_id, o_d_id, o_id))',
  'CREATE TABLE new_order (no_w_id INT, no_d_id INT, no_o_id INT, PRIMARY KEY (no_w_id, no_d_id, no_o_id))',
  'CREATE TABLE order_line (ol_w_id INT, ol_d_id INT, ol_o_id INT, ol_number INT, ol_i_id INT NOT NULL, ol_quantity INT NOT NULL, ol_amount DECIMAL(6,2) NOT NULL, PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number))',
  `INSERT INTO customer VALUES ${rows([WAREHOUSES, DISTRICTS, CUSTOMERS], (w, d, c) => `${w}, ${d}, ${c}, 'BARBARBAR', 0.05, -10, 10, 1, REPEAT('c', 300)`)}`,
];

/** 2.4 of the standard. Items in order of their numbers, so that two orders do not deadlock. */
async function newOrder(unit: Unit, warehouse: number, district: number, customer: number): Promise<void> {
  const count = LINES.least + unit.chance(LINES.most - LINES.least + 1);
  const items = new Set<number>();
  while (items.size < count) items.add(1 + unit.chance(ITEMS));
  const lines = [...items].sort((one, other) => one - other);
  const { number, amounts } = await unit.local(0, async (connection) => {
    await connection.execute('SELECT w_tax FROM warehouse WHERE w_id = ?', [warehouse]);
    const [districts] = await connection.execute<RowDataPacket[]>(
      'SELECT d_next_o_id, d_tax FROM district WHERE d_w_id = ? AND d_id = ? FOR UPDATE',
      [warehouse, district],
    );
    await connection.execute(
      'UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = ? AND d_id = ?',
      [warehouse, district],
    );
    const prices: number[] = [];
    for (const item of lines) {
      const [found] = await connection.execute<RowDataPacket[]>('SELECT i_price FROM item WHERE i_id = ?', [
        item,
      ]);
      prices.push(Number(found[0]!.i_price) * 5);
      await connection.execute(
        'UPDATE stock SET s_quantity = IF(s_quantity > 14, s_quantity - 5, s_quantity + 86), s_ytd = s_ytd + 5, s_order_cnt = s_order_cnt + 1 WHERE s_w_id = ? AND s_i_id = ?',
        [warehouse, item],
      );
    }
    return { number: Number(districts[0]!.d_next_o_id), amounts: prices };
  });
  await unit.local(1, async (connection) => {
    await connection.execute(
      'SELECT c_discount, c_last FROM customer WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?',
      [warehouse, district, customer],
    );
    await connection.execute('INSERT INTO orders VALUES (?, ?, ?, ?, NOW(), ?)', [
      warehouse,
      district,
      number,
      customer,
      lines.length,
    ]);
    await connection.execute('INSERT INTO new_order VALUES (?, ?, ?)', [warehouse, district, number]);
    await connection.query('INSERT INTO order_line VALUES ?', [
      lines.map((item, at) => [warehouse, district, number, at + 1, item, 5, amounts[at]]),
    ]);
  });
}

/** 2.5 of the standard. */
async function payment(unit: Unit, warehouse: number, district: number, customer: number): Promise<void> {
  const amount = 1 + unit.chance(5_000);
  await unit.local(0, async (connection) => {
    await connection.execute('UPDATE warehouse SET w_ytd = w_ytd + ? WHERE w_id = ?', [amount, warehouse]);
    await connection.execute('UPDATE district SET d_ytd = d_ytd + ? WHERE d_w_id = ? AND d_id = ?', [
      amount,
      warehouse,
      district,
    ]);
  });
  await unit.local(1, async (connection) => {
    await connection.execute(
      'UPDATE customer SET c_balance = c_balance - ?, c_ytd_payment = c_ytd_payment + ?, c_payment_cnt = c_payment_cnt + 1 WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?',
      [amount, amount, warehouse, district, customer],
    );
    await connection.execute(
      'INSERT INTO history (h_c_id, h_c_d_id, h_c_w_id, h_amount, h_data) VALUES (?, ?, ?, ?, ?)',
      [customer, district, warehouse, amount / 10, 'payment'],
    );
  });
}

export const TPCC: Workload = {
  name: 'TPC-C New-Order and Payment',
  kind: 'TPC-C',
  modes: ['plain', 'xa', 'at'],
  tables: [SELLER, BUYER],
  rollbackShare: 0,
  run: (unit) => {
    const warehouse = 1 + unit.chance(WAREHOUSES);
    const district = 1 + unit.chance(DISTRICTS);
    const customer = 1 + unit.chance(CUSTOMERS);
    const buys = unit.chance(1_000) < NEW_ORDER_SHARE * 1_000;
    return buys
      ? newOrder(unit, warehouse, district, customer)
      : payment(unit, warehouse, district, customer);
  },
};
