import mysql from 'globaltx/mysql2';
import { type ControlledTransaction, type Generated, Kysely, MysqlDialect, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { ConnectionOptions } from 'mysql2';
import { behaves } from '../behaves.js';
import { ADD_PRICE, type Article, CREATE_ARTICLES, type Store } from '../store.js';

interface NoteRow {
  readonly id: Generated<number>;
  readonly article_id: number | null;
  readonly body: string;
  readonly data: string | null;
  readonly done: Generated<boolean>;
  readonly at: Date | null;
}

interface Database {
  readonly articles: Article & { readonly id: Generated<number>; readonly version: Generated<number> };
  readonly notes: NoteRow;
}

function migration(text: string): Migration {
  return {
    up: async (db) => {
      await sql.raw(text).execute(db);
    },
  };
}

const provider = {
  getMigrations: async () => ({ '1-articles': migration(CREATE_ARTICLES), '2-price': migration(ADD_PRICE) }),
};

function open(options: ConnectionOptions) {
  const pool = mysql.createPool(options);
  const db = new Kysely<Database>({ dialect: new MysqlDialect({ pool }) });
  return {
    db,
    store: new KyselyStore(db),
    driverError: (error: unknown) => error,
    migrate: async () => {
      const { error } = await new Migrator({ db, provider }).migrateToLatest();
      if (error !== undefined) throw error;
    },
    // It ends the pool too.
    close: () => db.destroy(),
  };
}

abstract class QueryStore<Db extends Kysely<Database>> implements Store {
  protected readonly db: Db;

  constructor(db: Db) {
    this.db = db;
  }

  abstract transaction(work: (inside: Store) => Promise<void>): Promise<void>;

  async insertMany(articles: readonly Article[]): Promise<void> {
    await this.db.insertInto('articles').values(articles).execute();
  }

  async upsert({ sku, ...rest }: Article): Promise<void> {
    await this.db
      .insertInto('articles')
      .values({ sku, ...rest })
      .onDuplicateKeyUpdate(rest)
      .execute();
  }

  async setQty(sku: string, qty: number, version: number): Promise<boolean> {
    const { numUpdatedRows } = await this.db
      .updateTable('articles')
      .set({ qty, version: version + 1 })
      .where('sku', '=', sku)
      .where('version', '=', version)
      .executeTakeFirstOrThrow();
    return numUpdatedRows === 1n;
  }

  async remove(sku: string): Promise<void> {
    await this.db.deleteFrom('articles').where('sku', '=', sku).execute();
  }

  all(): AsyncIterable<Article> {
    return this.db.selectFrom('articles').select(['sku', 'name', 'qty', 'price']).orderBy('sku').stream();
  }
}

class KyselyStore extends QueryStore<Kysely<Database>> {
  async transaction(work: (inside: Store) => Promise<void>): Promise<void> {
    const inside = await this.db.startTransaction().execute();
    try {
      await work(new TransactionStore(inside, 1));
      await inside.commit().execute();
    } catch (error) {
      await inside.rollback().execute();
      throw error;
    }
  }
}

class TransactionStore extends QueryStore<ControlledTransaction<Database>> {
  readonly #level: number;

  constructor(db: ControlledTransaction<Database>, level: number) {
    super(db);
    this.#level = level;
  }

  async transaction(work: (inside: Store) => Promise<void>): Promise<void> {
    const name = `level${this.#level}`;
    const inside = await this.db.savepoint(name).execute();
    try {
      await work(new TransactionStore(inside, this.#level + 1));
      await inside.releaseSavepoint(name).execute();
    } catch (error) {
      await inside.rollbackToSavepoint(name).execute();
      throw error;
    }
  }
}

behaves('Kysely', open, {
  'locks and writes under an isolation level': ({ db }) =>
    db
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (local) => {
        const found = local
          .selectFrom('articles')
          .select('id')
          .where('sku', '=', 'cup')
          .forUpdate()
          .skipLocked();
        const { id: article_id } = await found.executeTakeFirstOrThrow();
        const note = {
          article_id,
          body: "it's",
          data: JSON.stringify({ deep: ['ü'] }),
          at: new Date(1_700_000_000_125),
        };
        return local.insertInto('notes').values(note).executeTakeFirstOrThrow();
      }),
  'leaves out, and replaces, what is there already': async ({ db }) => {
    const cup = { sku: 'cup', name: 'Other', qty: 1, price: '1.00' };
    const left = await db.insertInto('articles').ignore().values(cup).executeTakeFirstOrThrow();
    const replaced = await db.replaceInto('articles').values(cup).executeTakeFirstOrThrow();
    return [left.numInsertedOrUpdatedRows, replaced.numInsertedOrUpdatedRows, replaced.insertId];
  },
  'updates and deletes over joins': async ({ db }) => {
    const updated = await db
      .updateTable(['notes', 'articles'])
      .set({ body: 'of a cup' })
      .whereRef('notes.article_id', '=', 'articles.id')
      .where('articles.sku', '=', 'cup')
      .executeTakeFirstOrThrow();
    const deleted = await db
      .deleteFrom('notes')
      .using(['notes', 'articles'])
      .whereRef('notes.article_id', '=', 'articles.id')
      .where('articles.sku', '=', 'jug')
      .executeTakeFirstOrThrow();
    return [updated.numUpdatedRows, updated.numChangedRows, deleted.numDeletedRows];
  },
  'updates and deletes the first rows': async ({ db }) => {
    const least = db
      .updateTable('articles')
      .set((row) => ({ qty: row('qty', '+', 1) }))
      .orderBy('qty')
      .limit(1);
    const last = db.deleteFrom('notes').where('done', '=', false).orderBy('id', 'desc').limit(2);
    return [await least.executeTakeFirstOrThrow(), await last.executeTakeFirstOrThrow()];
  },
});
