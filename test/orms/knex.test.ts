import mysql from 'globaltx/mysql2';
import knex, { type Knex } from 'knex';
import MySql2Client from 'knex/lib/dialects/mysql2/index.js';
import type { ConnectionOptions } from 'mysql2';
import { behaves } from './behaves.js';
import { ADD_PRICE, type Article, CREATE_ARTICLES, type OpenOrm, type Store } from './store.js';

class GlobalTxClient extends MySql2Client {
  override _driver() {
    return mysql;
  }
}

function openWithDriver(options: ConnectionOptions): OpenOrm {
  const connection = options as Knex.StaticConnectionConfig;
  const db = knex({ client: GlobalTxClient, connection });
  return { ...knexOrm(db), close: () => db.destroy() };
}

function openWithPool(options: ConnectionOptions): OpenOrm {
  const pool = mysql.createPool(options);
  const connectionPool = pool as unknown as Knex.MySQLPoolLike;
  const db = knex({ client: 'mysql2', connectionPool });
  return {
    ...knexOrm(db),
    close: async () => {
      await db.destroy();
      await pool.promise().end();
    },
  };
}

function knexOrm(db: Knex) {
  return {
    store: new KnexStore(db),
    driverError: (error: unknown) => error,
    migrate: () => migrate(db),
  };
}

const MIGRATIONS: Readonly<Record<string, string>> = { articles: CREATE_ARTICLES, price: ADD_PRICE };

const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: async () => Object.keys(MIGRATIONS),
  getMigrationName: (name) => name,
  getMigration: async (name) => ({
    up: async (db) => {
      await db.raw(MIGRATIONS[name] as string);
    },
    down: async () => undefined,
  }),
};

async function migrate(db: Knex): Promise<void> {
  await db.migrate.latest({ migrationSource });
}

class KnexStore implements Store {
  readonly #db: Knex;

  constructor(db: Knex) {
    this.#db = db;
  }

  async insertMany(articles: readonly Article[]): Promise<void> {
    await this.#db('articles').insert([...articles]);
  }

  async upsert(article: Article): Promise<void> {
    await this.#db('articles').insert(article).onConflict('sku').merge();
  }

  async setQty(sku: string, qty: number, version: number): Promise<boolean> {
    const found = this.#db('articles').where({ sku, version });
    return (await found.update({ qty, version: version + 1 })) === 1;
  }

  async remove(sku: string): Promise<void> {
    await this.#db('articles').where({ sku }).delete();
  }

  all(): AsyncIterable<Article> {
    return this.#db('articles').select('sku', 'name', 'qty', 'price').orderBy('sku').stream();
  }

  transaction(work: (inside: Store) => Promise<void>): Promise<void> {
    return this.#db.transaction((inside) => work(new KnexStore(inside)));
  }
}

behaves('Knex with the driver', openWithDriver);
behaves('Knex with a pool', openWithPool);
