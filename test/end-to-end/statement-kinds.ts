import type { ErrorCode } from 'globaltx';

/** One row of docs/sql.md: a kind of statement, and what becomes of it inside a global transaction. */
export interface StatementKind {
  readonly form: string;
  readonly sql: string;
  /** For `execute`; without them it is sent by `query`. */
  readonly values?: readonly (string | number)[];
  /** Legal on one server alone. */
  readonly only?: 'mysql' | 'mariadb';
  /** The code that it is refused with, before it runs. */
  readonly refused?: ErrorCode;
}

export interface Section {
  readonly title: string;
  readonly kinds: readonly StatementKind[];
}

/** What the statements are about. */
export const TABLES: readonly string[] = [
  `CREATE TABLE account (
     id INT PRIMARY KEY AUTO_INCREMENT, owner VARCHAR(20) NOT NULL UNIQUE,
     balance DECIMAL(10, 2) NOT NULL DEFAULT 0, note VARCHAR(5))`,
  "INSERT INTO account VALUES (1, 'ada', 100, NULL), (2, 'bob', 50, 'x'), (3, 'cleo', 0, NULL)",
  `CREATE TABLE entry (
     id INT PRIMARY KEY AUTO_INCREMENT, account_id INT, amount INT NOT NULL,
     FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE ON UPDATE CASCADE)`,
  'INSERT INTO entry VALUES (1, 1, 10), (2, 1, 20), (3, 2, 5)',
  'CREATE TABLE tag (name VARCHAR(20) PRIMARY KEY, uses INT NOT NULL)',
  "INSERT INTO tag VALUES ('a', 1), ('b', 2)",
  'CREATE TABLE badge (id INT PRIMARY KEY, colour VARCHAR(9) UNIQUE)',
  "INSERT INTO badge VALUES (1, 'red'), (2, 'blue')",
  `CREATE TABLE token (id CHAR(36) PRIMARY KEY DEFAULT (UUID()), made INT NOT NULL)`,
  `CREATE TABLE part (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id)
     (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)`,
  'INSERT INTO part VALUES (1, 1), (20, 20)',
  'CREATE VIEW rich AS SELECT * FROM account WHERE balance > 10',
  'CREATE VIEW labels AS SELECT uses, name AS label FROM tag',
  'CREATE VIEW shout AS SELECT id, owner, UPPER(owner) AS loud FROM account',
  'CREATE VIEW summed AS SELECT account_id, SUM(amount) AS total FROM entry GROUP BY account_id',
  'CREATE TABLE watched (id INT PRIMARY KEY, v INT)',
  'INSERT INTO watched VALUES (1, 1)',
  'CREATE TRIGGER watcher AFTER UPDATE ON watched FOR EACH ROW UPDATE tag SET uses = uses + 1',
  'CREATE TABLE old (id INT PRIMARY KEY, v INT) ENGINE=MyISAM',
  'CREATE TABLE keyless (v INT)',
  'CREATE PROCEDURE proceed() UPDATE tag SET uses = 0',
];

const UNSUPPORTED = 'STATEMENT_UNSUPPORTED';
const TABLE = 'TABLE_UNSUPPORTED';

