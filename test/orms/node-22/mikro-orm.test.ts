import {
  defineEntity,
  type InferEntity,
  IsolationLevel,
  LockMode,
  OptimisticLockError,
  p,
} from '@mikro-orm/core';
import { Migration, Migrator } from '@mikro-orm/migrations';
import { type EntityManager, MikroORM } from '@mikro-orm/mysql';
import mysql from 'globaltx/mysql2';
import { MysqlDialect } from 'kysely';
import type { ConnectionOptions } from 'mysql2';
import { behaves } from '../behaves.js';
import { ADD_PRICE, type Article, CREATE_ARTICLES, type Store } from '../store.js';

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

const NoteEntity = defineEntity({
  name: 'Note',
  tableName: 'notes',
  properties: {
    id: p.bigint().primary().autoincrement(),
    article: () => p.manyToOne(ArticleEntity).nullable(),
    body: p.text(),
    data: p.json().nullable(),
    done: p.boolean().default(false),
    at: p.datetime(3).nullable(),
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

async function open(options: ConnectionOptions) {
  const pool = mysql.createPool({ ...options, supportBigNumbers: true, dateStrings: true });
  const driverOptions = new MysqlDialect({ pool });
  const migrationsList = [CreateArticles, AddPrice].map((each) => ({ name: each.name, class: each }));
  const orm = await MikroORM.init({
    driverOptions,
    dbName: options.database!,
    entities: [ArticleEntity, NoteEntity],
    extensions: [Migrator],
    migrations: { migrationsList, snapshot: false },
    logger: () => undefined,
  });
  return {
    em: () => orm.em.fork(),
    store: new MikroStore(orm.em.fork()),
    driverError: (error: unknown) => error,
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

behaves('MikroORM', open, {
  'flushes what has been changed, added and removed as one unit of work': async ({ em }) => {
    const unit = em();
    const all = await unit.findAll(ArticleEntity, { orderBy: { id: 'asc' } });
    for (const each of all) each.qty += 5;
    const [first, ...others] = await unit.find(NoteEntity, { article: all[0]! }, { orderBy: { id: 'asc' } });
    first!.body = 'changed';
    unit.remove(others);
    const added = { article: all[1]!, data: { deep: ['ü', null] }, at: new Date(1_700_000_000_125) };
    for (const body of ['new', "it's"]) unit.create(NoteEntity, { ...added, body });
    await unit.flush();
    return all.map(({ version }) => version);
  },
  'locks and writes under an isolation level': ({ em }) =>
    em().transactional(
      async (local) => {
        const lockMode = LockMode.PESSIMISTIC_WRITE;
        const cup = await local.findOneOrFail(ArticleEntity, { sku: 'cup' }, { lockMode });
        cup.qty -= 1;
        await local.flush();
        return local.nativeUpdate(NoteEntity, { article: cup }, { done: true });
      },
      { isolationLevel: IsolationLevel.READ_COMMITTED },
    ),
  'inserts or updates many at once': async ({ em }) => {
    const rows = [
      { sku: 'cup', name: 'Cup', qty: 1, price: '1.00' },
      { sku: 'jug', name: 'Jug', qty: 2, price: '2.00' },
    ];
    const found = await em().upsertMany(ArticleEntity, rows);
    return found.map(({ id, version }) => [id, version]);
  },
  'leaves out what is there already': async ({ em }) => {
    const cup = { sku: 'cup', name: 'Other', qty: 1, price: '1.00' };
    const { id, qty } = await em().upsert(ArticleEntity, cup, { onConflictAction: 'ignore' });
    return [id, qty];
  },
});
