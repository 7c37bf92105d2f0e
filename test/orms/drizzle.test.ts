import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { and, type DrizzleQueryError, desc, eq, inArray, sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  datetime,
  decimal,
  int,
  json,
  mysqlTable,
  text,
  varchar,
} from 'drizzle-orm/mysql-core';
import { drizzle, type MySql2Database } from 'drizzle-orm/mysql2';
import { migrate } from 'drizzle-orm/mysql2/migrator';
import mysql from 'globaltx/mysql2/promise';
import type { ConnectionOptions } from 'mysql2';
import { removeFolder, temporaryFolder } from '../support/keeper.js';
import { behaves } from './behaves.js';
import { ADD_PRICE, type Article, CREATE_ARTICLES, type Store } from './store.js';

const articles = mysqlTable('articles', {
  id: int().primaryKey().autoincrement(),
  sku: varchar({ length: 40 }).notNull().unique(),
  name: varchar({ length: 100 }).notNull(),
  qty: int().notNull(),
  version: int().notNull().default(1),
  price: decimal({ precision: 10, scale: 2 }).notNull(),
});

const notes = mysqlTable('notes', {
  id: bigint({ mode: 'number', unsigned: true }).primaryKey().autoincrement(),
  articleId: int('article_id'),
  body: text().notNull(),
  data: json(),
  done: boolean().notNull().default(false),
  at: datetime({ fsp: 3 }),
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

function open(options: ConnectionOptions) {
  const pool = mysql.createPool(options);
  const db = drizzle(pool);
  const migrationsFolder = writeMigrations();
  return {
    db,
    store: new DrizzleStore(db),
    driverError: (error: unknown) => (error as DrizzleQueryError).cause,
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

behaves('Drizzle', open, {
  'locks and writes under an isolation level': ({ db }) =>
    db.transaction(
      async (local) => {
        const found = local.select().from(articles).where(eq(articles.sku, 'cup'));
        const [cup] = await found.for('update', { skipLocked: true });
        const note = { articleId: cup!.id, body: "it's", data: { deep: ['ü', null] }, done: true };
        return local
          .insert(notes)
          .values({ ...note, at: new Date(1_700_000_000_125) })
          .$returningId();
      },
      { isolationLevel: 'read committed', accessMode: 'read write' },
    ),
  'leaves out what is there already': async ({ db }) => {
    const cup = { sku: 'cup', name: 'Other', qty: 1, price: '1.00' };
    const [{ affectedRows, insertId }] = await db
      .insert(articles)
      .ignore()
      .values([cup, { ...cup, sku: 'mug' }]);
    return [affectedRows, insertId];
  },
  'updates and deletes the first rows': async ({ db }) => {
    const least = db
      .update(articles)
      .set({ qty: sql`${articles.qty} + 1` })
      .orderBy(articles.qty)
      .limit(1);
    const done = db.delete(notes).where(eq(notes.done, false)).orderBy(desc(notes.id)).limit(2);
    return [(await least)[0].affectedRows, (await done)[0].affectedRows];
  },
  'writes by subqueries': async ({ db }) => {
    const cups = db.select({ id: articles.id }).from(articles).where(eq(articles.sku, 'cup'));
    const [{ affectedRows }] = await db
      .update(notes)
      .set({ body: 'of a cup' })
      .where(inArray(notes.articleId, cups));
    return affectedRows;
  },
});
