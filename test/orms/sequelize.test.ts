import mysql from 'globaltx/mysql2';
import type { ConnectionOptions } from 'mysql2';
import {
  type BaseError,
  DataTypes,
  type Model,
  type ModelStatic,
  OptimisticLockError,
  Sequelize,
  type Transaction,
} from 'sequelize';
import { behaves } from './behaves.js';
import type { Article, OpenOrm, Store } from './store.js';

interface ArticleRow extends Article {
  readonly version?: number;
}

type Articles = ModelStatic<Model<ArticleRow, ArticleRow>>;

const COLUMNS = {
  sku: { type: DataTypes.STRING(40), primaryKey: true },
  name: { type: DataTypes.STRING(100), allowNull: false },
  qty: { type: DataTypes.INTEGER, allowNull: false },
};
const PRICE = { type: DataTypes.DECIMAL(10, 2), allowNull: false, defaultValue: 0 };

function open({ host, port, user, password, database }: ConnectionOptions): OpenOrm {
  const way = { host: host!, port: port!, username: user!, password: password!, database: database! };
  const sequelize = new Sequelize({ dialect: 'mysql', dialectModule: mysql, ...way, logging: false });
  const options = { tableName: 'articles', timestamps: false, version: true };
  const articles: Articles = sequelize.define('Article', { ...COLUMNS, price: PRICE }, options);
  return {
    store: new SequelizeStore(sequelize, articles, null),
    driverError: (error) => (error as BaseError & { original: unknown }).original,
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

behaves('Sequelize', open);
