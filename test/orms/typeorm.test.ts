import mysql from 'globaltx/mysql2';
import type { ConnectionOptions } from 'mysql2';
import {
  DataSource,
  type EntityManager,
  EntitySchema,
  type MigrationInterface,
  OptimisticLockVersionMismatchError,
  type QueryFailedError,
  type QueryRunner,
} from 'typeorm';
import { behaves } from './behaves.js';
import { ADD_PRICE, type Article, CREATE_ARTICLES, type OpenOrm, type Store } from './store.js';

interface ArticleRow extends Article {
  readonly id: number;
  qty: number;
  readonly version: number;
}

const ArticleEntity = new EntitySchema<ArticleRow>({
  name: 'articles',
  columns: {
    id: { type: 'int', primary: true, generated: true },
    sku: { type: 'varchar', length: 40, unique: true },
    name: { type: 'varchar', length: 100 },
    qty: { type: 'int' },
    version: { type: 'int', version: true },
    price: { type: 'decimal', precision: 10, scale: 2 },
  },
});

class Articles1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(CREATE_ARTICLES);
  }

  async down(): Promise<void> {}
}

class Price1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(ADD_PRICE);
  }

  async down(): Promise<void> {}
}

async function open({ host, port, user, password, database }: ConnectionOptions): Promise<OpenOrm> {
  const way = { host: host!, port: port!, username: user!, password: password!, database: database! };
  const entities = [ArticleEntity];
  const migrations = [Articles1700000000001, Price1700000000002];
  const source = new DataSource({ type: 'mysql', driver: mysql, ...way, entities, migrations });
  await source.initialize();
  return {
    store: new TypeOrmStore(source.manager),
    driverError: (error) => (error as QueryFailedError).driverError,
    migrate: async () => {
      await source.runMigrations();
    },
    close: () => source.destroy(),
  };
}

class TypeOrmStore implements Store {
  readonly #manager: EntityManager;

  constructor(manager: EntityManager) {
    this.#manager = manager;
  }

  async insertMany(articles: readonly Article[]): Promise<void> {
    await this.#manager.insert(ArticleEntity, [...articles]);
  }

  async upsert(article: Article): Promise<void> {
    await this.#manager.upsert(ArticleEntity, article, ['sku']);
  }

  async setQty(sku: string, qty: number, version: number): Promise<boolean> {
    const lock = { mode: 'optimistic', version } as const;
    try {
      await this.#manager.transaction(async (inside) => {
        const found = await inside.findOneOrFail(ArticleEntity, { where: { sku }, lock });
        found.qty = qty;
        await inside.save(ArticleEntity, found);
      });
      return true;
    } catch (error) {
      if (error instanceof OptimisticLockVersionMismatchError) return false;
      throw error;
    }
  }

  async remove(sku: string): Promise<void> {
    await this.#manager.delete(ArticleEntity, { sku });
  }

  async *all(): AsyncIterable<Article> {
    const query = this.#manager.createQueryBuilder(ArticleEntity, 'a').select('a.sku', 'sku');
    for (const column of ['name', 'qty', 'price']) query.addSelect(`a.${column}`, column);
    for await (const row of await query.orderBy('a.sku').stream()) yield row as unknown as Article;
  }

  transaction(work: (inside: Store) => Promise<void>): Promise<void> {
    return this.#manager.transaction((inside) => work(new TypeOrmStore(inside)));
  }
}

behaves('TypeORM', open);
