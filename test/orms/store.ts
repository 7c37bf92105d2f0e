/** A row of the table that every ORM works on, in each of two databases. */
export interface Article {
  readonly sku: string;
  readonly name: string;
  readonly qty: number;
  /** As the database prints it: '12.50'. */
  readonly price: string;
}

/**
 * What an application does with its ORM, done with the ORM's own means. Of a transaction it gives the same, so that
 * a transaction inside of one is a savepoint.
 */
export interface Store {
  /** With one statement. */
  insertMany(articles: readonly Article[]): Promise<void>;
  /** Inserts it, or overwrites the one with the same sku. */
  upsert(article: Article): Promise<void>;
  /**
   * Optimistic locking: writes the quantity, and the next version, if the version is still the one given.
   * @returns false when someone else was first
   */
  setQty(sku: string, qty: number, version: number): Promise<boolean>;
  remove(sku: string): Promise<void>;
  /** Every article, as a stream where the ORM has one, by sku. */
  all(): AsyncIterable<Article>;
  /** A transaction of the ORM's own: what `work` throws rolls it back. */
  transaction(work: (inside: Store) => Promise<void>): Promise<void>;
}

/** An ORM on one database. */
export interface OpenOrm {
  readonly store: Store;
  /** The driver's error in what the ORM throws. */
  driverError(error: unknown): unknown;
  /** Makes the tables by the ORM's own migrations, or as near as it has. */
  migrate(): Promise<void>;
  close(): Promise<void>;
}

/** What `migrate` makes: two migrations, one of which comes later. */
export const CREATE_ARTICLES = `CREATE TABLE articles (
  id INT PRIMARY KEY AUTO_INCREMENT,
  sku VARCHAR(40) NOT NULL,
  name VARCHAR(100) NOT NULL,
  qty INT NOT NULL,
  version INT NOT NULL DEFAULT 1,
  UNIQUE KEY articles_sku (sku))`;
/** Of many types; it refers to articles, and is there from the start. */
export const CREATE_NOTES = `CREATE TABLE notes (
  id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT,
  article_id INT NULL,
  body TEXT NOT NULL,
  data JSON NULL,
  done TINYINT(1) NOT NULL DEFAULT 0,
  at DATETIME(3) NULL,
  KEY notes_article (article_id))`;
export const ADD_PRICE = 'ALTER TABLE articles ADD COLUMN price DECIMAL(10, 2) NOT NULL DEFAULT 0';
