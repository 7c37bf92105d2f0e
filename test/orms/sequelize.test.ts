import mysql from 'globaltx/mysql2';
import type { ConnectionOptions } from 'mysql2';
import {
  type BaseError,
  DataTypes,
  type Model,
  type ModelStatic,
  OptimisticLockError,
  Sequelize,
  Transaction,
} from 'sequelize';
import { behaves } from './behaves.js';
import type { Article, Store } from './store.js';

interface ArticleRow extends Article {
  readonly version?: number;
}

type Articles = ModelStatic<Model<ArticleRow, ArticleRow>>;

type Notes = ModelStatic<Model>;

const NOTE_COLUMNS = {
  id: { type: DataTypes.BIGINT.UNSIGNED, primaryKey: true, autoIncrement: true },
  article_id: { type: DataTypes.INTEGER },
  body: { type: DataTypes.TEXT, allowNull: false },
  data: { type: DataTypes.JSON },
  done: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false },
  at: { type: DataTypes.DATE(3) },
};

const COLUMNS = {
  sku: { type: DataTypes.STRING(40), primaryKey: true },
  name: { type: DataTypes.STRING(100), allowNull: false },
  qty: { type: DataTypes.INTEGER, allowNull: false },
};
const PRICE = { type: DataTypes.DECIMAL(10, 2), allowNull: false, defaultValue: 0 };

function open({ host, port, user, password, database }: ConnectionOptions) {
  const way = { host: host!, port: port!, username: user!, password: password!, database: database! };
  const sequelize = new Sequelize({ dialect: 'mysql', dialectModule: mysql, ...way, logging: false });
  const options = { tableName: 'articles', timestamps: false, version: true };
  const articles: Articles = sequelize.define('Article', { ...COLUMNS, price: PRICE }, options);
  const notes: Notes = sequelize.define('Note', NOTE_COLUMNS, { tableName: 'notes', timestamps: false });
  return {
    sequelize,
    articles,
    notes,
    store: new SequelizeStore(sequelize, articles, null),
    driverError: (error: unknown) => (error as BaseError & { original: unknown }).original,
    migrate: async () => {
      const migrations = sequelize.getQueryInterface();
      const version = { type: DataTypes.INTEGER, allowNull: false, defaultValue: 1 };
      await migrations.createTable('articles', { ...COLUMNS, version });
      await migrations.addColumn('articles', 'price', PRICE);
    },
    close: () => sequelize.close(),
  };
}

class SequelizeStore implements Store {
  readonly #sequelize: Sequelize;
  readonly #articles: Articles;
  readonly #transaction: Transaction | null;

  constructor(sequelize: Sequelize, articles: Articles, transaction: Transaction | null) {
    this.#sequelize = sequelize;
    this.#articles = articles;
    this.#transaction = transaction;
  }

  async insertMany(articles: readonly Article[]): Promise<void> {
    await this.#articles.bulkCreate([...articles], { transaction: this.#transaction });
  }

  async upsert(article: Article): Promise<void> {
    await this.#articles.upsert(article, { transaction: this.#transaction });
  }

  async setQty(sku: string, qty: number, version: number): Promise<boolean> {
    const known = this.#articles.build({ sku, version } as ArticleRow, { isNewRecord: false, raw: true });
    try {
      await known.update({ qty }, { transaction: this.#transaction });
      return true;
    } catch (error) {
      if (error instanceof OptimisticLockError) return false;
      throw error;
    }
  }

  async remove(sku: string): Promise<void> {
    await this.#articles.destroy({ where: { sku }, transaction: this.#transaction });
  }

  /** Sequelize has no streams. */
  async *all(): AsyncIterable<Article> {
    const options = { order: ['sku'], raw: true, transaction: this.#transaction };
    for (const row of await this.#articles.findAll(options)) yield row as unknown as Article;
  }

  transaction(work: (inside: Store) => Promise<void>): Promise<void> {
    return this.#sequelize.transaction({ transaction: this.#transaction }, (inside) =>
      work(new SequelizeStore(this.#sequelize, this.#articles, inside)),
    );
  }
}

behaves('Sequelize', open, {
  'finds or creates, and creates with values of many types': async ({ notes }) => {
    const [found, isNew] = await notes.findOrCreate({ where: { body: 'blue' }, defaults: { article_id: 9 } });
    const [made, isMade] = await notes.findOrCreate({
      where: { body: 'green' },
      defaults: { article_id: 9 },
    });
    const data = { deep: ['ü', null, 1.5] };
    const created = await notes.create({ body: "it's", data, done: true, at: new Date(1_700_000_000_125) });
    return [found.get('id'), isNew, made.get('id'), isMade, created.get('id')];
  },
  'creates in bulk over what is there': async ({ articles }) => {
    const rows = [
      { sku: 'cup', name: 'Cup', qty: 1, price: '1.00' },
      { sku: 'jug', name: 'Jug', qty: 2, price: '2.00' },
    ];
    await articles.bulkCreate(rows, { ignoreDuplicates: true });
    const created = await articles.bulkCreate(rows, { updateOnDuplicate: ['qty'] });
    return created.length;
  },
  'locks, increments and destroys under an isolation level': ({ sequelize, articles, notes }) =>
    sequelize.transaction(
      { isolationLevel: Transaction.ISOLATION_LEVELS.READ_COMMITTED },
      async (transaction) => {
        const options = { lock: transaction.LOCK.UPDATE, skipLocked: true, transaction };
        const cup = await articles.findByPk('cup', options);
        await cup!.increment('qty', { by: 5, transaction });
        return notes.destroy({ where: { article_id: 1 }, transaction });
      },
    ),
  'updates and destroys the first rows': async ({ notes }) => [
    await notes.update({ done: true }, { where: { done: false }, limit: 2 }),
    await notes.destroy({ where: { done: true }, limit: 1 }),
  ],
});
