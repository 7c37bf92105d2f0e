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
import { ADD_PRICE, type Article, CREATE_ARTICLES, type Store } from './store.js';

interface ArticleRow extends Article {
  readonly id: number;
  qty: number;
  readonly version: number;
  notes?: NoteRow[];
}

interface NoteRow {
  readonly id: number;
  body: string;
  data?: unknown;
  done?: boolean;
  at?: Date;
  article?: ArticleRow;
}

const ArticleEntity = new EntitySchema<ArticleRow>({
  name: 'articles',
  columns: {
    id: { type: 'int', primary: true, generated: true },
    sku: { type: 'varchar', length: 40, unique: true },
    name: { type: 'varchar', length: 100 },
    qty: { type: 'int' },
    version: { type: 'int', version: true },
    price: { type: 'decimal', precision: 10, scale: 2, default: 0 },
  },
  relations: { notes: { type: 'one-to-many', target: 'notes', inverseSide: 'article', cascade: true } },
});

const NoteEntity = new EntitySchema<NoteRow>({
  name: 'notes',
  columns: {
    id: { type: 'bigint', unsigned: true, primary: true, generated: true },
    body: { type: 'text' },
    data: { type: 'json', nullable: true },
    done: { type: Boolean, default: false },
    at: { type: 'datetime', precision: 3, nullable: true },
  },
  relations: {
    article: {
      type: 'many-to-one',
      target: 'articles',
      inverseSide: 'notes',
      joinColumn: { name: 'article_id' },
      orphanedRowAction: 'delete',
    },
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

async function open({ host, port, user, password, database }: ConnectionOptions) {
  const way = { host: host!, port: port!, username: user!, password: password!, database: database! };
  const entities = [ArticleEntity, NoteEntity];
  const migrations = [Articles1700000000001, Price1700000000002];
  const source = new DataSource({ type: 'mysql', driver: mysql, ...way, entities, migrations });
  await source.initialize();
  return {
    manager: source.manager,
    store: new TypeOrmStore(source.manager),
    driverError: (error: unknown) => (error as QueryFailedError).driverError,
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

behaves('TypeORM', open, {
  'saves an entity with its children, changed, added and orphaned': async ({ manager }) => {
    const where = { sku: 'cup' };
    const cup = await manager.findOneOrFail(ArticleEntity, { where, relations: { notes: true } });
    const [first] = cup.notes!;
    first!.body = 'changed';
    const added = manager.create(NoteEntity, {
      body: 'new',
      data: { deep: ['ü'] },
      at: new Date(1_700_000_000_125),
    });
    cup.notes = [first!, added];
    cup.qty = 77;
    const { version, notes } = await manager.save(ArticleEntity, cup);
    return [version, notes!.map(({ id, body }) => [id, body])];
  },
  'locks, increments and removes under an isolation level': ({ manager }) =>
    manager.transaction('READ COMMITTED', async (local) => {
      const lock = { mode: 'pessimistic_write' } as const;
      const [cup] = await local.find(ArticleEntity, { where: { sku: 'cup' }, lock });
      await local.increment(ArticleEntity, { id: cup!.id }, 'qty', 5);
      const notes = await local.findBy(NoteEntity, { article: { id: cup!.id } });
      await local.remove(NoteEntity, notes);
      return notes.length;
    }),
  'updates and deletes the first rows': async ({ manager }) => {
    const update = manager
      .createQueryBuilder()
      .update(ArticleEntity)
      .set({ qty: () => 'qty + 1' });
    const { affected } = await update.where('qty > :least', { least: 1 }).orderBy('qty').limit(1).execute();
    const first = manager
      .createQueryBuilder()
      .delete()
      .from(NoteEntity)
      .where('done = :done', { done: false });
    return [affected, (await first.execute()).affected];
  },
  'leaves out what is there already': async ({ manager }) => {
    const values = { sku: 'cup', name: 'Other', qty: 1, price: '1.00' };
    await manager
      .createQueryBuilder()
      .insert()
      .into(ArticleEntity)
      .values(values)
      .orIgnore()
      .updateEntity(false)
      .execute();
    const { identifiers } = await manager.upsert(ArticleEntity, [{ ...values, qty: 2 }], ['sku']);
    return identifiers.length;
  },
});