export const SECTIONS: readonly Section[] = [
  {
    title: 'INSERT',
    kinds: [
      { form: 'VALUES', sql: "INSERT INTO account (owner, balance) VALUES ('dan', 1)" },
      { form: 'VALUE, without INTO', sql: "INSERT account (owner) VALUE ('dan')" },
      { form: 'placeholders', sql: 'INSERT INTO account (owner, balance) VALUES (?, ?)', values: ['dan', 7] },
      { form: 'many rows', sql: "INSERT INTO account (owner) VALUES ('dan'), ('eve'), ('fay')" },
      { form: 'SET', sql: "INSERT INTO account SET owner = 'dan', balance = 3" },
      { form: 'no column list', sql: "INSERT INTO account VALUES (NULL, 'dan', 1, NULL)" },
      { form: 'DEFAULT', sql: "INSERT INTO account VALUES (DEFAULT, 'dan', DEFAULT, DEFAULT)" },
      { form: 'a key that is given', sql: "INSERT INTO account (id, owner) VALUES (9, 'dan')" },
      { form: 'some keys given', sql: "INSERT INTO account (id, owner) VALUES (9, 'dan'), (NULL, 'eve')" },
      { form: 'a function in the key', sql: 'INSERT INTO token (id, made) VALUES (UUID(), 1)' },
      { form: 'a DEFAULT expression in the key', sql: 'INSERT INTO token (made) VALUES (1)' },
      { form: 'SELECT', sql: 'INSERT INTO tag SELECT owner, id FROM account WHERE id < 3' },
      {
        form: 'SELECT with generated keys',
        sql: "INSERT INTO account (owner) SELECT CONCAT(name, 'x') FROM tag",
      },
      { form: 'TABLE', sql: 'INSERT INTO part TABLE old', only: 'mysql' },
      { form: 'IGNORE', sql: "INSERT IGNORE INTO tag VALUES ('a', 9), ('c', 9)" },
      {
        form: 'ON DUPLICATE KEY UPDATE',
        sql: "INSERT INTO tag VALUES ('a', 9) ON DUPLICATE KEY UPDATE uses = uses + 1",
      },
      {
        form: 'ON DUPLICATE KEY UPDATE with VALUES()',
        sql: "INSERT INTO tag VALUES ('a', 9) ON DUPLICATE KEY UPDATE uses = VALUES(uses)",
      },
      {
        form: 'ON DUPLICATE KEY UPDATE with a row alias',
        sql: "INSERT INTO tag VALUES ('a', 9) AS new ON DUPLICATE KEY UPDATE uses = new.uses",
        only: 'mysql',
      },
      {
        form: 'ON DUPLICATE KEY UPDATE of the key',
        sql: "INSERT INTO badge VALUES (9, 'red') ON DUPLICATE KEY UPDATE id = VALUES(id)",
      },
      {
        form: 'RETURNING',
        sql: "INSERT INTO account (owner) VALUES ('dan') RETURNING id, owner",
        only: 'mariadb',
      },
      { form: 'a view of one table', sql: "INSERT INTO rich (owner, balance) VALUES ('dan', 1)" },
      { form: 'LOW_PRIORITY, HIGH_PRIORITY', sql: "INSERT LOW_PRIORITY INTO tag VALUES ('c', 1)" },
      { form: 'PARTITION', sql: 'INSERT INTO part PARTITION (p0) VALUES (5, 5)' },
      { form: 'a value that meets another', sql: "INSERT INTO account (owner) VALUES ('ada')" },
      {
        form: 'a value that does not fit',
        sql: "INSERT INTO account (owner, note) VALUES ('dan', 'too long')",
      },
      { form: 'a parent that is not there', sql: 'INSERT INTO entry (account_id, amount) VALUES (99, 1)' },
    ],
  },
  {
    title: 'REPLACE',
    kinds: [
      { form: 'VALUES', sql: "REPLACE INTO tag VALUES ('a', 5), ('z', 6)" },
      { form: 'a view of one table', sql: "REPLACE INTO labels VALUES (5, 'a'), (6, 'z')" },
      { form: 'SET', sql: "REPLACE INTO tag SET name = 'a', uses = 5" },
      { form: 'SELECT', sql: 'REPLACE INTO tag SELECT owner, id FROM account' },
    ],
  },
  {
    title: 'UPDATE',
    kinds: [
      { form: 'by key', sql: 'UPDATE account SET balance = balance - 1 WHERE id = 1' },
      { form: 'placeholders', sql: 'UPDATE account SET balance = ? WHERE owner = ?', values: [5, 'bob'] },
      { form: 'all rows', sql: 'UPDATE account SET balance = 1' },
      { form: 'a view of one table', sql: 'UPDATE rich SET balance = balance - 45' },
      { form: 'no rows', sql: 'UPDATE account SET balance = 1 WHERE id = 99' },
      { form: 'what is the same already', sql: "UPDATE account SET note = 'x' WHERE id = 2" },
      { form: 'an alias', sql: 'UPDATE account AS a SET a.balance = 2 WHERE a.id = 2' },
      { form: 'ORDER BY, LIMIT', sql: 'UPDATE account SET balance = 7 ORDER BY id DESC LIMIT 2' },
      { form: 'LIMIT without ORDER BY', sql: 'UPDATE account SET balance = 7 LIMIT 1' },
      {
        form: 'a subquery',
        sql: 'UPDATE account SET balance = 8 WHERE id IN (SELECT account_id FROM entry)',
      },
      { form: 'a changing condition', sql: 'UPDATE account SET balance = 9 WHERE RAND() < 2' },
      { form: 'a user variable', sql: 'UPDATE account SET balance = @nothing + 1, note = NULL WHERE id = 1' },
      { form: 'IGNORE', sql: "UPDATE IGNORE account SET owner = 'ada'" },
      { form: 'LOW_PRIORITY', sql: 'UPDATE LOW_PRIORITY account SET balance = 2 WHERE id = 2' },
      { form: 'PARTITION', sql: 'UPDATE part PARTITION (p1) SET v = 3' },
      { form: 'index hints', sql: 'UPDATE account USE INDEX (PRIMARY) SET balance = 3 WHERE id = 2' },
      { form: 'the primary key', sql: 'UPDATE tag SET name = CONCAT(name, name)' },
      { form: 'the primary key, ON UPDATE CASCADE', sql: 'UPDATE account SET id = 10 WHERE id = 1' },
      {
        form: 'JOIN',
        sql: 'UPDATE account a JOIN entry e ON e.account_id = a.id SET a.balance = e.amount, e.amount = 0',
      },
      {
        form: 'the primary keys of a JOIN',
        sql: 'UPDATE tag t JOIN badge b ON b.id = t.uses SET t.name = b.colour, b.id = b.id + 10',
      },
      {
        form: 'several tables',
        sql: 'UPDATE account, tag SET balance = uses WHERE note = name OR uses = id',
      },
      {
        form: 'LATERAL',
        sql: 'UPDATE account a, LATERAL (SELECT MAX(amount) AS most FROM entry WHERE account_id = a.id) e SET a.balance = e.most WHERE a.id < 3',
        only: 'mysql',
      },
      {
        form: 'a common table expression',
        sql: 'WITH big AS (SELECT id FROM account WHERE balance > 10) UPDATE account SET balance = 0 WHERE id IN (SELECT id FROM big)',
        only: 'mysql',
      },
      { form: 'a value that does not fit', sql: "UPDATE account SET note = 'too long' WHERE id = 1" },
      { form: 'a value that meets another', sql: "UPDATE account SET owner = 'ada' WHERE id = 2" },
      { form: 'a column that is not there', sql: 'UPDATE account SET nothing = 1 WHERE id = 1' },
    ],
  },
  {
    title: 'DELETE',
    kinds: [
      { form: 'by key', sql: "DELETE FROM tag WHERE name = 'a'" },
      { form: 'ON DELETE CASCADE', sql: 'DELETE FROM account WHERE id = 1' },
      { form: 'all rows', sql: 'DELETE FROM entry' },
      { form: 'a view of one table', sql: 'DELETE FROM rich WHERE id = 2' },
      { form: 'ORDER BY, LIMIT', sql: 'DELETE FROM entry ORDER BY amount LIMIT 1' },
      { form: 'QUICK, IGNORE', sql: 'DELETE QUICK IGNORE FROM entry WHERE id < 3' },
      { form: 'PARTITION', sql: 'DELETE FROM part PARTITION (p0)' },
      {
        form: 'several tables',
        sql: 'DELETE a, e FROM account a JOIN entry e ON e.account_id = a.id WHERE a.id = 2',
      },
      {
        form: 'USING',
        sql: 'DELETE FROM e USING entry e JOIN account a ON a.id = e.account_id WHERE a.id = 1',
      },
      {
        form: 'LATERAL',
        sql: 'DELETE a FROM account a JOIN LATERAL (SELECT id FROM entry WHERE account_id = a.id LIMIT 1) e ON TRUE',
        only: 'mysql',
      },
      { form: 'RETURNING', sql: 'DELETE FROM tag WHERE uses > 0 RETURNING name', only: 'mariadb' },
    ],
  },
  {
    title: 'SELECT',
    kinds: [
      { form: 'without a lock', sql: 'SELECT id, owner, balance, note FROM account ORDER BY id' },
      { form: 'FOR UPDATE of a view of one table', sql: 'SELECT * FROM rich ORDER BY id FOR UPDATE' },
      { form: 'FOR UPDATE', sql: 'SELECT * FROM account WHERE id < 3 ORDER BY id FOR UPDATE' },
      {
        form: 'FOR UPDATE, by execute',
        sql: 'SELECT * FROM account WHERE owner = ? FOR UPDATE',
        values: ['bob'],
      },
      { form: 'FOR SHARE', sql: 'SELECT * FROM account WHERE id = 1 FOR SHARE', only: 'mysql' },
      { form: 'LOCK IN SHARE MODE', sql: 'SELECT * FROM account WHERE id = 1 LOCK IN SHARE MODE' },
      { form: 'NOWAIT', sql: 'SELECT * FROM account WHERE id = 1 FOR UPDATE NOWAIT' },
      { form: 'SKIP LOCKED', sql: 'SELECT * FROM account ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED' },
      {
        form: 'OF',
        sql: 'SELECT a.id FROM account a JOIN entry e ON e.account_id = a.id FOR UPDATE OF a',
        only: 'mysql',
      },
      {
        form: 'a join',
        sql: 'SELECT a.id, e.id AS entry FROM account a JOIN entry e ON e.account_id = a.id ORDER BY 2 FOR UPDATE',
      },
    ],
  },
  {
    title: 'Refused',
    kinds: [
      { form: 'CREATE, ALTER, DROP', sql: 'ALTER TABLE tag ADD x INT', refused: UNSUPPORTED },
      { form: 'TRUNCATE', sql: 'TRUNCATE tag', refused: UNSUPPORTED },
      { form: 'GRANT and its like', sql: "CREATE USER 'nobody'@'localhost'", refused: UNSUPPORTED },
      { form: 'LOAD DATA', sql: "LOAD DATA INFILE 'x' INTO TABLE tag", refused: UNSUPPORTED },
      { form: 'CALL', sql: 'CALL proceed()', refused: UNSUPPORTED },
      { form: 'DO', sql: 'DO SLEEP(0)', refused: UNSUPPORTED },
      { form: 'HANDLER', sql: 'HANDLER tag OPEN', refused: UNSUPPORTED },
      { form: 'LOCK TABLES', sql: 'LOCK TABLES tag WRITE', refused: UNSUPPORTED },
      { form: 'PREPARE as text', sql: "PREPARE p FROM 'DELETE FROM tag'", refused: UNSUPPORTED },
      { form: 'EXECUTE as text', sql: 'EXECUTE p', refused: UNSUPPORTED },
      { form: 'XA', sql: "XA START 'x'", refused: UNSUPPORTED },
      {
        form: 'an INSERT or REPLACE into a view with a computed column',
        sql: "INSERT INTO shout (owner) VALUES ('dan')",
        refused: UNSUPPORTED,
      },
      {
        form: 'a view in a join that is written or locked',
        sql: 'UPDATE rich JOIN tag ON name = owner SET balance = 1',
        refused: TABLE,
      },
      {
        form: 'a view that is more than rows of one table',
        sql: 'UPDATE summed SET total = 1',
        refused: TABLE,
      },
      {
        form: 'the key of a JOIN, by what the statement changes, too',
        sql: 'UPDATE tag t JOIN badge b ON b.id = t.uses SET t.name = b.colour, b.colour = t.name',
        refused: UNSUPPORTED,
      },
      { form: 'a table with a trigger', sql: 'UPDATE watched SET v = 2', refused: TABLE },
      { form: 'a table of another engine than InnoDB', sql: 'UPDATE old SET v = 2', refused: TABLE },
      { form: 'a table without a key', sql: 'UPDATE keyless SET v = 2', refused: TABLE },
      { form: 'a system schema', sql: "DELETE FROM mysql.user WHERE user = 'x'", refused: TABLE },
    ],
  },
];

/** Whether a kind is one of the server's. */
export function isOf(server: 'mysql' | 'mariadb'): (kind: StatementKind) => boolean {
  return ({ only }) => only === undefined || only === server;
}
