import type { Connection } from 'mysql2/promise';

/** Who buys, and how many kinds of things there are. */
export const USERS = 40;
export const SKUS = 12;
/** The stock service dies each time right after it has reserved this one. */
export const CRASH_SKU = 'grenade';

/** For each order that will be placed; so little that some users and some shelves run dry. */
const MONEY_PER_ORDER = 35;
const POOR_USERS = 4;
const PIECES_PER_ORDER = 1.8;

const ORDERS = `CREATE TABLE orders (
  id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  number VARCHAR(36) NOT NULL UNIQUE,
  user_id INT NOT NULL,
  sku VARCHAR(20) NOT NULL,
  qty INT NOT NULL,
  amount DECIMAL(12, 2) NOT NULL DEFAULT 0,
  status VARCHAR(10) NOT NULL DEFAULT 'new'
) ENGINE=InnoDB`;

const STOCK = `CREATE TABLE stock (
  sku VARCHAR(20) PRIMARY KEY,
  price DECIMAL(12, 2) NOT NULL,
  qty INT NOT NULL
) ENGINE=InnoDB`;

const RESERVATIONS = `CREATE TABLE reservations (
  order_number VARCHAR(36) PRIMARY KEY,
  sku VARCHAR(20) NOT NULL,
  qty INT NOT NULL
) ENGINE=InnoDB`;

const ACCOUNTS = `CREATE TABLE accounts (
  user_id INT PRIMARY KEY,
  balance DECIMAL(12, 2) NOT NULL
) ENGINE=InnoDB`;

const CHARGES = `CREATE TABLE charges (
  id BIGINT AUTO_INCREMENT PRIMARY KEY,
  order_number VARCHAR(36) NOT NULL UNIQUE,
  user_id INT NOT NULL,
  amount DECIMAL(12, 2) NOT NULL
) ENGINE=InnoDB`;

export async function createOrders(connection: Connection): Promise<void> {
  await connection.query(ORDERS);
}

export async function createStock(connection: Connection, orders: number): Promise<void> {
  await connection.query(STOCK);
  await connection.query(RESERVATIONS);
  const pieces = Math.ceil((orders * PIECES_PER_ORDER) / SKUS);
  const shelves = Array.from({ length: SKUS }, (_, i) => [sku(i), (i + 1) * 2.5, pieces]);
  await connection.query('INSERT INTO stock (sku, price, qty) VALUES ?', [
    [...shelves, [CRASH_SKU, 9.99, pieces]],
  ]);
}

export async function createAccounts(connection: Connection, orders: number): Promise<void> {
  await connection.query(ACCOUNTS);
  await connection.query(CHARGES);
  const balance = Math.ceil((orders * MONEY_PER_ORDER) / USERS);
  const accounts = Array.from({ length: USERS }, (_, i) => [i + 1, i < POOR_USERS ? balance / 10 : balance]);
  await connection.query('INSERT INTO accounts (user_id, balance) VALUES ?', [accounts]);
}

export function sku(index: number): string {
  return `sku-${String(index + 1).padStart(2, '0')}`;
}
