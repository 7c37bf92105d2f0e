import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { and, type DrizzleQueryError, eq, sql } from 'drizzle-orm';
import { decimal, int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import { drizzle, type MySql2Database } from 'drizzle-orm/mysql2';
import { migrate } from 'drizzle-orm/mysql2/migrator';
import mysql from 'globaltx/mysql2/promise';
import type { ConnectionOptions } from 'mysql2';
import { removeFolder, temporaryFolder } from '../support/keeper.js';
import { behaves } from './behaves.js';
import { ADD_PRICE, type Article, CREATE_ARTICLES, type OpenOrm, type Store } from './store.js';

const articles = mysqlTable('articles', {
  id: int().primaryKey().autoincrement(),
  sku: varchar({ length: 40 }).notNull().unique(),
  name: varchar({ length: 100 }).notNull(),
  qty: int().notNull(),
  version: int().notNull().default(1),
  price: decimal({ precision: 10, scale: 2 }).notNull(),
});

/** As drizzle-kit writes it. */
function writeMigrations(): string {
  const folder = temporaryFolder('drizzle');
  const entries = Object.entries({ articles: CREATE_ARTICLES, price: ADD_PRICE }).map(([tag, text], idx) => {
    writeFileSync(join(folder, `${tag}.sql`), text);
    return { idx, version: '5', when: 1_700_000_000_000 + idx, tag, breakpoints: true };
  });
  mkdirSync(join(folder, 'meta'));
  const journal = { version: '7', dialect: 'mysql', entries };
  writeFileSync(join(folder, 'meta', '_journal.json'), JSON.stringify(journal));
  return folder;
}

function open(options: ConnectionOptions): OpenOrm {
  const pool = mysql.createPool(options);
  const db = drizzle(pool);
  const migrationsFolder = writeMigrations();
  return {
    store: new DrizzleStore(db),
    driverError: (error) => (error as DrizzleQueryError).cause,
    migrate: () => migrate(db, { migrationsFolder }),
    close: async () => {
      await pool.end();
      await removeFolder(migrationsFolder);
    },
  };
}

/** What a database and a transaction of Drizzle have in common. */
type Db = Pick<MySql2Database, 'insert' | 'update' | 'delete' | 'select' | 'transaction'>;

class DrizzleStore implements Store {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async insertMany(many: readonly Article[]): Promise<void> {
    await this.#db.insert(articles).values([...many]);
  }

  async upsert({ sku, name, qty, price }: Article): Promise<void> {
    const set = { name, qty, price };
    await this.#db
      .insert(articles)
      .values({ sku, ...set })
      .onDuplicateKeyUpdate({ set });
  }

  async setQty(sku: string, qty: number, version: number): Promise<boolean> {
    const [{ affectedRows }] = await this.#db
      .update(articles)
      .set({ qty, version: sql`${articles.version} + 1` })
      .where(and(eq(articles.sku, sku), eq(articles.version, version)));
    return affectedRows === 1;
  }

  async remove(sku: string): Promise<void> {
    await this.#db.delete(articles).where(eq(articles.sku, sku));
  }

  all(): AsyncIterable<Article> {
    const { sku, name, qty, price } = articles;
    return this.#db.select({ sku, name, qty, price }).from(articles).orderBy(sku).iterator();
  }

  transaction(work: (inside: Store) => Promise<void>): Promise<void> {
    return this.#db.transaction((inside) => work(new DrizzleStore(inside)));
  }
}

behaves('Drizzle', open);
