import mysql from 'globaltx/mysql2';
import knex, { type Knex } from 'knex';
import MySql2Client from 'knex/lib/dialects/mysql2/index.js';
import type { ConnectionOptions } from 'mysql2';
import { behaves } from './behaves.js';
import { ADD_PRICE, type Article, CREATE_ARTICLES, type OpenOrm, type Store } from './store.js';

interface KnexOrm extends OpenOrm {
  readonly db: Knex;
}

class GlobalTxClient extends MySql2Client {
  override _driver() {
    return mysql;
  }
}

function openWithDriver(options: ConnectionOptions): KnexOrm {
  const connection = options as Knex.StaticConnectionConfig;
  const db = knex({ client: GlobalTxClient, connection });
  return { ...knexOrm(db), close: () => db.destroy() };
}

function openWithPool(options: ConnectionOptions): KnexOrm {
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
    db,
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

const further: Readonly<Record<string, (orm: KnexOrm) => Promise<unknown>>> = {
  'locks rows and counts them down under an isolation level': ({ db }) =>
    db.transaction(
      async (local) => {
        const cup = await local('articles').where({ sku: 'cup' }).forUpdate().first();
        await local('articles').where({ id: cup.id }).decrement({ qty: 2 });
        await local('notes').where({ article_id: cup.id }).forUpdate().skipLocked();
        return local('notes').insert({ article_id: cup.id, body: 'sold', at: new Date(1_700_000_000_125) });
      },
      { isolationLevel: 'read committed' },
    ),
  'ignores and merges what is there': async ({ db }) => {
    const cup = { sku: 'cup', name: 'Other', qty: 1 };
    const jug = { sku: 'jug', name: 'Jug', qty: 4 };
    await db('articles').insert(cup).onConflict('sku').ignore();
    return db('articles')
      .insert(jug)
      .onConflict('sku')
      .merge({ qty: db.raw('articles.qty + VALUES(qty)') });
  },
  'merges rows of which some are there already': async ({ db }) => {
    const rows = [
      { sku: 'cup', name: 'Cup', qty: 1 },
      { sku: 'mug', name: 'Mug', qty: 2 },
    ];
    await db('articles').insert(rows).onConflict('sku').merge();
    return db('articles').insert({ id: 2, sku: 'jug', name: 'By key', qty: 7 }).onConflict('id').merge();
  },
  'updates over a join, and deletes by a subquery': async ({ db }) => {
    const joined = db('articles').join('notes', 'notes.article_id', 'articles.id');
    const updated = await joined.where('notes.body', 'blue').update({ 'articles.name': 'Blue cup' });
    const jugs = db('articles').select('id').where({ sku: 'jug' });
    return [updated, await db('notes').whereIn('article_id', jugs).delete()];
  },
  'inserts rows in batches, with defaults for what is left out': async ({ db }) => {
    const rows: Record<string, unknown>[] = [
      { body: 'a', done: true },
      { body: 'b' },
      { body: 'c', data: JSON.stringify({ c: 'ü' }) },
    ];
    return db.batchInsert('notes', rows, 2);
  },
  'replaces rows': ({ db }) => db('articles').upsert([{ sku: 'cup', name: 'New', qty: 1 }]),
};

behaves('Knex with the driver', openWithDriver, further);
behaves('Knex with a pool', openWithPool, further);
