import type { Connection } from 'mysql2/promise';

/** What the shop starts with. Some users and some shelves are meant to run dry. */
export const USERS = 40;
export const SKUS = 12;
/** The stock service dies each time right after it has reserved this one. */
export const CRASH_SKU = 'grenade';

const BALANCE = 260;
const PIECES = 45;

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

export async function createStock(connection: Connection): Promise<void> {
  await connection.query(STOCK);
  await connection.query(RESERVATIONS);
  const shelves = Array.from({ length: SKUS }, (_, i) => [sku(i), (i + 1) * 2.5, PIECES]);
  await connection.query('INSERT INTO stock (sku, price, qty) VALUES ?', [
    [...shelves, [CRASH_SKU, 9.99, PIECES]],
  ]);
}

export async function createAccounts(connection: Connection): Promise<void> {
  await connection.query(ACCOUNTS);
  await connection.query(CHARGES);
  const accounts = Array.from({ length: USERS }, (_, i) => [i + 1, BALANCE]);
  await connection.query('INSERT INTO accounts (user_id, balance) VALUES ?', [accounts]);
}

export function sku(index: number): string {
  return `sku-${String(index + 1).padStart(2, '0')}`;
}
