import mysql, { type Pool, type PoolConnection, type ResultSetHeader } from 'globaltx/mysql2/promise';
import type { ConnectionOptions } from 'mysql2';
import { behaves } from './behaves.js';
import { ADD_PRICE, type Article, CREATE_ARTICLES, type Store } from './store.js';

function open(options: ConnectionOptions) {
  const pool = mysql.createPool(options);
  return {
    pool,
    store: new PoolStore(pool),
    driverError: (error: unknown) => error,
    migrate: async () => {
      for (const statement of [CREATE_ARTICLES, ADD_PRICE]) await pool.query(statement);
    },
    close: () => pool.end(),
  };
}

abstract class SqlStore<Db extends Pool | PoolConnection> implements Store {
  readonly db: Db;

  constructor(db: Db) {
    this.db = db;
  }

  abstract transaction(work: (inside: Store) => Promise<void>): Promise<void>;
  protected abstract get core(): CallbackQueries;

  async insertMany(articles: readonly Article[]): Promise<void> {
    await this.db.query('INSERT INTO articles (sku, name, qty, price) VALUES ?', [
      articles.map(({ sku, name, qty, price }) => [sku, name, qty, price]),
    ]);
  }

  async upsert({ sku, name, qty, price }: Article): Promise<void> {
    await this.db.execute(
      `INSERT INTO articles (sku, name, qty, price) VALUES (?, ?, ?, ?)
       ON DUPLICATE KEY UPDATE name = VALUES(name), qty = VALUES(qty), price = VALUES(price)`,
      [sku, name, qty, price],
    );
  }

  async setQty(sku: string, qty: number, version: number): Promise<boolean> {
    const [{ affectedRows }] = await this.db.execute<ResultSetHeader>(
      'UPDATE articles SET qty = ?, version = version + 1 WHERE sku = ? AND version = ?',
      [qty, sku, version],
    );
    return affectedRows === 1;
  }

  async remove(sku: string): Promise<void> {
    await this.db.execute('DELETE FROM articles WHERE sku = ?', [sku]);
  }

  async *all(): AsyncIterable<Article> {
    const query = this.core.query('SELECT sku, name, qty, price FROM articles ORDER BY sku');
    for await (const row of query.stream()) yield row as Article;
  }
}

/** Streams are for the callback API alone. */
interface CallbackQueries {
  query(sql: string): { stream(): AsyncIterable<unknown> };
}

class PoolStore extends SqlStore<Pool> {
  protected get core(): CallbackQueries {
    return this.db.pool;
  }

  async transaction(work: (inside: Store) => Promise<void>): Promise<void> {
    const connection = await this.db.getConnection();
    try {
      await connection.beginTransaction();
      await work(new TransactionStore(connection, 1));
      await connection.commit();
    } catch (error) {
      await connection.rollback();
      throw error;
    } finally {
      connection.release();
    }
  }
}

class TransactionStore extends SqlStore<PoolConnection> {
  readonly #level: number;

  constructor(db: PoolConnection, level: number) {
    super(db);
    this.#level = level;
  }

  protected get core(): CallbackQueries {
    // mysql2 declares the promise API's own type here, and has the callback API's.
    return this.db.connection as unknown as CallbackQueries;
  }

  async transaction(work: (inside: Store) => Promise<void>): Promise<void> {
    const name = `level_${this.#level}`;
    await this.db.query(`SAVEPOINT ${name}`);
    try {
      await work(new TransactionStore(this.db, this.#level + 1));
      await this.db.query(`RELEASE SAVEPOINT ${name}`);
    } catch (error) {
      await this.db.query(`ROLLBACK TO SAVEPOINT ${name}`);
      throw error;
    }
  }
}

behaves('Plain SQL', open, {
  'takes identifiers, objects and lists as mysql2 writes them': async ({ pool }) => {
    const note = { article_id: 2, body: 'a "quoted"\\ one', at: new Date(1_700_000_000_123), done: true };
    const [inserted] = await pool.query<ResultSetHeader>('INSERT INTO ?? SET ?', ['notes', note]);
    const [updated] = await pool.query<ResultSetHeader>('UPDATE ?? SET ? WHERE ?? IN (?)', [
      ...['notes', { body: 'changed', data: null }],
      ...['notes.id', [1, inserted.insertId]],
    ]);
    return [inserted.insertId, updated.info];
  },
  'takes named placeholders': async ({ pool }) => {
    const sql = 'UPDATE articles SET qty = qty + :more, name = :name WHERE sku = :sku';
    const values = { more: 2, name: 'More', sku: 'jug' };
    const [{ info }] = await pool.execute<ResultSetHeader>({ sql, values, namedPlaceholders: true });
    return info;
  },
});
