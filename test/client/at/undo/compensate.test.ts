import assert from 'node:assert/strict';
import type { SqlExecutor } from '../../../../src/client/at/executor.js';
import { compensate } from '../../../../src/client/at/undo/compensate.js';
import { UndoWorld } from './undo-world.js';

const ACCOUNTS = `CREATE TABLE accounts (
  id INT PRIMARY KEY AUTO_INCREMENT,
  email VARCHAR(80) NOT NULL UNIQUE,
  balance DECIMAL(12,2) NOT NULL,
  note TEXT NULL,
  photo BLOB NULL,
  changed TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  born DATETIME NULL ON UPDATE CURRENT_TIMESTAMP,
  cents BIGINT AS (balance * 100) STORED,
  shout VARCHAR(80) AS (UPPER(email)) VIRTUAL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`;

const ROWS = `INSERT INTO accounts (id, email, balance, note, photo, changed) VALUES
  (1, 'ada@x', 10.50, NULL, x'00ff27', '2020-01-02 03:04:05.678'),
  (2, 'bob@x', 0.00, 'it''s \\\\ "fine"', NULL, '2021-01-02 03:04:05.678'),
  (3, 'eve@x', -3.25, '', x'', '2022-01-02 03:04:05.678')`;

describe('A rollback', () => {
  let world: UndoWorld;

  beforeEach(async () => {
    world = await UndoWorld.create(ACCOUNTS, ROWS);
  });

  afterEach(() => world.close());

  it('takes an INSERT back', async () => {
    await world.assertRestored(
      ['accounts'],
      "INSERT INTO accounts (email, balance) VALUES ('new@x', 1), ('newer@x', 2)",
    );
  });

  it('takes an UPDATE back, in columns that change by themselves and in generated ones too', async () => {
    await world.assertRestored(
      ['accounts'],
      "UPDATE accounts SET balance = balance - 1, note = 'x', photo = x'01' WHERE id < 3",
    );
  });

  it('takes a DELETE back', async () => {
    await world.assertRestored(['accounts'], 'DELETE FROM accounts');
  });

  it('takes back a row that was deleted and inserted again', async () => {
    await world.assertRestored(
      ['accounts'],
      'DELETE FROM accounts WHERE id = 1',
      "INSERT INTO accounts (id, email, balance) VALUES (1, 'other@x', 5)",
    );
  });

  it('takes back all statement kinds at once', async () => {
    await world.assertRestored(
      ['accounts'],
      "INSERT INTO accounts (email, balance) VALUES ('new@x', 1)",
      'UPDATE accounts SET balance = 0 WHERE id = 1',
      'DELETE FROM accounts WHERE id = 2',
      "UPDATE accounts SET email = 'bob@x' WHERE id = 3",
    );
  });

  it('takes back changes of many rows', async () => {
    const values = Array.from({ length: 1500 }, (_, at) => `('user${at}@x', ${at})`).join(', ');
    await world.run(`INSERT INTO accounts (email, balance) VALUES ${values}`);
    await world.assertRestored(
      ['accounts'],
      'UPDATE accounts SET balance = balance + 1 WHERE id % 3 = 0',
      'DELETE FROM accounts WHERE id % 3 = 1',
      "INSERT INTO accounts (email, balance) SELECT CONCAT('again', email), 7 FROM accounts",
    );
  });

  it('takes back a row whose AUTO_INCREMENT column is 0', async () => {
    await world.branch([], "INSERT INTO accounts (id, email, balance) VALUES (0, 'zero@x', 0)");
    await world.assertRestored(['accounts'], 'DELETE FROM accounts WHERE id = 0');
  });

  it('takes back two rows that swapped a unique value', async () => {
    await world.assertRestored(
      ['accounts'],
      "UPDATE accounts SET email = 'parked' WHERE id = 1",
      "UPDATE accounts SET email = 'ada@x' WHERE id = 2",
      "UPDATE accounts SET email = 'bob@x' WHERE id = 1",
    );
  });

  it('takes back a circle of three unique values, found equal by the collation only', async () => {
    await world.assertRestored(
      ['accounts'],
      "UPDATE accounts SET email = 'parked' WHERE id = 1",
      "UPDATE accounts SET email = 'ADA@X' WHERE id = 2",
      "UPDATE accounts SET email = 'BOB@X' WHERE id = 3",
      "UPDATE accounts SET email = 'EVE@X' WHERE id = 1",
    );
  });

  it('takes back a chain of unique values, whichever end it is met from', async () => {
    await world.run(
      'CREATE TABLE seats (id INT PRIMARY KEY, seat INT NOT NULL UNIQUE)',
      'INSERT INTO seats VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)',
    );
    await world.assertRestored(['seats'], 'UPDATE seats SET seat = seat + 1 ORDER BY seat DESC');
    await world.assertRestored(['seats'], 'UPDATE seats SET seat = seat - 1 ORDER BY seat');
  });

  it('takes back a long chain of unique values with a few statements for each row', async () => {
    const seats = Array.from({ length: 200 }, (_, at) => `(${at}, ${at})`).join(', ');
    await world.run(
      'CREATE TABLE seats (id INT PRIMARY KEY, seat INT UNIQUE)',
      `INSERT INTO seats VALUES ${seats}`,
    );
    for (const shift of ['seat + 1 ORDER BY seat DESC', 'seat - 1 ORDER BY seat']) {
      const before = await world.dump();
      const branch = await world.branch(['seats'], `UPDATE seats SET seat = ${shift}`);
      const { executor } = await world.session();
      let statements = 0;
      const counted: SqlExecutor = {
        query: (sql) => {
          statements += 1;
          return executor.query(sql);
        },
      };
      const { outcome } = await compensate(counted, world.toUndo(branch));
      assert.equal(outcome, 'PHASE_TWO_DONE');
      assert.ok(statements < 500, `${statements} statements`);
      assert.equal(await world.dump(), before);
    }
  });

  it('takes back a chain of keys', async () => {
    await world.run(
      'CREATE TABLE seats (id INT PRIMARY KEY, who INT NOT NULL UNIQUE)',
      'INSERT INTO seats VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)',
    );
    await world.assertRestored(['seats'], 'UPDATE seats SET id = id + 1 ORDER BY id DESC');
  });

  it('takes back a key that became another spelling of itself', async () => {
    await world.run(
      'CREATE TABLE words (word VARCHAR(20) PRIMARY KEY, n INT) DEFAULT CHARSET=utf8mb4',
      "INSERT INTO words VALUES ('a', 1), ('b', 2)",
    );
    await world.assertRestored(['words'], "UPDATE words SET word = 'A' WHERE word = 'a'");
  });

  it('takes back values that are larger than one statement can carry as text', async () => {
    await world.run(
      'CREATE TABLE files (id INT PRIMARY KEY, bytes LONGBLOB, words LONGTEXT, old LONGTEXT CHARACTER SET latin1) CHARSET=utf8mb4',
      "INSERT INTO files VALUES (1, REPEAT(X'00ff', 4500000), '', NULL)",
      "INSERT INTO files VALUES (2, X'01', REPEAT('é€', 300000), REPEAT('ß', 1200000))",
    );
    await world.assertRestored(
      ['files'],
      'DELETE FROM files WHERE id = 1',
      "UPDATE files SET bytes = 'x', words = NULL, old = '' WHERE id = 2",
    );
  });

  it('takes back rows of another schema on the same server', async () => {
    const other = await world.server.createDatabase('undo_other');
    const table = `\`${other}\`.stock`;
    await world.run(
      `CREATE TABLE ${table} (id INT PRIMARY KEY, qty INT)`,
      `INSERT INTO ${table} VALUES (1, 1), (2, 2)`,
    );
    const before = await world.server.dump(other);
    const branch = await world.branch(
      [`${other}.stock`],
      `UPDATE ${table} SET qty = 7`,
      `DELETE FROM ${table} WHERE id = 1`,
      `INSERT INTO ${table} VALUES (3, 3)`,
    );
    assert.equal((await world.compensate(branch)).outcome, 'PHASE_TWO_DONE');
    assert.equal(await world.server.dump(other), before);
  });

  it('takes back rows with a composite key', async () => {
    await world.run(
      'CREATE TABLE stock (region VARCHAR(8), sku BIGINT UNSIGNED, qty INT, PRIMARY KEY (region, sku))',
      "INSERT INTO stock VALUES ('eu', 18446744073709551615, 1), ('eu', 2, 2), ('us', 2, 3), ('', 0, 4)",
    );
    await world.assertRestored(
      ['stock'],
      "UPDATE stock SET qty = qty * 2 WHERE region = 'eu'",
      "DELETE FROM stock WHERE sku = 2 AND region = 'us'",
      "INSERT INTO stock VALUES ('us', 3, 1)",
    );
  });

  it('takes back parents and children in an order that foreign keys allow', async () => {
    await world.run(
      'CREATE TABLE orders (id INT PRIMARY KEY, item INT NULL)',
      'CREATE TABLE items (id INT PRIMARY KEY, order_id INT NOT NULL, FOREIGN KEY (order_id) REFERENCES orders (id))',
      'INSERT INTO orders VALUES (1, NULL), (2, NULL)',
      'INSERT INTO items VALUES (1, 1), (2, 2)',
    );
    for (const tables of [
      ['orders', 'items'],
      ['items', 'orders'],
    ]) {
      await world.assertRestored(
        tables,
        'INSERT INTO orders VALUES (3, 1)',
        'INSERT INTO items VALUES (3, 3)',
        'UPDATE items SET order_id = 3 WHERE id = 1',
        'DELETE FROM orders WHERE id = 1',
      );
      await world.assertRestored(tables, 'DELETE FROM items', 'DELETE FROM orders');
    }
  });

  it('takes back a table whose rows refer to each other', async () => {
    await world.run(
      'CREATE TABLE nodes (id INT PRIMARY KEY, up INT NULL, FOREIGN KEY (up) REFERENCES nodes (id))',
      'INSERT INTO nodes VALUES (1, NULL), (9, NULL)',
      'INSERT INTO nodes VALUES (5, 9), (2, 5), (7, 2)',
    );
    await world.assertRestored(['nodes'], 'DELETE FROM nodes WHERE id = 7', 'DELETE FROM nodes WHERE id = 2');
    await world.assertRestored(
      ['nodes'],
      'INSERT INTO nodes VALUES (20, 1)',
      'INSERT INTO nodes VALUES (10, 20)',
      'UPDATE nodes SET up = 10 WHERE id = 7',
    );
  });

  it('takes back swapped unique values of rows that foreign keys refer to', async () => {
    await world.run(
      'CREATE TABLE notes (id INT PRIMARY KEY, account INT NOT NULL, FOREIGN KEY (account) REFERENCES accounts (id) ON DELETE CASCADE)',
      'INSERT INTO notes VALUES (1, 1), (2, 2)',
    );
    await world.assertRestored(
      ['accounts'],
      "UPDATE accounts SET email = 'parked' WHERE id = 1",
      "UPDATE accounts SET email = 'ada@x' WHERE id = 2",
      "UPDATE accounts SET email = 'bob@x' WHERE id = 1",
    );
  });

  it('answers done again when its answer was lost', async () => {
    const branch = await world.branch(['accounts'], 'UPDATE accounts SET balance = 1');
    const session = await world.session();
    assert.equal((await world.compensate(branch, session)).outcome, 'PHASE_TWO_DONE');
    const restored = await world.dump();
    assert.equal((await world.compensate(branch, session)).outcome, 'PHASE_TWO_DONE');
    assert.equal((await world.compensate(branch, session)).outcome, 'PHASE_TWO_DONE');
    assert.equal(await world.dump(), restored);
  });
});
