import { defineEntity, type InferEntity, LockMode, OptimisticLockError, p } from '@mikro-orm/core';
import { Migration, Migrator } from '@mikro-orm/migrations';
import { type EntityManager, MikroORM } from '@mikro-orm/mysql';
import mysql from 'globaltx/mysql2';
import { MysqlDialect } from 'kysely';
import type { ConnectionOptions } from 'mysql2';
import { behaves } from '../behaves.js';
import { ADD_PRICE, type Article, CREATE_ARTICLES, type OpenOrm, type Store } from '../store.js';

const ArticleEntity = defineEntity({
  name: 'Article',
  tableName: 'articles',
  properties: {
    id: p.integer().primary().autoincrement(),
    sku: p.string().length(40).unique(),
    name: p.string().length(100),
    qty: p.integer(),
    version: p.integer().version(),
    price: p.decimal().precision(10).scale(2),
  },
});

class CreateArticles extends Migration {
  override up(): void {
    this.addSql(CREATE_ARTICLES);
  }
}

class AddPrice extends Migration {
  override up(): void {
    this.addSql(ADD_PRICE);
  }
}

async function open(options: ConnectionOptions): Promise<OpenOrm> {
  const pool = mysql.createPool({ ...options, supportBigNumbers: true, dateStrings: true });
  const driverOptions = new MysqlDialect({ pool });
  const migrationsList = [CreateArticles, AddPrice].map((each) => ({ name: each.name, class: each }));
  const orm = await MikroORM.init({
    driverOptions,
    dbName: options.database!,
    entities: [ArticleEntity],
    extensions: [Migrator],
    migrations: { migrationsList, snapshot: false },
    logger: () => undefined,
  });
  return {
    store: new MikroStore(orm.em.fork()),
    driverError: (error) => error,
    migrate: async () => {
      await orm.migrator.up();
    },
    // It ends the pool too.
    close: () => orm.close(),
  };
}

class MikroStore implements Store {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  async insertMany(articles: readonly Article[]): Promise<void> {
    await this.#em.insertMany(ArticleEntity, [...articles]);
  }

  async upsert(article: Article): Promise<void> {
    await this.#em.upsert(ArticleEntity, article);
  }

  async setQty(sku: string, qty: number, version: number): Promise<boolean> {
    this.#em.clear();
    const options = { lockMode: LockMode.OPTIMISTIC, lockVersion: version };
    try {
      const found = await this.#em.findOneOrFail(ArticleEntity, { sku }, options);
      found.qty = qty;
      await this.#em.flush();
      return true;
    } catch (error) {
      if (error instanceof OptimisticLockError) return false;
      throw error;
    }
  }

  async remove(sku: string): Promise<void> {
    await this.#em.nativeDelete(ArticleEntity, { sku });
  }

  all(): AsyncIterable<InferEntity<typeof ArticleEntity>> {
    return this.#em.fork({ keepTransactionContext: true }).stream(ArticleEntity, { orderBy: { sku: 'asc' } });
  }

  transaction(work: (inside: Store) => Promise<void>): Promise<void> {
    return this.#em.transactional((inside) => work(new MikroStore(inside)));
  }
}

behaves('MikroORM', open);
