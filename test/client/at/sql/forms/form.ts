/** A legal statement and how it is read, as `describe.ts` writes it. */
export interface Form {
  readonly sql: string;
  readonly is: string;
  /** Legal on one server alone. */
  readonly only?: 'mysql' | 'mariadb';
}

/** Statements and how they are read, in turn; `mysql only: ` or `mariadb only: ` in front of the reading limits it. */
export function forms(lines: readonly string[]): readonly Form[] {
  return Array.from({ length: lines.length / 2 }, (_, index) => {
    const sql = lines[2 * index]!;
    const [, only, is] = /^(?:(mysql|mariadb) only: )?(.*)$/s.exec(lines[2 * index + 1]!)!;
    return only === 'mysql' || only === 'mariadb' ? { sql, is: is!, only } : { sql, is: is! };
  });
}

/** What the forms need to be legal. `shop` is the database. */
export const SCHEMA: readonly string[] = [
  'CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a INT DEFAULT 0, b VARCHAR(50), c DATETIME, d DATE, j JSON, KEY ia (a), KEY ib (b), FULLTEXT KEY fb (b))',
  'CREATE TABLE u (id INT PRIMARY KEY, a INT)',
  'CREATE TABLE p (id INT PRIMARY KEY, a INT) PARTITION BY HASH (id) PARTITIONS 2',
  'CREATE TABLE words (status INT, type INT, value INT, name VARCHAR(9), date DATE, count INT, text VARCHAR(9), year INT, `key` INT)',
  'CREATE TABLE status (value INT)',
  'CREATE TABLE value (value INT)',
  'CREATE TABLE quick (id INT)',
  'CREATE TABLE `order` (`select` INT, `group` INT)',
  'CREATE TABLE `we``ird` (`co``l` INT)',
  'CREATE TABLE wéird (col INT)',
  'CREATE TABLE 1t (2a INT)',
  'CREATE TABLE $t ($a INT)',
  'CREATE TABLE T (ID INT, A INT, B VARCHAR(9))',
  'CREATE FUNCTION f (x INT) RETURNS INT DETERMINISTIC RETURN x',
];
export const MARIADB_SCHEMA: readonly string[] = ['CREATE SEQUENCE s'];
