import { int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';

export const orders = mysqlTable('orders', {
  id: int().primaryKey().autoincrement(),
  number: varchar({ length: 36 }).notNull().unique(),
  userId: int('user_id').notNull(),
  amount: int().notNull(),
  status: varchar({ length: 10 }).notNull(),
});

export const accounts = mysqlTable('accounts', {
  userId: int('user_id').primaryKey(),
  balance: int().notNull(),
});

export const charges = mysqlTable('charges', {
  id: int().primaryKey().autoincrement(),
  orderNumber: varchar('order_number', { length: 36 }).notNull().unique(),
  userId: int('user_id').notNull(),
  amount: int().notNull(),
});
